"""Pattern 38: General Synchronizing Merge."""

from portal import act, flow, this


class GeneralMergeFlow(flow.Flow):
    """General synchronizing merge

    The merge waits exactly as long as a branch can still come to it, also where a branch goes round in a loop or ends
    elsewhere. The join looks at the graph, and again whenever a token has moved."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.invoice).Next(this.offer)
    invoice = flow.Handle().Next(this.merge)
    offer = flow.Handle(lambda activation, answer: activation.process.data.update(answer=answer)).Next(
        this.answer
    )
    answer = (
        flow.Switch()
        .Case(this.offer, act.process.data["answer"] == "later")
        .Case(this.merge, act.process.data["answer"] == "yes")
        .Default(this.no_deal)
    )
    no_deal = flow.End()
    merge = flow.Join().Next(this.pay)
    pay = flow.Handle().Next(this.end)
    end = flow.End()


def test_38_general_synchronizing_merge(flow_tester):
    for last, way in (("yes", []), ("no", ["no_deal"])):
        run = flow_tester(GeneralMergeFlow)
        run.start("start")
        run.handle("invoice")
        run.handle("offer", answer="later")
        assert run.task("merge").status == "STARTED"
        run.handle("offer", answer=last)
        run.handle("pay")
        rounds = ["offer", "answer", "offer", "answer"]
        assert run.path == ["start", "split", "invoice", *rounds, *way, "merge", "pay", "end"]
        assert run.process.status == "DONE"
