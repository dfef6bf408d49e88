"""A wrong flow is an error when its class is made: with the class, the node and the mend."""

from __future__ import annotations

import datetime as dt
import enum
import re
from pathlib import Path

import pytest
from sqlalchemy import Column, Enum, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from portal import act, assign, flow, jsonstore, this, views
from portal.errors import FlowError
from portal.models import Process, db


class Vehicle(enum.Enum):
    VAN = "van"


class FaultProcess(Process):
    since = jsonstore.DateField()
    vehicle = jsonstore.ChoiceField(choices=Vehicle)
    text = jsonstore.StringField()
    number = jsonstore.IntegerField()
    agreed = jsonstore.BooleanField()
    kind = jsonstore.ChoiceField(choices=["a", "b"])
    errors = jsonstore.StringField()


def nothing(activation): ...


async def waits(activation): ...


def without_self(activation, text): ...


def yields(activation):
    yield activation


class OddLine(jsonstore.Schema):
    amount = jsonstore.IntegerField(default="5")


class Loaned(db.Model):
    __tablename__ = "mistaken_loan"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(String(80), info={"lable": "What"})


class AsyncCall:
    async def __call__(self, given): ...


class ChildFlow(flow.Flow):
    start = flow.StartHandle(this.take).Next(this.end)
    end = flow.End()

    def take(self, activation, text, more=None): ...


class OtherFlow(flow.Flow):
    start = flow.StartHandle().Next(this.other)
    other = flow.End()


END = {"end": flow.End}
START = {"start": lambda: flow.StartHandle().Next(this.work)}
WORK = {"work": lambda: flow.Function(nothing).Next(this.end)}


def at_work(make):
    """A flow with one step between its start and its end."""
    return {**START, "work": lambda: make().Next(this.end), **END}


def at_start(make):
    """A flow that begins so, and ends at once."""
    return {"start": lambda: make().Next(this.end), **END}


def asked(condition):
    """A flow that asks this."""
    return {**START, "work": lambda: flow.If(condition).Then(this.end).Else(this.end), **END}


def with_form(**options):
    """A flow with a task that has this form."""
    return at_work(lambda: flow.View(views.UpdateProcessView.as_view(**options)))


