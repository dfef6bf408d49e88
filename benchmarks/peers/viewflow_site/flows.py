"""The flows of `peers.portal_site`, in the words of Viewflow."""

from datetime import timedelta

from viewflow import this
from viewflow.workflow import act, flow, lock
from viewflow.workflow.flow import views

from .models import HelloProcess


def nothing(activation):
    pass


class StraightFlow(flow.Flow):
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle().Next(this.first)
    first = flow.Function(nothing).Next(this.second)
    second = flow.Function(nothing).Next(this.third)
    third = flow.Function(nothing).Next(this.end)
    end = flow.End()


class HumanFlow(flow.Flow):
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle().Next(this.approve)
    approve = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()


def split_to(number):
    """The open package has no data source for a split: it is told of each branch."""
    split = flow.Split()
    for _ in range(number):
        split = split.Next(this.work)
    return split


class FanFlow(flow.Flow):
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle().Next(this.split)
    split = split_to(10)
    work = flow.Function(nothing).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


class WideFlow(flow.Flow):
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle().Next(this.split)
    split = split_to(100)
    work = flow.Function(nothing).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


class NapFlow(flow.Flow):
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle().Next(this.wait)
    wait = flow.Timer(timedelta(0)).Next(this.end)
    end = flow.End()


class HelloFlow(flow.Flow):
    process_class = HelloProcess
    process_title = "Hello world"
    lock_impl = lock.select_for_update_lock

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
