"""The ready views for the forms of a flow, and how their fields are arranged."""

from portal.web.forms.arrangement import Page, Row, Section, When
from portal.web.forms.submit import submit
from portal.web.forms.views import (
    CreateArtifactView,
    CreateProcessView,
    UpdateArtifactView,
    UpdateProcessView,
)

__all__ = [
    "CreateArtifactView",
    "CreateProcessView",
    "Page",
    "Row",
    "Section",
    "UpdateArtifactView",
    "UpdateProcessView",
    "When",
    "submit",
]
