"""The ready views for forms, how their fields are arranged, and what renders the pages of views written by hand."""

from portal.web.forms.arrangement import Page, Row, Section, When
from portal.web.forms.submit import submit
from portal.web.forms.views import (
    CreateArtifactView,
    CreateProcessView,
    UpdateArtifactView,
    UpdateProcessView,
)
from portal.web.rendering import render_template

__all__ = [
    "CreateArtifactView", "CreateProcessView", "Page", "Row", "Section", "UpdateArtifactView",
    "UpdateProcessView", "When", "render_template", "submit",
]  # fmt: skip
