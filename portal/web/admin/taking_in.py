"""Imports people from a CSV file, after a page that tells what it would do."""

from __future__ import annotations

from flask import request, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal.administration import people_import
from portal.errors import PortalError
from portal.language import gettext as _
from portal.language import ngettext

from ..messages import flash
from ..rendering import render_template
from ..urls import see_other
from .access import blueprint, changing

#: characters of a file that the page takes; the command takes larger ones
_LARGEST = 400_000


@blueprint.route("/import-people", methods=["GET", "POST"])
def import_people() -> BaseResponse | str | tuple[str, int]:
    if request.method != "POST":
        return _page()
    try:
        text = _text_of_request()
        rows = people_import.read(text)
        with changing() as (session, by):
            dry = "_import" not in request.form
            report = people_import.run(session, rows, by, dry=dry)
    except PortalError as refusal:
        return _page(fault=str(refusal)), 422
    if dry or report.faults:
        return _page(text, report), 422 if report.faults else 200
    count = len(report.changed)
    flash(
        ngettext("%(number)s person added or changed.", "%(number)s people added or changed.", count),
        "success",
    )
    return see_other(url_for("portal.admin.people"))


def _text_of_request() -> str:
    """The file that was sent, or the text of one that was looked through before.

    Raises:
        PortalError: there is none, it is too large, or no text.
    """
    file = request.files.get("file")
    if file is not None and file.filename:
        try:
            text = file.stream.read(4 * _LARGEST).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PortalError(_("This is no text in UTF-8.")) from error
    else:
        text = request.form.get("text", "")
    if not text.strip():
        raise PortalError(_("Choose a file."))
    if len(text) > _LARGEST or "\0" in text:
        raise PortalError(_("This is too large for the page: portal people import takes it."))
    return text


def _page(text: str = "", report: people_import.Report | None = None, fault: str = "") -> str:
    return render_template(
        "portal/admin/import.html", text=text, report=report, fault=fault, columns=people_import.COLUMNS
    )
