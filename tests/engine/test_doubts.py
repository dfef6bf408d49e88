"""`flows check` says what is legal in a flow and may well be a slip."""

import pytest

from portal import act, flow, jsonstore, this
from portal.models import Process, init_db


class OrderProcess(Process):
    kind = jsonstore.ChoiceField("Kind", choices=["car", "van"])


class LoadingFlow(flow.Flow):
    start = flow.StartHandle().Next(this.late)
    late = flow.EscalationThrow("late").Next(this.failed)
    failed = flow.ErrorEnd("broken")


class HurriedFlow(flow.Flow):
    start = flow.StartHandle().Next(this.load)
    load = (
        flow.Subprocess(LoadingFlow.start)
        .OnError(this.end, code="broken")
        .OnEscalation(this.end, code="late")
        .Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def check(app):
    def said(*flows):
        for each in flows:
            app.extensions["portal_flows"].register(each)
        init_db()
        result = app.test_cli_runner().invoke(args=["flows", "check"])
        assert result.exit_code == 0, result.output
        return [line for line in result.output.splitlines() if not line.endswith(", sound")]

    return said


def test_flows_that_fit_each_other_raise_no_doubt(check):
    class ThrowingFlow(flow.Flow):
        start = flow.StartHandle().Next(this.kind)
        kind = flow.Switch().Case(this.throw, act.task.data["a"] == 1).Case(this.end, act.task.data["a"] == 2)
        throw = flow.SignalThrow("go").Next(this.end)
        end = flow.End()

    class WaitingFlow(flow.Flow):
        start = flow.StartHandle().Next(this.wait)
        wait = flow.SignalCatch("go").Next(this.end)
        end = flow.End()

    assert check(LoadingFlow, HurriedFlow, ThrowingFlow, WaitingFlow) == []


def test_a_case_behind_one_with_the_same_condition(check):
    class ChoosingFlow(flow.Flow):
        process_class = OrderProcess
        start = flow.StartHandle().Next(this.kind)
        kind = (
            flow.Switch()
            .Case(this.car, act.process.kind == "car")
            .Case(this.van, this.is_van)
            .Case(this.end, act.process.kind == "car")
            .Case(this.car, this.is_van)
            .Default(this.end)
        )
        car = flow.ManualTask().Next(this.end)
        van = flow.ManualTask().Next(this.end)
        end = flow.End()

        def is_van(self, activation):
            return activation.process.kind == "van"

    said = "choosing: ChoosingFlow.kind: the case of {} is never taken: {} has the same condition before it"
    assert check(ChoosingFlow) == [said.format("end", "car"), said.format("car", "van")]


def test_a_permission_that_is_nearly_that_of_others(check):
    class AnswerFlow(flow.Flow):
        start = flow.StartHandle().Next(this.first_1)
        first_1 = flow.ManualTask().Permission("answer.can_read_1").Next(this.first_2)
        first_2 = flow.ManualTask().Permission("answer.can_read_2").Next(this.reply)
        reply = flow.ManualTask().Permission(auto_create=True).Next(this.sign)
        sign = flow.ManualTask().Permission("answer.can_replay").Next(this.post)
        post = flow.ManualTask().Permission("answer.can_post").Next(this.end)
        end = flow.End()

    assert check(AnswerFlow) == [
        "answer: AnswerFlow.sign: no other step asks for the permission 'answer.can_replay'; "
        "did you mean 'answer.can_reply'?"
    ]


def test_signals_that_do_not_meet(check):
    class CallingFlow(flow.Flow):
        start = flow.StartHandle().Next(this.throw)
        throw = flow.SignalThrow("gate is open").Next(this.alarm)
        alarm = flow.SignalThrow("fire").Next(this.end)
        end = flow.End()

    class ListeningFlow(flow.Flow):
        start = flow.StartHandle().Next(this.wait)
        wait = flow.SignalCatch("gate is opne").Next(this.enter)
        enter = flow.ManualTask().OnSignal("a storm", this.end).Next(this.end)
        end = flow.End()

    assert check(CallingFlow, ListeningFlow) == [
        "calling: CallingFlow.throw: no flow waits for the signal 'gate is open'; did you mean 'gate is opne'?",
        "calling: CallingFlow.alarm: no flow waits for the signal 'fire'",
        "listening: ListeningFlow.wait: no flow throws the signal 'gate is opne'; did you mean 'gate is open'?",
        "listening: ListeningFlow.enter__signal: no flow throws the signal 'a storm': your code or a program has to",
    ]


def test_codes_that_a_called_flow_does_not_have(check):
    class CallerFlow(flow.Flow):
        start = flow.StartHandle().Next(this.load)
        load = (
            flow.Subprocess(LoadingFlow.start)
            .OnError(this.end, code="brokn")
            .OnError(this.end, code="KeyError")
            .OnError(this.end)
            .OnEscalation(this.end, code="lat")
            .Next(this.end)
        )
        end = flow.End()

    said = "caller: CallerFlow.load: "
    assert check(LoadingFlow, CallerFlow) == [
        said + "no ErrorEnd of LoadingFlow has the code 'brokn'; did you mean broken?",
        said + "nothing in LoadingFlow throws an escalation with the code 'lat'; did you mean late?",
        "loading: LoadingFlow.late: no .OnEscalation of any flow listens to the code 'late': it is ignored",
    ]


def test_escalations_are_looked_for_below_and_in_circles(check):
    class RoundFlow(flow.Flow):
        start = flow.StartHandle().Next(this.again)
        again = flow.Subprocess(this.start).OnEscalation(this.end).Next(this.middle)
        middle = flow.Subprocess(HurriedFlow.start).OnEscalation(this.end, code="late").Next(this.end)
        end = flow.End()

    class QuietFlow(flow.Flow):
        start = flow.StartHandle().Next(this.again)
        again = flow.If(lambda activation: False).Then(this.call).Else(this.end)
        call = flow.Subprocess(this.start).OnEscalation(this.end).Next(this.end)
        end = flow.End()

    assert check(LoadingFlow, HurriedFlow, RoundFlow) == []
    assert check(QuietFlow) == ["quiet: QuietFlow.call: nothing in QuietFlow throws an escalation"]
