"""Pattern 5: Simple Merge."""

from portal import act, flow, this


class SimpleMergeFlow(flow.Flow):
    """Simple merge

    Alternative branches come together, and nobody waits for the others. Two nodes lead to the same next one."""

    start = flow.StartHandle(this.choose).Next(this.by_card)
    by_card = flow.If(act.process.data["card"]).Then(this.charge).Else(this.count_cash)
    charge = flow.Handle().Next(this.receipt)
    count_cash = flow.Handle().Next(this.receipt)
    receipt = flow.Handle().Next(this.end)
    end = flow.End()

    def choose(self, activation, card):
        activation.process.data["card"] = card


def test_05_simple_merge(flow_tester):
    for card, paid in ((True, "charge"), (False, "count_cash")):
        run = flow_tester(SimpleMergeFlow)
        run.start("start", card=card)
        run.handle(paid)
        run.handle("receipt")
        assert run.path == ["start", "by_card", paid, "receipt", "end"]
        assert run.process.status == "DONE"
