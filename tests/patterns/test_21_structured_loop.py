"""Pattern 21: Structured Loop."""

from portal import act, flow, this


class StructuredLoopFlow(flow.Flow):
    """Structured loop

    A step is done again and again, with the test before it or after it. An `If` leads back: here papers are graded
    while there are some, and the marks are read out until nobody asks."""

    start = flow.StartHandle(lambda activation, left: activation.process.data.update(left=left)).Next(
        this.more
    )
    more = flow.If(act.process.data["left"] > 0).Then(this.grade).Else(this.read_out)
    grade = flow.Handle(this.count_down).Next(this.more)
    read_out = flow.Handle(this.listen).Next(this.asked)
    asked = flow.If(act.process.data["asked"]).Then(this.read_out).Else(this.end)
    end = flow.End()

    def count_down(self, activation):
        activation.process.data["left"] -= 1

    def listen(self, activation, asked):
        activation.process.data["asked"] = asked


def test_21_structured_loop(flow_tester):
    for left, questions in ((0, 0), (3, 2)):
        run = flow_tester(StructuredLoopFlow)
        run.start("start", left=left)
        for _ in range(left):
            run.handle("grade")
        for number in range(questions + 1):
            run.handle("read_out", asked=number < questions)
        rounds = [*["grade", "more"] * left, *["read_out", "asked"] * (questions + 1)]
        assert run.path == ["start", "more", *rounds, "end"]
        assert run.process.status == "DONE"