#: what tells how to mend it
MEND = re.compile(
    r"\b(write|add|did you mean|remove|give|name|make|rename|keep|takes?|needs?|lead|say|leave|move|use|there are|put|"
    r"declare|may not|calls a|has five|are|has a name of|from 1|one is enough|return|derive|see|begins|knows)\b"
)
#: what is wrong, the body of the class, the node, words that the message must have
FAULTS = {
    "unknown node": ({"start": lambda: flow.StartHandle().Next(this.wrok), **WORK, **END}, "start",
                     ["wrok", "this.work"]),
    "unknown method": ({**START, "work": lambda: flow.Function(this.missing).Next(this.end), **END}, "work",
                       ["missing"]),
    "nobody leads to it": ({**START, **WORK, "lone": lambda: flow.Function(nothing).Next(this.end), **END}, "lone",
                           ["nobody leads"]),
    "no way out": ({**START, "work": lambda: flow.Function(nothing), **END}, "work", [".Next("]),
    "never ends": ({**START, "work": lambda: flow.Function(nothing).Next(this.again),
                    "again": lambda: flow.Function(nothing).Next(this.work)}, "work", ["never ends"]),
    "split without branches": ({**START, "work": flow.Split, **END}, "work", ["without branches", ".Next("]),
    "switch without cases": ({**START, "work": lambda: flow.Switch().Default(this.end), **END}, "work",
                             ["without branches", ".Case("]),
    "if without else": ({**START, "work": lambda: flow.If(nothing).Then(this.end), **END}, "work", [".Else("]),
    "if without condition": ({**START, "work": lambda: flow.If(None).Then(this.end).Else(this.end), **END}, "work",
                             ["condition"]),
    "join without split": ({**START, "work": lambda: flow.Join().Next(this.end), **END}, "work", ["no split leads"]),
    "two ways out": ({**START, "work": lambda: flow.Function(nothing).Next(this.end).Next(this.other),
                      "end": flow.End, "other": flow.End}, "work", ["Split"]),
    "no such field": ({"start": lambda: flow.Start(views.CreateProcessView.as_view(fields=["txet"])).Next(this.end),
                       **END}, "start", ["txet", "text"]),
    "a function that is none": ({**START, "work": lambda: flow.Function("nothing").Next(this.end), **END}, "work",
                                ["function"]),
    "naive moment": ({**START, "work": lambda: flow.Timer(dt.datetime(2030, 1, 1)).Next(this.end), **END}, "work",
                     ["time zone"]),
    "a parameter of ours": ({**START, "work": lambda: flow.Handle(lambda a, process: None).Next(this.end), **END},
                            "work", ["`process`", "rename"]),
    "a hidden parameter": ({**START, "work": lambda: flow.Handle(lambda a, _x: None).Next(this.end), **END}, "work",
                           ["`_x`"]),
    "unknown owner": ({**START, "work": lambda: flow.ManualTask().Assign(this.strat.owner).Next(this.end), **END},
                      "work", ["strat"]),
    "a reserved name": ({"start": lambda: flow.StartHandle().Next(this.status), "status": flow.End}, "status",
                        ["ours"]),
    "the name of the definition": ({"start": lambda: flow.StartHandle().Next(this.definition), "definition": flow.End},
                                   "definition", ["ours"]),
    "double underscores": ({"start": lambda: flow.StartHandle().Next(this.a__b), "a__b": flow.End}, "a__b", ["ours"]),
    "an unknown boundary way": ({**START, "work": lambda: flow.Function(nothing).OnError(this.nowhere).Next(this.end),
                                 **END}, "work", ["nowhere"]),
    "an odd error code": ({**START, "work": lambda: flow.Function(nothing).OnError(this.end, code=5).Next(this.end),
                           **END}, "work", ["code"]),
    "negative retries": ({**START, "work": lambda: flow.Job(nothing, retries=-1).Next(this.end), **END}, "work",
                         ["retries"]),
    "unknown not same as": ({**START, "work": lambda: flow.ManualTask().NotSameAs(this.nobody).Next(this.end), **END},
                            "work", ["nobody"]),
    "a priority in words": ({**START, "work": lambda: flow.ManualTask().Priority("high").Next(this.end), **END}, "work",
                            ["Priority", "number"]),
    "due in days": ({**START, "work": lambda: flow.ManualTask().Due(3).Next(this.end), **END}, "work",
                    ["Due", "timedelta"]),
    "a permission that is no name": ({**START, "work": lambda: flow.ManualTask().Permission(nothing).Next(this.end),
                                      **END}, "work", ["Permission", "name"]),
    "available to a name": ({"start": lambda: flow.Start(nothing).Available(5).Next(this.end), **END}, "start",
                            ["Available", "username="]),
    "called on creation": ({**START, "work": lambda: flow.ManualTask().onCreate("x").Next(this.end), **END}, "work",
                           ["onCreate", "function"]),
    "retries in words": ({**START, "work": lambda: flow.Job(nothing, retries="3").Next(this.end), **END}, "work",
                         ["retries"]),
    "a wait in seconds": ({**START, "work": lambda: flow.Job(nothing, backoff=5).Next(this.end), **END}, "work",
                          ["backoff", "timedelta"]),
    "a timeout in seconds": ({**START, "work": lambda: flow.Job(nothing, timeout=5).Next(this.end), **END}, "work",
                             ["timeout", "timedelta"]),
    "items that are none": ({**START, "work": lambda: flow.NSubprocess(this.start, 3).Next(this.end), **END}, "work",
                            ["items", "list"]),
    "a case that is a value": ({**START, "work": lambda: flow.Split().Next(this.end, case=True), **END}, "work",
                               ["True", "lambda"]),
    "data that is a value": ({"start": lambda: flow.StartHandle().Next(this.end, task_data={"a": 1}), **END}, "start",
                             ["'a': 1", "lambda"]),
    "a class without as_view": ({**START, "work": lambda: flow.View(views.UpdateProcessView).Next(this.end), **END},
                                "work", ["UpdateProcessView.as_view(fields=["]),
    "a way in quotes": ({**START, "work": lambda: flow.Function(nothing).Next("end"), **END}, "work", ["this.end"]),
    "a node of another flow": ({**START, "work": lambda: flow.Function(nothing).Next(OtherFlow.other), **END}, "work",
                               ["OtherFlow.other", "Subprocess"]),
    "async def": ({**START, "work": lambda: flow.Function(waits).Next(this.end), **END}, "work",
                  ["`waits`", "async def", "`def`"]),
    "a generator": ({**START, "work": lambda: flow.Function(yields).Next(this.end), **END}, "work", ["yield"]),
    "nothing to take the activation": ({**START, "work": lambda: flow.Function(lambda: 1).Next(this.end), **END},
                                       "work", ["lambda", "(activation)"]),
    "too many arguments": ({**START, "work": lambda: flow.Function(lambda a, b: 1).Next(this.end), **END}, "work",
                           ["`b`", "default"]),
    "a condition of a join": ({**START, "work": lambda: flow.Split().Next(this.join),
                               "join": lambda: flow.Join(lambda activation: True).Next(this.end), **END}, "join",
                              ["activation, active_tasks"]),
    "a field that is not there": (
        {**START, "work": lambda: flow.If(act.process.txet == 1).Then(this.end).Else(this.end), **END},
        "work", ["act.process.txet", "did you mean act.process.text?"]),
    "a part of the activation that is not there": (
        {**START, "work": lambda: flow.If(act.text == 1).Then(this.end).Else(this.end), **END},
        "work", ["act.process"]),
    "a summary that cannot be read": (
        {**START, "work": lambda: flow.ManualTask().Annotation(summary_template="{{ text").Next(this.end), **END},
        "work", ["summary_template", "cannot be read"]),
    "an empty permission": ({**START, "work": lambda: flow.ManualTask().Permission().Next(this.end), **END}, "work",
                            ["auto_create=True"]),
    "a view without fields": ({**START, "work": lambda: flow.View(views.UpdateProcessView.as_view()).Next(this.end),
                               **END}, "work", ["fields=[]"]),
    "a name to assign": ({**START, "work": lambda: flow.ManualTask().Assign("bob").Next(this.end), **END}, "work",
                         [".Assign(username='bob')"]),
    "an attribute nearly ours": ({**START, **WORK, **END, "process_sumary_template": lambda: "x"},
                                 "process_sumary_template", ["process_summary_template"]),
    "a milestone that is no node": ({**START, **WORK, **END, "milestones": lambda: {"Paid": this.ned}}, "milestones",
                                    ["'Paid'", "this.end"]),
    "keywords in one text": ({**START, **WORK, **END, "keywords": lambda: "holiday"}, "keywords", ["['holiday']"]),
    "a repeat that interrupts": (
        {**START, "work": lambda: flow.ManualTask().OnTimeout(dt.timedelta(1), this.end, repeat=3).Next(this.end),
         **END},
        "work", ["interrupting=False"]),
    "a repeat of nothing": (
        {**START, "work": lambda: flow.ManualTask().OnTimeout(
            dt.timedelta(1), this.end, interrupting=False, repeat=0).Next(this.end), **END},
        "work", ["repeat", "0"]),
    "a repeat of a moment": (
        {**START, "work": lambda: flow.ManualTask().OnTimeout(
            lambda activation: activation.now, this.end, interrupting=False, repeat=3).Next(this.end), **END},
        "work", ["repeat=timedelta"]),
    "a timeout in days": (
        {**START, "work": lambda: flow.ManualTask().OnTimeout(3, this.end).Next(this.end), **END}, "work",
        [".OnTimeout()", "timedelta"]),
    "a message without a name": (
        {**START, "work": lambda: flow.ManualTask().OnMessage("", this.end).Next(this.end), **END}, "work",
        [".OnMessage()", "name"]),
    "a signal without a name on a border": (
        {**START, "work": lambda: flow.ManualTask().OnSignal(5, this.end).Next(this.end), **END}, "work",
        [".OnSignal()", "5"]),
    "a catch without a name": ({**START, "work": lambda: flow.SignalCatch("").Next(this.end), **END}, "work",
                               ["signal", "name"]),
    "a throw without a name": ({**START, "work": lambda: flow.SignalThrow(None).Next(this.end), **END}, "work",
                               ["signal", "None"]),
    "an escalation without a code": ({**START, "work": lambda: flow.EscalationThrow("").Next(this.end), **END}, "work",
                                     ["EscalationThrow", "string"]),
    "an end with a number": ({"start": lambda: flow.StartHandle().Next(this.end), "end": lambda: flow.ErrorEnd(5)},
                             "end", ["ErrorEnd(code)", "5"]),
    "a region of nothing": ({**START, "work": lambda: flow.CancelRegion().Next(this.end), **END}, "work",
                            ["CancelRegion()", "this.name"]),
    "a region that is not there": ({**START, "work": lambda: flow.CancelRegion(this.edn).Next(this.end), **END}, "work",
                                   ["edn", "did you mean this.end?"]),
    "a timer of nothing": ({**START, "work": lambda: flow.Timer(5).Next(this.end), **END}, "work",
                           ["Timer()", "timedelta"]),
    "a schedule of nothing": ({"start": lambda: flow.StartTimer().Next(this.end), **END}, "start",
                              ["interval= or cron="]),
    "a schedule of both": (
        {"start": lambda: flow.StartTimer(dt.timedelta(1), "0 3 * * *").Next(this.end), **END}, "start",
        ["interval= or cron="]),
    "a schedule without end": ({"start": lambda: flow.StartTimer(dt.timedelta(0)).Next(this.end), **END}, "start",
                               ["positive timedelta"]),
    "four fields of cron": ({"start": lambda: flow.StartTimer(cron="0 3 * *").Next(this.end), **END}, "start",
                            ["five fields"]),
    "a zone that is none": (
        {"start": lambda: flow.StartTimer(cron="0 3 * * *", timezone="Europe/Berne").Next(this.end), **END}, "start",
        ["time zone", "Europe/Berne"]),
    "a join for nobody": ({**START, "work": lambda: flow.Split().Next(this.join),
                           "join": lambda: flow.Join(count=0).Next(this.end), **END}, "join", ["count", "0"]),
    "a join that blocks": ({**START, "work": lambda: flow.Split().Next(this.join),
                            "join": lambda: flow.Join(blocking=True).Next(this.end), **END}, "join",
                           ["cancel_active=False"]),
    "a nearly unknown node": ({**START, "work": lambda: flow.Function(nothing).Next(this.ennd), **END}, "work",
                              ["did you mean this.end?"]),
    "a field that is nearly there": (
        {"start": lambda: flow.Start(views.CreateProcessView.as_view(fields=["tekst"])).Next(this.end), **END},
        "start", ["tekst", "text"]),
    "milestones in a list": ({**START, **WORK, **END, "milestones": lambda: [this.end]}, "milestones", ["mapping"]),
    "a milestone in quotes": ({**START, **WORK, **END, "milestones": lambda: {"Paid": "end"}}, "milestones",
                              ["this.<node>"]),
    "a result that cannot be read": ({**START, **WORK, **END, "process_result_template": lambda: "{% if %}"},
                                     "process_result_template", ["cannot be read"]),
    "a summary that is no text": ({**START, **WORK, **END, "process_summary_template": lambda: 5},
                                  "process_summary_template", ["template", "5"]),
    "a condition in quotes": (
        {**START, "work": lambda: flow.If("process.text").Then(this.end).Else(this.end), **END}, "work",
        ["its condition", "act.…"]),
    "an async job": ({**START, "work": lambda: flow.Job(waits).Next(this.end), **END}, "work", ["async def"]),
    "a requirement without a decision": (
        {**START, "work": lambda: flow.View(
            views.UpdateProcessView.as_view(fields=["text"], require={False: ["text"]})).Next(this.end), **END},
        "work", ["decide="]),
    "an owner as a way": ({**START, "work": lambda: flow.Function(nothing).Next(this.start.owner), **END}, "work",
                          ["owner"]),
    "a span in words": (at_work(lambda: flow.Timer("3 days")), "work", ["'3 days'", "write timedelta(days=3)"]),
    "a priority that is true": (at_work(lambda: flow.ManualTask().Priority(True)), "work", ["write .Priority(1)"]),
    "not the same as itself": (at_work(lambda: flow.ManualTask().NotSameAs(this.work)), "work", ["the step itself"]),
    "not the same as a computer": (
        {**START, **WORK, "work": lambda: flow.Function(nothing).Next(this.look),
         "look": lambda: flow.ManualTask().NotSameAs(this.work).Next(this.end), **END}, "look", ["nobody does"]),
    "the owner of a computer": (
        {**START, "work": lambda: flow.Function(nothing).Next(this.look),
         "look": lambda: flow.ManualTask().Assign(this.work.owner).Next(this.end), **END}, "look",
        ["nobody does `work`", "people"]),
    "assigned twice": (at_work(lambda: flow.ManualTask().Assign(this.start.owner, username="bob")), "work",
                       ["keep one"]),
    "assigned to a node": (at_work(lambda: flow.ManualTask().Assign(this.start)), "work", ["`start`", "a node"]),
    "a rule that is a class": (at_work(lambda: flow.ManualTask().Assign(assign.RoundRobin)), "work",
                               ["write assign.RoundRobin()"]),
    "a permission with spaces": (at_work(lambda: flow.ManualTask().Permission("may look")), "work", ['"may_look"']),
    "a permission of two names": (at_work(lambda: flow.ManualTask().Permission("a.b", auto_create=True)), "work",
                                  ["auto_create=True", "leave one out"]),
    "a rule that waits": (at_start(lambda: flow.Start(nothing).Available(waits)), "start", ["`waits`", "`def`"]),
    "two rules of who may start": (at_start(lambda: flow.Start(nothing).Available(nothing, username="x")), "start",
                                   ["keep one"]),
    "a timeout the wrong way round": (
        at_work(lambda: flow.ManualTask().OnTimeout(this.end, dt.timedelta(days=1))), "work__timeout",
        ["which is no node", "this.end"]),
    "an error the wrong way round": (at_work(lambda: flow.Function(nothing).OnError("Refused", this.end)),
                                     "work__error", ["'Refused'", "this.<node>"]),
    "an error behind any error": (
        at_work(lambda: flow.Function(nothing).OnError(this.end).OnError(this.end, code="KeyError")),
        "work__error_2", ["never happens", "work__error", "first"]),
    "an error twice": (
        at_work(lambda: flow.Function(nothing).OnError(this.end, code="A").OnError(this.end, code="A")),
        "work__error_2", ["remove one"]),
    "an odd escalation": (at_work(lambda: flow.ManualTask().OnEscalation(this.end, code=5)), "work__escalation",
                          ["code='5'"]),
    "an interruption in words": (
        at_work(lambda: flow.ManualTask().OnTimeout(dt.timedelta(1), this.end, interrupting="no")), "work__timeout",
        ["interrupting=", "True or False"]),
    "a compensation in quotes": (at_work(lambda: flow.Function(nothing).CompensateWith("undo")),
                                 "work__compensation", [".CompensateWith()", "this.undo"]),
    "a condition that is a value": ({**START, "work": lambda: flow.If(True).Then(this.end).Else(this.end), **END},
                                    "work", ["lambda activation: True"]),
    "then twice": ({**START, "work": lambda: flow.If(nothing).Then(this.end).Then(this.end).Else(this.end), **END},
                   "work", ["2 .Then("]),
    "two defaults": (
        {**START, "work": lambda: flow.Switch().Case(this.end, nothing).Default(this.end).Default(this.end), **END},
        "work", ["keep one"]),
    "a case the wrong way round": (
        {**START, "work": lambda: flow.Switch().Case(nothing, this.end).Default(this.end), **END}, "work",
        [".Case()", "no node"]),
    "a race of one": ({**START, "work": lambda: flow.SplitFirst().Next(this.look),
                       "look": lambda: flow.ManualTask().Next(this.end), **END}, "work", ["without rivals", "add"]),
    "a way to nowhere": (at_start(lambda: flow.StartHandle().Next(None)) | {"end": flow.End}, "start",
                         ["None", "this.<node>"]),
    "a flow that is called by its class": (at_work(lambda: flow.Subprocess(OtherFlow)), "work",
                                           ["write OtherFlow.start"]),
    "a flow that is called in quotes": (at_work(lambda: flow.Subprocess("OtherFlow.start")), "work", ["Child.start"]),
    "one after the other in words": (
        at_work(lambda: flow.NSubprocess(OtherFlow.start, [1], sequential="yes")), "work", ["sequential=", "True"]),
    "cron in words": (at_start(lambda: flow.StartTimer(cron="0 three * * *")), "start", ["'three'", "hour", "0 to 23"]),
    "cron at no such minute": (at_start(lambda: flow.StartTimer(cron="99 3 * * *")), "start", ["'99'", "0 to 59"]),
    "a schedule in seconds": (at_start(lambda: flow.StartTimer(60)), "start", ["timedelta(seconds=60)"]),
    "a job in no time": (at_work(lambda: flow.Job(nothing, timeout=dt.timedelta(0))), "work", ["timeout="]),
    "a wait that lies behind": (at_work(lambda: flow.Job(nothing, backoff=dt.timedelta(-1))), "work", ["backoff="]),
    "a job that is done already": (at_work(lambda: flow.Job(nothing(None))), "work", ["None is no function"]),
    "an undo in quotes": (at_work(lambda: flow.Function(nothing, undo_func="undo")), "work", ["undo_func"]),
    "a mutex without a name": (at_work(lambda: flow.ManualTask().Mutex("")), "work", [".Mutex(name)"]),
    "a milestone of a function": (at_work(lambda: flow.Function(nothing).Milestone(nothing)), "work",
                                  ["ConditionalCatch"]),
    "a field twice": (with_form(fields=["text", "text"]), "work", ["twice", "name it once"]),
    "a number in a form": (with_form(fields=[5]), "work", ["give names"]),
    "an empty row": (with_form(fields=[views.Row()]), "work", ["views.Row", "empty"]),
    "a page in a section": (with_form(fields=[views.Section("A", views.Page("B", "text"))]), "work", ["outermost"]),
    "a field on no page": (with_form(fields=["kind", views.Page("B", "text")]), "work", ["on no views.Page"]),
    "a question that nobody asks": (with_form(fields=["kind", views.When("knd", "a", "text")]), "work",
                                    ["`knd`", "did you mean `kind`?"]),
    "an answer that nobody gives": (with_form(fields=["kind", views.When("kind", "z", "text")]), "work",
                                    ["'z'", "'a', 'b'"]),
    "a decision without answers": (with_form(fields=[], decide="text"), "work", ["BooleanField or a ChoiceField"]),
    "a decision of no field": (with_form(fields=[], decide="agred"), "work", ["'agred'"]),
    "what a decision cannot require": (
        with_form(fields=["text"], decide="agreed", require={False: ["number"]}), "work", ["'number'", "add it"]),
    "an answer that is none": (with_form(fields=["text"], decide="kind", require={"c": ["text"]}), "work",
                               ["'c'", "'a', 'b'"]),
    "a check in quotes": (with_form(fields=["text"], check="check"), "work", ["check=", "lambda"]),
    "a form that is no class": (with_form(form_class=5), "work", ["form_class=", "WTForms"]),
    "a document of no table": (at_start(lambda: flow.Start(views.CreateArtifactView.as_view(int, ["text"]))), "start",
                               ["mapped class"]),
    "a name that a template does not know": (
        at_work(lambda: flow.ManualTask().Annotation(summary_template="{{ proces.text }}")), "work",
        ["'proces'", "did you mean process?"]),
    "a field that a template does not know": (
        at_work(lambda: flow.ManualTask().Annotation(result_template="{{ process.txet }}")), "work",
        ["FaultProcess", "did you mean process.text?"]),
    "a filter that there is not": (
        at_work(lambda: flow.ManualTask().Annotation(summary_template="{{ process.text|uper }}")), "work", ["uper"]),
    "a task in the line of a process": (
        {**START, **WORK, **END, "process_summary_template": lambda: "{{ task.id }}"}, "process_summary_template",
        ["'task'", "process, flow"]),
    "a title that is a number": (at_work(lambda: flow.ManualTask().Annotation(title=5)), "work", ["write '5'"]),
    "words on the picture that are none": (at_start(lambda: flow.StartHandle().Next(this.end, label=5)) | {
        "start": lambda: flow.StartHandle().Next(this.end, label=5)}, "start", ["label=", "write '5'"]),
    "a milestone that is a number": ({**START, **WORK, **END, "milestones": lambda: {5: this.end}}, "milestones",
                                     ["write '5'"]),
    "a withdrawal in words": ({**START, **WORK, **END, "withdraw": lambda: "yes"}, "withdraw", ["True, False"]),
    "errors in words": ({**START, **WORK, **END, "propagate_errors": lambda: "yes"}, "propagate_errors", ["True"]),
    "reads in words": ({**START, **WORK, **END, "audit_reads": lambda: "yes"}, "audit_reads", ["True or False"]),
    "a secret that is a number": ({**START, **WORK, **END, "webhook_secret": lambda: 5}, "webhook_secret", ["text"]),
    "one address": ({**START, **WORK, **END, "process_webhooks": lambda: "https://a.ch"}, "process_webhooks",
                    ['write ["https://']),
    "an address of nobody": ({**START, **WORK, **END, "process_webhooks": lambda: ["a.ch"]}, "process_webhooks",
                             ["https://"]),
    "a notice that there is not": ({**START, **WORK, **END, "process_notices": lambda: {"duu": False}},
                                   "process_notices", ["duu", "due"]),
    "retention in words": ({**START, **WORK, **END, "retention": lambda: "1 year"}, "retention", ["flow.Retention"]),
    "a process class in quotes": ({**START, **WORK, **END, "process_class": lambda: "FaultProcess"}, "process_class",
                                  ["subclass of portal.models.Process"]),
    "a table that is not there": (at_work(lambda: flow.DecisionTable("nowhere.csv")), "work", ["nowhere.csv"]),
    "a table without a name": (at_work(lambda: flow.DecisionTable("")), "work", ['flow.DecisionTable("rates.csv")']),
    "a class that is no view": ({**START, "work": lambda: flow.View(AsyncCall).Next(this.end), **END}, "work",
                                ["AsyncCall", "no view", "view(activation)"]),
    "a way of an event in quotes": ({**START, "work": lambda: flow.ManualTask().OnError("end").Next(this.end), **END},
                                    "work__error", [".OnError() got the text 'end'", "this.end"]),
    "a handler in quotes": ({**START, "work": lambda: flow.ManualTask().CompensateWith("end").Next(this.end), **END},
                            "work__compensation", [".CompensateWith()", "this.end"]),
    "a function in quotes": ({**START, "work": lambda: flow.Function("send").Next(this.end), **END}, "work",
                             ["'send'", "write this.send"]),
    "duties in quotes": ({**START, "work": lambda: flow.ManualTask().NotSameAs("start").Next(this.end), **END}, "work",
                         ["write this.start"]),
    "a start for nothing": ({"start": lambda: flow.Start(nothing).Available().Next(this.end), **END}, "start",
                            [".Available() names nobody", "username="]),
    "a template by half its name": ({**START, **WORK, **END, "process_summary": lambda: "{{ process.text }}"},
                                    "process_summary", ["did you mean process_summary_template?"]),
    "a node declared outside": ({**START, "work": lambda: flow.Function(nothing).Next(flow.End()), **END}, "work",
                                [".Next()", "End", "this.<node>"]),
    "an async object": ({**START, "work": lambda: flow.Function(AsyncCall()).Next(this.end), **END}, "work",
                        ["async def", "`def`"]),
    "availability for nobody": (
        {"start": lambda: flow.Start(nothing).Available(lambda: True).Next(this.end), **END}, "start",
        [".Available()", "(user)"]),
    "a keyword for a child": (
        {**START, "work": lambda: flow.Subprocess(this.start, text=lambda: 1).Next(this.end), **END}, "work",
        ["text=", "(activation)"]),
    "a withdrawal that nobody awaits": ({**START, **WORK, **END, "withdraw": lambda: AsyncCall()}, "withdraw",
                                        ["async def"]),
    "a withdrawal for nobody": ({**START, **WORK, **END, "withdraw": lambda: staticmethod(lambda: True)}, "withdraw",
                                ["(process)"]),
    "a field that nobody declared": (
        {**START, "work": lambda: flow.If(act.process.qqq).Then(this.end).Else(this.end), **END}, "work",
        ["act.process.qqq", "declare qqq", "text"]),
    "a part of the task that is not there": (
        {**START, "work": lambda: flow.If(act.task.dta["x"]).Then(this.end).Else(this.end), **END},
        "work", ["act.task.dta", "did you mean act.task.data?"]),
    "a field without a process class": (
        {**START, "work": lambda: flow.If(act.process.qqq).Then(this.end).Else(this.end), **END,
         "process_class": None},
        "work", ["Process has no field `qqq`", "a process class of the flow's own"]),
    "a filter that is not there": (
        {**START, "work": lambda: flow.ManualTask().Annotation(result_template="{{ 1|money }}").Next(this.end), **END},
        "work", ["result_template", "money", "{{ process.<field> }}"]),
    "an assignment to nobody": ({**START, "work": lambda: flow.ManualTask().Assign().Next(this.end), **END}, "work",
                                [".Assign(username=…)"]),
    "a skill without a name": (
        {**START, "work": lambda: flow.ManualTask().Assign(assign.Capability()).Next(this.end), **END}, "work",
        ['Capability("french")']),
    "a manager of nobody": (
        {**START, "work": lambda: flow.ManualTask().Assign(assign.ManagerOf()).Next(this.end), **END}, "work",
        ["ManagerOf(this.start.owner)"]),
    "an unknown argument of a view": (
        {**START, "work": lambda: flow.View(
            views.UpdateProcessView.as_view(fields=[], decides="text")).Next(this.end), **END},
        "work", ["`decides`", "did you mean decide?"]),
    "a field that every form has": (
        {**START, "work": lambda: flow.View(views.UpdateProcessView.as_view(fields=["errors"])).Next(this.end), **END},
        "work", ["`errors`", "another name"]),
    "a wait that asks for nothing": (
        {**START, "work": lambda: flow.Job(nothing, backoff=lambda: 1).Next(this.end), **END}, "work",
        ["backoff=", "(attempt)"]),
    "a check of nothing": (
        {**START, "work": lambda: flow.View(
            views.UpdateProcessView.as_view(fields=[], check=lambda: None)).Next(this.end), **END},
        "work", ["check=", "(object)"]),
    "a category that is no text": ({**START, **WORK, **END, "category": lambda: 5}, "category", ["'Finance'"]),
    "keywords that are no texts": ({**START, **WORK, **END, "keywords": lambda: [5]}, "keywords", ["list of words"]),
    "a comparison with a text": (asked(act.process.number > "100"), "work",
                                 ["act.process.number", "write it without quotes: 100"]),
    "a comparison with no choice": (asked((act.process.kind == "c") | (act.process.text == "a")), "work",
                                    ["'c'", "none of its choices", "there are: 'a', 'b'"]),
    "a comparison with one of several that are no choice": (asked(act.process.kind.in_(["a", "bb"])), "work",
                                                            ["'bb'", "did you mean 'b'?"]),
    "a comparison with a value of a member": (asked(act.process.vehicle == "van"), "work",
                                              ["reads as a member", "write Vehicle.VAN"]),
    "a truth in quotes": (asked(~(act.process.agreed == "yes")), "work", ["true or false", "~act.process.agreed"]),
    "a text that is a number": (asked(act.process.text == 5), "work", ["write '5'"]),
    "a date that is a number": (asked(act.process.since > 5), "work", ["act.process.since, a date", "5, a number"]),
    "a timer of a number": (at_work(lambda: flow.Timer(act.process.number)), "work",
                            ["timedelta", "write lambda activation: timedelta(days=activation.process.number)"]),
    "due by a date": (at_work(lambda: flow.ManualTask().Due(act.process.since)), "work",
                      [".Due()", "datetime.combine(activation.process.since"]),
    "a priority of a text": (at_work(lambda: flow.ManualTask().Priority(act.process.text)), "work",
                             [".Priority()", "is a str"]),
    "a span that lies behind": (at_work(lambda: flow.Timer(dt.timedelta(days=-2))), "work",
                                ["lies behind", "write timedelta(days=2)"]),
    "an owner for a name": (at_work(lambda: flow.ManualTask().Assign(username=this.start.owner)), "work",
                            ["write .Assign(this.start.owner)"]),
    "the manager of a node": (
        at_work(lambda: flow.ManualTask().Assign(assign.ManagerOf(this.start))), "work", ["write this.start.owner"]),
    "a field of the flow": ({**START, **WORK, **END, "note": jsonstore.StringField}, "note",
                            ["is a field", "move it to FaultProcess"]),
    "a keyword that a child does not take": (at_work(lambda: flow.Subprocess(ChildFlow.start, txt="a", text="b")),
                                             "work", ["ChildFlow.start `txt`", "did you mean text?"]),
    "a keyword that a child lacks": (at_work(lambda: flow.Subprocess(ChildFlow.start)), "work",
                                     ["asks for `text`", "add text=…"]),
    "an item that a child does not take": (at_work(lambda: flow.NSubprocess(ChildFlow.start, [1], text="a")), "work",
                                           ["ChildFlow.start `item`"]),
    "a column of an artifact that says it wrongly": (
        at_start(lambda: flow.Start(views.CreateArtifactView.as_view(Loaned, ["item"]))), "start",
        ["Loaned.item: info= has 'lable'", "did you mean 'label'?"]),
    "a column of the artifact that is not there": (
        {"start": lambda: flow.Start(views.CreateArtifactView.as_view(Loaned, ["item"])).Next(this.work),
         "work": lambda: flow.View(views.UpdateArtifactView.as_view(fields=["itm"])).Next(this.end), **END}, "work",
        ["`itm`", "Loaned", "did you mean `item`?"]),
    "a method without self": (
        {**START, "work": lambda: flow.Handle(this.take).Next(this.end), **END, "take": lambda: without_self}, "work",
        ["`take`", "write `(self, activation, text)`"]),
    "what a decision requires, as a list": (with_form(fields=["text"], decide="agreed", require=["text"]), "work",
                                            ["require=", 'write {False: [\'text\']}']),
    "a decision by a field that is not there": (with_form(fields=[], decide="agred"), "work", ["did you mean agreed?"]),
    "a view without a view": ({**START, "work": lambda: flow.View(None).Next(this.end), **END}, "work", ["view"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_the_class_the_node_and_the_mend(fault):
    body, node, words = FAULTS[fault]
    with pytest.raises(FlowError) as refused:
        type(flow.Flow)(
            "OrderFlow",
            (flow.Flow,),
            {"process_class": FaultProcess, **{n: make() if make else make for n, make in body.items()}},
        )
    message = str(refused.value)
    assert f"OrderFlow.{node}" in message
    for word in words:
        assert word in message, message
    assert MEND.search(message), message
    if node in body and isinstance(body[node](), flow.Node):
        assert f'File "{__file__}", line ' in message


def test_the_line_of_an_attribute():
    with pytest.raises(FlowError) as refused:

        class LineFlow(flow.Flow):
            start = flow.StartHandle().Next(this.end)
            end = flow.End()
            keywords = "holiday"  # the line of it

    [fault] = refused.value.faults
    assert "# the line of it" in Path(__file__).read_text().splitlines()[fault.line - 1]


def test_what_python_itself_would_decide_says_what_to_write():
    for wrong, words in (
        (lambda: act.process.agreed and act.process.text, "combine with & |"),
        (lambda: "a" in act.process.kind, r"write .in_\("),
        (lambda: not act.process.agreed, "~"),
        (lambda: act.process.is_large(), r"write lambda activation: activation.process.is_large\(\)"),
    ):
        with pytest.raises(TypeError, match=words):
            wrong()


def test_a_method_that_is_missing_is_guessed_from_methods_alone():
    with pytest.raises(FlowError) as refused:

        class SlipFlow(flow.Flow):
            start = flow.StartHandle(this.take).Next(this.end)
            end = flow.End()

            def check(self, activation): ...

    assert refused.value.faults[0].text.endswith("write def take(self, activation): …")


def test_a_method_in_the_place_of_a_node():
    with pytest.raises(
        FlowError, match=r"HiddenFlow\.work: a method takes the place of the node .*; rename one"
    ):

        class HiddenFlow(flow.Flow):
            start = flow.StartHandle().Next(this.work)
            work = flow.Function(this.work).Next(this.end)
            end = flow.End()

            def work(self, activation): ...  # noqa: F811


def test_a_method_without_this():
    with pytest.raises(FlowError, match=r"BareFlow\.work: .* the method `tell` .*; write this\.tell"):

        class BareFlow(flow.Flow):
            def tell(self, activation): ...

            start = flow.StartHandle().Next(this.work)
            work = flow.Function(tell).Next(this.end)
            end = flow.End()


def test_a_node_that_is_a_class():
    with pytest.raises(FlowError) as refused:

        class ClassFlow(flow.Flow):
            start = flow.StartHandle().Next(this.end)
            end = flow.End

    assert "write flow.End()" in str(refused.value)


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (
            lambda: flow.ManualTask().onTimeout(dt.timedelta(1), this.end),
            r"\.onTimeout\(\); did you mean \.OnTimeout",
        ),
        (
            lambda: flow.Start(nothing).Assign(username="bob"),
            r"flow\.Start\(\) has no word \.Assign\(\); there are:",
        ),
        (lambda: flow.End().Next(this.end), r"flow\.End\(\) has no word \.Next"),
    ],
)
def test_a_word_that_a_node_does_not_know(declare, words):
    with pytest.raises(AttributeError, match=words):
        declare()


def test_what_people_do_is_not_run():
    class FilledFlow(flow.Flow):
        start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.work)
        work = flow.ManualTask().Next(this.end)
        end = flow.End()

    with pytest.raises(AttributeError, match=r"write views\.submit\(FilledFlow\.start, user, …\)"):
        _ = FilledFlow.start.run
    with pytest.raises(
        AttributeError, match=r"people do it: write with task\.activation\(user\) as activation"
    ):
        _ = FilledFlow.work.run
    with pytest.raises(AttributeError, match=r"'End' object has no attribute 'run'$"):
        _ = FilledFlow.end.run


