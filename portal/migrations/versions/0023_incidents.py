"""Incidents, which are what failed, grouped; and operations, which are one action on many."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from portal.engine.incidents import group_of

revision = "0023"
down_revision = "0022"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
_OPEN = sa.text("closed IS NULL")
_RUNNING = sa.text("state = 'RUNNING'")


def upgrade() -> None:
    incident = op.create_table(
        "portal_incident",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("flow_label", sa.String(150), nullable=False),
        sa.Column("flow_task", sa.String(150), nullable=False),
        sa.Column("error", sa.String(200), nullable=False),
        sa.Column("message", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_portal_incident_flow_label", "portal_incident", ["flow_label"])
    link = op.create_table(
        "portal_incident_task",
        sa.Column("task_id", BigId, nullable=False),
        sa.Column("incident_key", sa.String(32), nullable=False),
        sa.Column("opened", MOMENT, nullable=False),
        sa.Column("closed", MOMENT, nullable=True),
        sa.Column("closed_by", sa.String(30), nullable=True),
        sa.Column("retry_id", BigId, nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["portal_task.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["incident_key"], ["portal_incident.key"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["retry_id"], ["portal_task.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("task_id"),
    )
    name = "portal_incident_task"
    op.create_index(
        "ix_portal_incident_task_open", name, ["incident_key", "task_id"],
        sqlite_where=_OPEN, postgresql_where=_OPEN,
    )  # fmt: skip
    op.create_index("ix_portal_incident_task_opened", name, ["incident_key", "opened"])
    op.create_index("ix_portal_incident_task_closed", name, ["closed"])
    op.create_index("ix_portal_incident_task_retry_id", name, ["retry_id"])
    _fill(incident, link)
    op.add_column("portal_worker", sa.Column("version", sa.String(40), nullable=True))
    _operations()


def _fill(incident: sa.Table, link: sa.Table) -> None:
    """What has failed before is an incident too."""
    rows = op.get_bind().execute(
        sa.text(
            "SELECT t.id, p.flow_label, t.flow_task, t.data, e.created FROM portal_task t"
            " JOIN portal_process p ON p.id = t.process_id"
            " JOIN (SELECT task_id, max(created) AS created FROM portal_event WHERE to_state = 'ERROR'"
            " GROUP BY task_id) e ON e.task_id = t.id"
            " WHERE t.finished IS NULL AND t.status = 'ERROR' ORDER BY t.id"
        ).columns(created=MOMENT)
    )
    groups, links = {}, []
    for task_id, label, node, data, created in rows:
        document = json.loads(data) if isinstance(data, str) else data or {}
        group = group_of(label, node, document.get("_exception") or {})
        groups[group["key"]] = group
        links.append({"task_id": task_id, "incident_key": group["key"], "opened": created, "data": {}})
    if links:
        op.bulk_insert(incident, list(groups.values()))
        op.bulk_insert(link, links)


def _operations() -> None:
    op.create_table(
        "portal_operation",
        sa.Column("id", BigId, nullable=False),
        sa.Column("action", sa.String(30), nullable=False),
        sa.Column("target", sa.String(10), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("finished", MOMENT, nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("scheduled", MOMENT, nullable=False),
        sa.Column("pause", sa.Integer(), nullable=False),
        sa.Column("cursor", BigId, nullable=False),
        sa.Column("last", BigId, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["portal_user.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_portal_operation_running", "portal_operation", ["scheduled"],
        sqlite_where=_RUNNING, postgresql_where=_RUNNING,
    )  # fmt: skip
    op.create_index("ix_portal_operation_user", "portal_operation", ["user_id", "id"])
    op.create_table(
        "portal_operation_refusal",
        sa.Column("operation_id", BigId, nullable=False),
        sa.Column("target_id", BigId, autoincrement=False, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["operation_id"], ["portal_operation.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("operation_id", "target_id"),
    )


def downgrade() -> None:
    op.drop_column("portal_worker", "version")
    for name in ("portal_operation_refusal", "portal_operation", "portal_incident_task", "portal_incident"):
        op.drop_table(name)
