"""Comments on a process or a task: written, changed for a few minutes, removed; and following a process."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, g, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from portal import markdown, queries
from portal.engine import comments, permissions
from portal.engine.transaction import wake
from portal.errors import PortalError
from portal.language import gettext as _
from portal.models import Comment, db

from ..accounts.sign_in import require_login
from ..drafts import kept
from ..layout import me, read_beside
from ..lookups import NOT_SEEN, process_or_refuse, task_or_refuse
from ..messages import flash
from ..rendering import render_template
from ..urls import safe_path, see_other, to_id
from ..writing import writing

blueprint = Blueprint("comments", __name__)
blueprint.before_request(require_login)


@blueprint.post("/processes/<int:process_id>/comments")
def of_process(process_id: int) -> BaseResponse:
    process = process_or_refuse(process_id)
    return _add(process.id, None)


@blueprint.post("/tasks/<int:task_id>/comments")
def of_task(task_id: int) -> BaseResponse:
    task = task_or_refuse(task_id)
    if not permissions.may_see_process(db.session(), me(), task.process):
        abort(403, _("You have no access to this process. %(NOT_SEEN)s", NOT_SEEN=NOT_SEEN))
    return _add(task.process_id, task.id)


def _add(process_id: int, task_id: int | None) -> BaseResponse:
    text, user_id = _typed(), me().id
    if fault := _fault(text):  # what was typed is kept as a draft
        abort(422, fault)
    with writing() as session:
        said = comments.add(session, process_id, user_id, text, task_id)
        unseeing = [user.name for user in said.unseeing]
        kept.accepted()
    wake()
    for name in unseeing:
        flash(_("%(name)s has no access to this process and was not told.", name=name), "warning")
    for name in said.unknown:
        flash(_("There is no user “%(name)s”: nobody was told.", name=name[:50]), "warning")
    default = url_for("portal.processes.detail", process_id=process_id)
    back = safe_path(request.args.get("next"), default)
    return see_other(f"{back.partition('#')[0]}#comment-{said.comment_id}")


def _typed() -> str:
    return request.form.get("text", "").replace("\0", "").replace("\r\n", "\n").strip()


def _fault(text: str) -> str:
    """Why a text is no comment; empty where it is one."""
    if not text:
        return _("There is no text in this comment.")
    if len(text) > comments.LONGEST:
        return _("A comment has at most %(number)s characters.", number=f"{comments.LONGEST:,}")
    return ""


@blueprint.route("/comments/<int:comment_id>/edit", methods=["GET", "POST"])
def edit(comment_id: int) -> BaseResponse | tuple[str, int]:
    comment = _comment_or_refuse(comment_id)
    comments.demand_edit(comment, me().id)
    posted = request.method == "POST"
    text = _typed() if posted else comment.text
    fault = _fault(text) if posted else ""
    if fault or not posted:
        page = {"comment": comment, "process": comment.process, "text": text, "fault": fault}
        return render_template("portal/comment.html", asked="edit", **page), 422 if fault else 200
    process_id, user_id = comment.process_id, me().id
    with writing() as session:
        comments.edit(session, comment_id, user_id, text)
    return _back_to(process_id, comment_id)


@blueprint.route("/comments/<int:comment_id>/remove", methods=["GET", "POST"])
def remove(comment_id: int) -> BaseResponse | str:
    comment = _comment_or_refuse(comment_id)
    comments.demand_remove(comment, me(), comment.process)
    if request.method != "POST":
        return render_template(
            "portal/comment.html", comment=comment, process=comment.process, asked="remove"
        )
    process_id, user_id = comment.process_id, me().id
    with writing() as session:
        comments.remove(session, comment_id, user_id)
    return _back_to(process_id, comment_id)


@blueprint.post("/processes/<int:process_id>/follow")
def follow(process_id: int) -> BaseResponse:
    """Follow a process; with `stop`, follow it no more."""
    process, user_id, follows = process_or_refuse(process_id), me().id, not request.form.get("stop")
    number = process.id
    with writing() as session:
        comments.follow(session, number, user_id, follows)
    if follows:
        flash(
            _("You follow process %(number)s: you are told of comments and of its end.", number=number),
            "success",
        )
    else:
        flash(_("You follow process %(number)s no more.", number=number), "success")
    default = url_for("portal.processes.detail", process_id=number)
    return see_other(safe_path(request.form.get("next"), default))


def _back_to(process_id: int, comment_id: int) -> BaseResponse:
    return see_other(
        url_for("portal.processes.detail", process_id=process_id, _anchor=f"comment-{comment_id}")
    )


def _comment_or_refuse(comment_id: int) -> Comment:
    number = to_id(comment_id)
    comment = None if number is None else db.session.get(Comment, number)
    if comment is None:
        abort(404, _("There is no such comment."))
    process_or_refuse(comment.process_id)
    return comment


# -- on the pages of a process, a task and a form --------------------------------------------------------------


def talk_of(process: Any, task: Any = None) -> queries.Talk:
    """What is said of a process, with the draft of what the reader was about to say on this page."""
    if "talk" not in g:
        subject, number = ("processes", process.id) if task is None else ("tasks", task.id)
        read_beside(process.id, kept.comments_of(subject, number))
    before = to_id(request.args.get("comments_before", ""))
    return queries.talk(db.session(), me(), process, g.talk, before)


def may_remove(comment: Comment, process: Any) -> bool:
    try:
        comments.demand_remove(comment, me(), process)
    except PortalError:
        return False
    return True


def said(comment: Comment) -> Markup:
    """The text of a comment as HTML that is safe."""
    return Markup(markdown.html(comment.text, comment.named or ()))


def may_edit(comment: Comment) -> bool:
    return comment.author_id == me().id and comments.is_fresh(comment)


def helpers() -> dict[str, Any]:
    return {
        "talk_of": talk_of,
        "said": said,
        "may_edit": may_edit,
        "may_remove": may_remove,
        "LONGEST_COMMENT": comments.LONGEST,
    }