@pytest.mark.parametrize("secret", ["", ["", "whsec_b2xk"], None])
def test_a_secret_that_the_environment_does_not_have_is_none(secret):
    class SecretFlow(OtherFlow):
        webhook_secret = secret

    assert SecretFlow.definition.nodes


def test_no_working_time():
    with pytest.raises(FlowError, match="takes whole days and hours"):
        flow.working()


def test_a_class_that_is_declared_later_is_left_alone():
    class LateProcess(Process):
        loan = jsonstore.ReferenceField(lambda: Undeclared)  # noqa: F821
        number = jsonstore.IntegerField()

    class LateFlow(flow.Flow):
        process_class = LateProcess
        start = flow.StartHandle().Next(this.ask)
        ask = flow.If((act.process.loan != None) & (act.process.number > 2)).Then(this.end).Else(this.end)  # noqa: E711
        end = flow.End()

    assert LateFlow.definition.nodes["ask"].condition is not None


def test_no_start():
    with pytest.raises(FlowError, match=r"LoneFlow.*start"):

        class LoneFlow(flow.Flow):
            end = flow.End()


def test_a_second_node_of_the_same_name():
    with pytest.raises(FlowError, match=r"DoubleFlow\.end: a second node of the same name"):

        class DoubleFlow(flow.Flow):
            start = flow.StartHandle().Next(this.end)
            end = flow.End()
            end = flow.End()  # noqa: PIE794


