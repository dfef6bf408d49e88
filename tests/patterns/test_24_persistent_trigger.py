"""Pattern 24: Persistent Trigger."""

from portal import flow, this


class PersistentTriggerFlow(flow.Flow):
    """Persistent trigger

    Something from outside sets a step off, and is kept until the step is ready for it. `MessageCatch` keeps what comes
    too early, and takes it once."""

    start = flow.StartHandle().Next(this.pack)
    pack = flow.Handle().Next(this.paid)
    paid = flow.MessageCatch().Next(this.send)
    send = flow.Handle().Next(this.end)
    end = flow.End()


def test_24_persistent_trigger(flow_tester):
    for order in (["paid", "pack"], ["pack", "paid"]):
        run = flow_tester(PersistentTriggerFlow)
        run.start("start")
        for name in order:
            assert run.tasks("send") == []
            run.handle(name)
        run.handle("send")
        assert run.path == ["start", "pack", "paid", "send", "end"]
        assert run.process.status == "DONE"
