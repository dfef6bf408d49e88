"""The ready views for the forms of a flow."""

from portal.web.forms.submit import submit
from portal.web.forms.views import (
    CreateArtifactView,
    CreateProcessView,
    UpdateArtifactView,
    UpdateProcessView,
)

__all__ = ["CreateArtifactView", "CreateProcessView", "UpdateArtifactView", "UpdateProcessView", "submit"]
