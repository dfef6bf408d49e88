"""The ready views for the forms of a flow."""

from portal.web.filling import submit
from portal.web.views import CreateArtifactView, CreateProcessView, UpdateArtifactView, UpdateProcessView

__all__ = ["CreateArtifactView", "CreateProcessView", "UpdateArtifactView", "UpdateProcessView", "submit"]
