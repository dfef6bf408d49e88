"""Pattern 6: Multi-Choice."""

from portal import act, flow, this


class MultiChoiceFlow(flow.Flow):
    """Multi-choice

    Any number of branches is taken, each by a condition of its own: a `Split` whose branches have a `case`."""

    start = flow.StartHandle(this.call).Next(this.who)
    who = (
        flow.Split()
        .Next(this.police, case=act.process.data["crime"])
        .Next(this.doctor, case=act.process.data["hurt"])
        .Next(this.firemen, case=act.process.data["fire"])
    )
    police = flow.Handle().Next(this.end)
    doctor = flow.Handle().Next(this.end)
    firemen = flow.Handle().Next(this.end)
    end = flow.End()

    def call(self, activation, crime, hurt, fire):
        activation.process.data.update(crime=crime, hurt=hurt, fire=fire)


def test_06_multi_choice(flow_tester):
    for taken in (["police"], ["firemen", "doctor"], ["doctor", "firemen", "police"]):
        run = flow_tester(MultiChoiceFlow)
        run.start("start", crime="police" in taken, hurt="doctor" in taken, fire="firemen" in taken)
        assert [name for name in ("police", "doctor", "firemen") if run.tasks(name)] == sorted(
            taken, key=["police", "doctor", "firemen"].index
        )
        for name in taken:
            assert run.process.status == "NEW"
            run.handle(name)
        assert run.path == ["start", "who", *(each for name in taken for each in (name, "end"))]
        assert run.process.status == "DONE"
