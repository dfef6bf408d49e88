"""The ready views: a form made of the fields of a process or of an artifact.

A view is called with the activation and answers the request. Besides, a test drives it without one: `form`
builds the form, `save` writes what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Self

from flask import jsonify, redirect, render_template, request
from sqlalchemy import inspect
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.wrappers import Response as BaseResponse
from wtforms import Form, SubmitField

from portal.errors import InvalidForm, PortalError
from portal.flow.activation import Activation
from portal.jsonstore import fields_of
from portal.models import Process

from . import drafts
from .beside import form_context
from .form_groups import change_rows, field_named
from .form_references import ReferenceField
from .forms import (
    RecordForm,
    artifact_field_names,
    artifact_form,
    populate,
    process_field_names,
    process_form,
)
from .times import zone

#: says by a ValueError what is wrong with an object as a whole
Check = Callable[[Any], Any]


def posted() -> CombinedMultiDict[str, Any]:
    """What the request carries, files among it."""
    return CombinedMultiDict([request.files, request.form])


class FormView:
    """What the ready views have in common."""

    template = "form.html"

    def __init__(
        self,
        fields: Iterable[str] | None = None,
        form_class: type[Form] | None = None,
        template: str | None = None,
        check: Check | None = None,
    ) -> None:
        self.fields: Sequence[str] = (fields,) if isinstance(fields, str) else tuple(fields or ())
        self.form_class = form_class
        self.template = template or self.template
        self.check = check

    @classmethod
    def as_view(
        cls,
        fields: Iterable[str] | None = None,
        *,
        form_class: type[Form] | None = None,
        template: str | None = None,
        check: Check | None = None,
    ) -> Self:
        """The view for a node.

        Args:
            fields: names of the fields that the form has, in their order. Only they are ever written.
            form_class: a WTForms form to use instead of the one made of the fields.
            template: the page, instead of ours; it knows `form`, `process`, `task`,
                `flow`, `node` and `activation`.
            check: called with the object as the form would leave it; a ValueError says what does not go together.
        """
        return cls(fields, form_class, template, check)

    def __call__(self, activation: Activation) -> BaseResponse | str | tuple[str, int]:
        if request.method != "POST":
            if "_find" in request.args:
                wanted = field_named(self.form(activation), request.args["_find"])
                if isinstance(wanted, ReferenceField):
                    return jsonify([pick._asdict() for pick in wanted.suggest(request.args.get("q", ""))])
            return self.page(self.form(activation, drafts.restored()), activation)
        form = self.form(activation, posted())
        if change_rows(form, request.form.get("_more", ""), request.form.get("_less", "")):
            return self.page(form, activation)  # nothing is sent yet: the form again, with a row more or less
        if form.validate():
            try:
                self.save(form, activation)
            except InvalidForm:
                return self.page(form, activation), 422
            activation.execute()
            return redirect(activation.success_url, 303)
        return self.page(form, activation), 422

    def page(self, form: Form, activation: Activation) -> str:
        """The page with the form."""
        return render_template(self.template, form=form, **form_context(activation))

    def form(self, activation: Activation, formdata: Any = None) -> Form:
        """The form, filled from what is stored, or from what was typed.

        Args:
            formdata: the values of a request, or None.
        """
        form_class = self.form_class or self.make_form(activation)
        # Moments are typed in the time zone of whoever types them.
        preferences = getattr(activation.user, "preferences", None) or {}
        meta = {"timezone": zone(preferences.get("timezone") or request.cookies.get("timezone"))}
        return form_class(formdata=formdata, obj=self.filled_from(activation), meta=meta)

    def save(self, form: Form, activation: Activation) -> None:
        """Write the form's own fields, and nothing else.

        Raises:
            InvalidForm: the object refuses a value; the form says which.
        """
        self.write(form, self.target(activation))

    def write(self, form: Form, target: Any) -> None:
        """Write the form to an object, and ask whether it may be so.

        Raises:
            InvalidForm: it may not; the form says why.
        """
        write(form, target)
        if self.check is not None:
            try:
                self.check(target)
            except ValueError as error:
                form.form_errors.append(str(error))
                raise InvalidForm(str(error), form.errors) from error

    def faults(self, flow_class: Any) -> Iterator[str]:
        """What is wrong with the view in this flow, for a message at import."""
        model = self.model_of(flow_class)
        if model is not None:
            known = known_fields(model, self.fields)
            for name in self.fields:
                if name not in known:
                    mend = _known(name, known)
                    yield f"the form has a field `{name}`, but {model.__name__} has none; {mend}"

    # -- what a kind of view defines

    def make_form(self, activation: Activation) -> type[Form]:
        raise NotImplementedError

    def model_of(self, flow_class: Any) -> type | None:
        """The class whose fields the form has, where it is known before the flow runs."""
        return None

    def filled_from(self, activation: Activation) -> Any:
        return self.target(activation)

    def target(self, activation: Activation) -> Any:
        """The object that is written."""
        return activation.process


class UpdateProcessView(FormView):
    """A form with fields of the process."""

    def make_form(self, activation: Activation) -> type[Form]:
        return process_form(type(activation.process), self.fields)

    def model_of(self, flow_class: Any) -> type | None:
        return flow_class.process_class or Process


class CreateProcessView(UpdateProcessView):
    """The form that starts a process."""


class CreateArtifactView(FormView):
    """A form that makes a new object, the process's artifact.

    Args:
        model: a mapped class.
    """

    def __init__(
        self,
        model: type,
        fields: Iterable[str] | None = None,
        form_class: type[Form] | None = None,
        template: str | None = None,
        check: Check | None = None,
    ) -> None:
        super().__init__(fields, form_class, template, check)
        self.model = model

    @classmethod
    def as_view(  # type: ignore[override]
        cls,
        model: type,
        fields: Iterable[str] | None = None,
        *,
        form_class: type[Form] | None = None,
        template: str | None = None,
        check: Check | None = None,
    ) -> Self:
        """The view for a node; see `FormView.as_view`.

        Args:
            model: the mapped class of which an instance is made.
            fields: names of its columns.
        """
        return cls(model, fields, form_class, template, check)

    def make_form(self, activation: Activation) -> type[Form]:
        return artifact_form(self.model, self.fields)

    def model_of(self, flow_class: Any) -> type | None:
        return self.model

    def filled_from(self, activation: Activation) -> Any:
        return None

    def save(self, form: Form, activation: Activation) -> None:
        made = self.model()
        self.write(form, made)
        activation.process.artifact = made


class UpdateArtifactView(FormView):
    """A form with fields of the process's artifact."""

    def make_form(self, activation: Activation) -> type[Form]:
        return artifact_form(type(self.target(activation)), self.fields)

    def target(self, activation: Activation) -> Any:
        artifact = activation.process.artifact
        if artifact is None:
            raise PortalError(f"process {activation.process.id} has no artifact that this form could change")
        return artifact


def write(form: Form, target: Any) -> None:
    """Write a form's own fields to an object.

    Raises:
        InvalidForm: the object refuses a value.
    """
    written = populate(form, target) if isinstance(form, RecordForm) else _write_by_hand(form, target)
    if not written:
        raise InvalidForm("The form is not valid.", dict(form.errors))


def _write_by_hand(form: Form, target: Any) -> bool:
    """The same for a form that an author wrote; buttons and what the object does not have are left out."""
    valid = True
    for name, field in form._fields.items():
        if name == "csrf_token" or isinstance(field, SubmitField) or not hasattr(type(target), name):
            continue
        try:
            setattr(target, name, field.data)
        except ValueError as error:
            field.errors = [*field.errors, str(error)]
            valid = False
    return valid


def known_fields(model: type, wanted: Iterable[str] = ()) -> list[str]:
    """The names that a form for this class may use.

    A model's relationships are looked at only if its columns do not have all that is wanted: that configures
    the mappers, which is early while modules are still being imported.
    """
    if issubclass(model, Process):
        return process_field_names(model)
    columns = [*fields_of(model), *inspect(model).columns.keys()]
    return columns if set(wanted) <= set(columns) else artifact_field_names(model)


def _known(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(known) or 'none'}"
