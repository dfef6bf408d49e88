"""`/admin/`: where an administrator begins."""

from __future__ import annotations

from sqlalchemy import func, select

from portal.administration import access
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import AuditRow, Role, User, db

from .. import navigation
from ..layout import me
from ..navigation import Entry
from ..rendering import render_template
from .access import blueprint

#: where the entries of administrators begin in the side bar
_PLACE = 80
navigation.register(
    Entry(
        "admin",
        lazy_gettext("Administration"),
        "sliders",
        "portal.admin.overview",
        _PLACE,
        shown=access.administers,
    )
)


@blueprint.get("/")
def overview() -> str:
    session = db.session()
    people, active, roles = session.execute(
        select(
            select(func.count()).select_from(User).where(User.erased.is_(None)).scalar_subquery(),
            select(func.count()).select_from(User).where(User.is_active).scalar_subquery(),
            select(func.count()).select_from(Role).scalar_subquery(),
        )
    ).one()
    explained = {
        "people": _("%(active)s active of %(people)s people, and %(roles)s roles: who is there and what each may do.",
                    active=active, people=people, roles=roles),
        "audit": _("Sign-ins, permissions, what managers did, exports: kept so that nobody can change it unseen."),
        "tokens": _("What programs act with: whose each token is, what it may, when it was used; revoke one."),
        "retention": _("What becomes of processes that are over, and which are kept whatever the rules say."),
    }  # fmt: skip
    places = [entry for entry in navigation.entries(me()) if entry.place > _PLACE]
    last = select(AuditRow).where(AuditRow.action.like("person.%")).order_by(AuditRow.id.desc()).limit(1)
    return render_template(
        "portal/admin/overview.html",
        places=places,
        explained=explained,
        administrators=access.administrators(session),
        last=session.scalar(last),
    )
