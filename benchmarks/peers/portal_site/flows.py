"""The flows of `peers.viewflow_site`, in the words of the portal."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portal import act, flow, jsonstore, this, views
from portal.models import Process


def nothing(activation: Any) -> None: ...


class StraightFlow(flow.Flow):
    start = flow.StartHandle().Next(this.first)
    first = flow.Function(nothing).Next(this.second)
    second = flow.Function(nothing).Next(this.third)
    third = flow.Function(nothing).Next(this.end)
    end = flow.End()


class HumanFlow(flow.Flow):
    start = flow.StartHandle().Next(this.approve)
    approve = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()


def split_to(number: int) -> flow.Split:
    def items(activation: Any) -> list[dict[str, int]]:
        return [{"item": each} for each in range(number)]

    return flow.Split().Next(this.work, task_data_source=items)


class FanFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = split_to(10)
    work = flow.Function(nothing).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


class WideFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = split_to(100)
    work = flow.Function(nothing).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


class NapFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = flow.Timer(dt.timedelta(0)).Next(this.end)
    end = flow.End()


class HelloProcess(Process):
    text = jsonstore.StringField("Text", max_length=50, required=True)
    approved = jsonstore.BooleanField("Approved", default=False)


class HelloFlow(flow.Flow):
    """Hello world"""

    process_class = HelloProcess

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["text"]))
        .Annotation(title="New message")
        .Permission(auto_create=True)
        .Next(this.approve)
    )
    approve = (
        flow.View(views.UpdateProcessView.as_view(fields=["approved"]))
        .Annotation(title="Approve", summary_template="Message review required")
        .Permission(auto_create=True)
        .Next(this.check_approve)
    )
    check_approve = flow.If(act.process.approved).Then(this.send).Else(this.end)
    send = flow.Function(nothing).Next(this.end)
    end = flow.End()