def test_a_comma_behind_a_node():
    with pytest.raises(FlowError, match=r"CommaFlow\.start: a node in a tuple; remove the comma"):

        class CommaFlow(flow.Flow):
            start = (flow.StartHandle().Next(this.end),)
            end = flow.End()


def test_a_node_of_another_flow_in_the_body():
    with pytest.raises(
        FlowError, match=r"BorrowFlow\.other: OtherFlow\.other is a node of another flow; .* inherit"
    ):

        class BorrowFlow(flow.Flow):
            start = flow.StartHandle().Next(this.other)
            other = OtherFlow.other

    class HeirFlow(OtherFlow):
        other = OtherFlow.other


def test_a_fault_says_the_file_and_the_line():
    with pytest.raises(FlowError) as refused:

        class LineFlow(flow.Flow):
            start = flow.StartHandle().Next(this.work)
            work = flow.Function(waits).Next(this.end)  # this line
            end = flow.End()

    [fault] = refused.value.faults
    assert fault.where.endswith("LineFlow.work")
    assert fault.file == __file__
    assert "# this line" in Path(__file__).read_text().splitlines()[fault.line - 1]
    assert f'File "{__file__}", line {fault.line}' in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("amount", jsonstore.IntegerField(default="5"), ["default='5'", "write default=5"]),
        ("since", jsonstore.DateField(default="today"), ["default='today'"]),
        ("agreed", jsonstore.BooleanField(default="no"), ["default='no'", "True or False"]),
        ("letter", jsonstore.StringField(default=lambda process: "x"), ["default=", "`process`", "()"]),
        ("letter", jsonstore.StringField(validators=lambda: None), ["validators=", "(value)"]),
        (
            "lines",
            jsonstore.EmbeddedListField(OddLine),
            ["OddProcess.lines.amount", "default='5'", "write default=5"],
        ),
        ("number", mapped_column(Integer), ["__tablename__"]),
        ("number", Column(Integer), ["__tablename__"]),
        ("__annotations__", {"number": Mapped[int]}, ["__tablename__"]),
        (
            "kind",
            jsonstore.ChoiceField(choices=["van", "car"], default="vam"),
            ["'vam'", "write default='van'"],
        ),
        (
            "kind",
            jsonstore.StringField(choices=["van"], default="x"),
            ["none of its choices", "write default='van'"],
        ),
        ("kind", jsonstore.ChoiceField(choices=[]), ["choices= has none"]),
        ("kind", jsonstore.IntegerField(choices=[1, "2"]), ["choices= has '2'", "A whole number is needed"]),
        ("kind", jsonstore.StringField(max_length=2, choices=[("long", "Long")]), ["choices= has 'long'"]),
        ("letter", jsonstore.StringField(max_length="50"), ["write max_length=50"]),
        ("letter", jsonstore.StringField(min_length=5, max_length=2), ["leave no value", "max_length="]),
        ("letter", jsonstore.StringField(required="yes"), ["write required=True"]),
        ("letter", jsonstore.StringField(validators=["^a"]), ["validators=", "'^a'"]),
        ("letter", jsonstore.StringField(visible_to=True), ["says nobody", "shop.see_prices"]),
        ("letter", jsonstore.StringField(visible_to="see it"), ["without spaces", "write 'see_it'"]),
        ("letter", jsonstore.StringField(visible_to=lambda user: True), ["(user, process)"]),
        ("letter", jsonstore.StringField, ["write jsonstore.StringField()"]),
        ("agreed", jsonstore.BooleanField(labels=("Yes",)), ["two of them"]),
        ("agreed", jsonstore.BooleanField(labels="Yes"), ["two of them"]),
        ("amount", jsonstore.DecimalField(max_digits=1, decimal_places=2), ["leave no value", "max_digits="]),
        ("amount", jsonstore.DecimalField(min_value="5"), ["min_value=", "'5'"]),
        ("amount", jsonstore.IntegerField(min_value=5, max_value=1), ["leave no value"]),
        ("loan", jsonstore.ReferenceField("Loan"), ["write Loan", "lambda: Loan"]),
    ],
)
def test_a_field_that_cannot_be(name, value, words):
    with pytest.raises(FlowError) as refused:
        type(Process)("OddProcess", (Process,), {name: value, "__module__": __name__})
    assert f"OddProcess.{name.replace('__annotations__', 'number')}" in str(refused.value)
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (mapped_column(Enum("van", "car"), default="vam"), ["'vam'", "write default='van'"]),
        (mapped_column(Enum(Vehicle), default="vam"), ["no member of Vehicle", "write default=Vehicle.VAN"]),
        (mapped_column(Integer, info={"lable": "Number"}), ["'lable'", "did you mean 'label'?"]),
        (mapped_column(Integer, info={"format": "CHF {:,.2f"}), ["'CHF {:,.2f'", 'as "CHF {:,.2f}"']),
        (mapped_column(Integer, info={"format": "CHF"}), ["has no place for the value"]),
        (mapped_column(Integer, info={"visible_to": "see it"}), ["write 'see_it'"]),
        (mapped_column(Integer, info={"validators": "positive"}), ["'positive'", "functions"]),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be(column, words):
    with pytest.raises(FlowError) as refused:
        type(Process)(
            "OddProcess", (Process,), {"kind": column, "__tablename__": "odd", "__module__": __name__}
        )
    for word in ("OddProcess.kind", *words):
        assert word in str(refused.value)


