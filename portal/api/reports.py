"""Figures of a flow, for who sees all of its processes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, select
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.errors import PermissionDenied
from portal.models import Process, db
from portal.web.layout import me, now
from portal.web.lookups import flow_or_refuse

from .bodies import ReportQuery
from .resource import Blueprint, needs, reply
from .schemas import ReportSchema

blueprint = Blueprint("reports", __name__)


@blueprint.route("/reports/<label>", tags=["Reports"])
@needs("read")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, ReportSchema)
def report(query: dict[str, Any], label: str) -> BaseResponse:
    """How many processes of a flow were started and finished between two dates (in UTC, both included), and what is
    open now by step."""
    flow = flow_or_refuse(label)
    if not me().views(label):
        raise PermissionDenied(f"Figures are for who sees the flow's processes (permission {label}.view).")
    nodes = flow.definition.nodes
    steps = [
        {
            "node": name,
            "title": nodes[name].title if name in nodes else name,
            "open": column.count,
            "late": column.late,
            "failed": column.failed,
            "oldest": column.oldest,
        }
        for name, column in sorted(queries.counted(db.session(), me(), label, now(), None).items())
    ]
    started = _states(label, _between(Process.created, query))
    finished = _states(label, _between(Process.finished, query), Process.finished.is_not(None))
    return reply(
        ReportSchema(),
        {
            "flow": label,
            **query,
            "started": sum(started.values()),
            "finished": sum(finished.values()),
            "states": started,
            "steps": steps,
        },
    )


def _states(label: str, *criteria: Any) -> dict[str, int]:
    query = select(Process.status, func.count()).where(Process.flow_label == label)
    for each in criteria:
        query = query.where(each)
    return {row[0]: row[1] for row in db.session.execute(query.group_by(Process.status))}


def _between(column: Any, query: dict[str, Any]) -> Any:
    """From the beginning of one day to the end of another."""
    least, most = query["since"] or dt.date(2, 1, 1), query["until"] or dt.date(9990, 1, 1)
    least, most = max(least, dt.date(2, 1, 1)), min(most, dt.date(9990, 1, 1))
    first = dt.datetime.combine(least, dt.time(), dt.UTC)
    last = dt.datetime.combine(most, dt.time(), dt.UTC) + dt.timedelta(days=1)
    return (column >= first) & (column < last)
