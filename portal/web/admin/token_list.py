"""All API tokens, for administrators: whose each is, what it may do, when it was used; and revoking it."""

from __future__ import annotations

from flask import Response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import access, tokens
from portal.language import gettext as _
from portal.language import lazy_gettext
from portal.models import db

from .. import navigation
from ..csv_files import as_csv, note_export
from ..layout import me
from ..messages import flash
from ..navigation import Entry
from ..rendering import render_template
from ..urls import asked, see_other, to_id, way_back
from ..writing import writing
from .access import blueprint

navigation.register(
    Entry("tokens", lazy_gettext("Tokens"), "key", "portal.admin.token_list", 97, shown=access.administers)
)
#: tokens in a file: more are not in use anywhere
_MOST = 100_000


@blueprint.get("/tokens")
def token_list() -> str | Response:
    q, after = (asked(name, 200) for name in ("q", "after"))
    if request.args.get("format") == "csv":
        note_export("tokens", q=bool(q))
        head = (
            _("User name"),
            _("Name"),
            _("Begins with"),
            _("May"),
            _("Created"),
            _("Expires"),
            _("Last used"),
        )
        return as_csv(
            "tokens",
            head,
            (
                (each.user.username, each.name, each.start, " ".join(each.scopes), each.created.isoformat(),
                 each.expires.isoformat(), each.seen.isoformat() if each.seen else "")
                for each in tokens.page(db.session(), q, size=_MOST)
            ),
        )  # fmt: skip
    return render_template("portal/admin/tokens.html", page=tokens.page(db.session(), q, after), q=q)


@blueprint.post("/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> BaseResponse:
    by_id = me().id
    with writing() as session:
        found = tokens.revoke(session, to_id(token_id), by_id)
        name = found.user.name if found is not None else ""
    if found is not None:
        flash(_("The token of %(name)s is revoked: no program can use it any more.", name=name), "success")
    else:
        flash(_("There is no such token any more."), "warning")
    return see_other(way_back(url_for("portal.admin.token_list")))
