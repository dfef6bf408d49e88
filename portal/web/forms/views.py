"""The ready views: a form made of the fields of a process or of an artifact.

A view is called with the activation and answers the request. Besides, a test drives it without one: `form`
builds the form, `save` writes what was typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self, Unpack

from wtforms import Form

from portal.errors import Gone
from portal.flow.activation import Activation
from portal.flow.names import near
from portal.models import Process

from . import declared
from .arrangement import Item
from .build import artifact_form, process_form
from .form_view import FormView, ViewOptions


class UpdateProcessView(FormView):
    """A form with fields of the process. Its arguments are those of `as_view`."""

    def make_form(self, activation: Activation[Any]) -> type[Form]:
        return process_form(type(activation.process), self.fields)

    def model_of(self, flow_class: Any) -> type | None:
        return flow_class.process_class or Process


class CreateProcessView(UpdateProcessView):
    """The form that starts a process. Its arguments are those of `as_view`."""


class CreateArtifactView(FormView):
    """A form that makes a new object, the process's artifact.

    Args:
        model: a mapped class.
    """

    def __init__(
        self, model: type, fields: Iterable[Item] | str | None = None, **options: Unpack[ViewOptions]
    ) -> None:
        super().__init__(fields, **options)
        self.model = model

    @classmethod
    def as_view(  # type: ignore[override]
        cls, model: type, fields: Iterable[Item] | str | None = None, **options: Unpack[ViewOptions]
    ) -> Self:
        """The view for a node; see `FormView.as_view`.

        Args:
            model: the mapped class of which an instance is made.
            fields: its columns, arranged as those of every form.
        """
        return cls(model, fields, **options)

    def make_form(self, activation: Activation[Any]) -> type[Form]:
        return artifact_form(self.model, self.fields)

    def model_now(self, activation: Activation[Any]) -> type:
        return self.model

    def model_of(self, flow_class: Any) -> type | None:
        return self.model

    def filled_from(self, activation: Activation[Any]) -> Any:
        return None

    def save(self, form: Form, activation: Activation[Any]) -> None:
        made = self.model()
        self.write(form, made)
        activation.process.artifact = made


class UpdateArtifactView(FormView):
    """A form with fields of the process's artifact. Its arguments are those of `as_view`.

    Raises:
        Gone: the process has no artifact, or it was deleted.
    """

    def make_form(self, activation: Activation[Any]) -> type[Form]:
        return artifact_form(type(self.target(activation)), self.fields)

    def faults(self, flow_class: Any) -> Iterator[str]:
        """What is wrong with the view in this flow. Code may give a process any artifact: a field that the one model of
        the flow's forms does not have is a slip only where it is spelt nearly like one that it has."""
        yield from super().faults(flow_class)
        views = [node.view for node in flow_class.definition.nodes.values()]
        models = {view.model for view in views if isinstance(view, CreateArtifactView)}
        for model in models if len(models) == 1 else ():
            known = declared.known_fields(model, self.fields)
            for name in self.fields:
                meant = None if name in known else near(name, known)
                if meant is not None:
                    yield f"the form has a field `{name}`, but {model.__name__} has none; did you mean `{meant}`?"

    def target(self, activation: Activation[Any]) -> Any:
        artifact = activation.process.artifact
        if artifact is None:
            raise Gone
        return artifact
