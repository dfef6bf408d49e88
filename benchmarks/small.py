"""A flow with a form, a job and nothing else."""

from __future__ import annotations

from typing import Any

from portal import flow, jsonstore, this, views
from portal.models import Process


class SmallProcess(Process):
    text = jsonstore.StringField("Text", max_length=100)


class SmallFlow(flow.Flow):
    """Small

    One form and one job."""

    process_class = SmallProcess

    start = flow.Start(views.CreateProcessView.as_view(fields=["text"])).Next(this.work)
    work = flow.Job(this.do_it).Next(this.end)
    end = flow.End()

    def do_it(self, activation: Any) -> None:
        activation.process.text = activation.process.text.upper()