def test_two_fields_in_one_place_of_the_document():
    with pytest.raises(FlowError, match=r"PlaceProcess\.second: .*`first`.*json_key") as refused:

        class PlaceProcess(Process):
            first = jsonstore.StringField()
            second = jsonstore.StringField(json_key="first")  # the line of the field

    [fault] = refused.value.faults
    assert "# the line of the field" in Path(__file__).read_text().splitlines()[fault.line - 1]


def test_a_field_within_the_value_of_another():
    class InnerProcess(Process):
        inner = jsonstore.StringField(json_key=("address", "zip"))

    with pytest.raises(FlowError, match=r"inner: .*`address\.zip`, is within that of `address`"):

        class OuterProcess(InnerProcess):
            address = jsonstore.StringField()

    class DocumentProcess(InnerProcess):
        address = jsonstore.JSONField()

    document = DocumentProcess(inner="8000")
    assert document.address == {"zip": "8000"}


def test_generators_may_be_sources_and_items():
    class SourceFlow(flow.Flow):
        start = flow.StartHandle().Next(this.split)
        split = flow.Split().Next(this.join, task_data_source=yields)
        join = flow.Join().Next(this.end)
        end = flow.End()

    assert SourceFlow.definition.nodes["split"].outgoing[0].multiple


def test_the_words_on_the_picture():
    class WordsFlow(flow.Flow):
        start = flow.StartHandle().Next(this.ask, label="go")
        ask = flow.If(act.process.id > 1).Then(this.fork, label="Big").Else(this.choose)
        choose = (
            flow.Switch().Case(this.end, act.process.id > 1, label="Late").Default(this.end, label="Else")
        )
        fork = flow.Split().Next(this.join, label="One").Always(this.join, label="Two")
        join = flow.Join().Next(this.wait)
        wait = (
            flow.ManualTask()
            .OnTimeout(dt.timedelta(1), this.end, title="Too late")
            .OnError(this.end)
            .Next(this.end)
        )
        end = flow.End()

    nodes = WordsFlow.definition.nodes
    labels = {name: [edge.label for edge in node.outgoing] for name, node in nodes.items()}
    assert nodes["wait__error"].title == "Wait error"
    assert labels["start"] == ["go"]
    assert labels["ask"] == ["Big", "No"]
    assert labels["choose"] == ["Late", "Else"]
    assert labels["fork"] == ["One", "Two"]
    assert nodes["wait__timeout"].title == "Too late"


def test_a_process_class_that_is_none():
    with pytest.raises(FlowError, match=r"OddFlow.process_class"):

        class OddFlow(flow.Flow):
            process_class = int
            start = flow.StartHandle().Next(this.end)
            end = flow.End()


@pytest.mark.parametrize("name", ["data", "status", "artifact", "tasks"])
def test_a_field_named_like_something_of_ours(name):
    with pytest.raises(FlowError, match=name):
        type(Process)("OddProcess", (Process,), {name: jsonstore.StringField(), "__module__": __name__})


def test_every_fault_is_told_at_once():
    with pytest.raises(FlowError) as refused:

        class BadFlow(flow.Flow):
            process_class = FaultProcess
            start = flow.StartHandle().Next(this.ask)
            ask = flow.If(act.process.text).Then(this.end)
            lone = flow.Function(nothing).Next(this.end)
            end = flow.End()

    assert "BadFlow.ask" in str(refused.value)
    assert "BadFlow.lone" in str(refused.value)
