"""Pattern 23: Transient Trigger."""

from portal import flow, this


class SirenFlow(flow.Flow):
    """Siren"""

    start = flow.StartHandle().Next(this.sound)
    sound = flow.SignalThrow("alarm").Next(this.end)
    end = flow.End()


class TransientTriggerFlow(flow.Flow):
    """Transient trigger

    Something from outside sets a step off, if it waits at that moment; else it is lost. `SignalCatch` hears what is
    thrown while it is armed."""

    start = flow.StartHandle().Next(this.patrol)
    patrol = flow.Handle().Next(this.alarm)
    alarm = flow.SignalCatch("alarm").Next(this.drive_out)
    drive_out = flow.Handle().Next(this.end)
    end = flow.End()


def test_23_transient_trigger(flow_tester):
    run = flow_tester(TransientTriggerFlow)
    run.start("start")
    flow_tester(SirenFlow).start("start")
    run.handle("patrol")
    assert run.task("alarm").status == "STARTED"
    assert run.path == ["start", "patrol"]
    flow_tester(SirenFlow).start("start")
    run.handle("drive_out")
    assert run.path == ["start", "patrol", "alarm", "drive_out", "end"]
    assert run.process.status == "DONE"
