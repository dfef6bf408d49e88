"""Pattern 4: Exclusive Choice."""

from portal import act, flow, this


class ExclusiveChoiceFlow(flow.Flow):
    """Exclusive choice

    One of several branches is taken, by the data. `If` chooses between two, `Switch` among many."""

    start = flow.StartHandle(this.weigh).Next(this.weight)
    weight = flow.Switch().Case(this.letter, act.process.data["grams"] <= 500).Default(this.parcel)
    letter = flow.Handle().Next(this.end)
    parcel = flow.Handle().Next(this.end)
    end = flow.End()

    def weigh(self, activation, grams):
        activation.process.data["grams"] = grams


def test_04_exclusive_choice(flow_tester):
    for grams, taken, other in ((20, "letter", "parcel"), (900, "parcel", "letter")):
        run = flow_tester(ExclusiveChoiceFlow)
        run.start("start", grams=grams)
        assert run.tasks(other) == []
        run.handle(taken)
        assert run.path == ["start", "weight", taken, "end"]
        assert run.process.status == "DONE"
