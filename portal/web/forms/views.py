"""The ready views: a form made of the fields of a process or of an artifact.

A view is called with the activation and answers the request. Besides, a test drives it without one: `form`
builds the form, `save` writes what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Self

import wtforms
from flask import jsonify, redirect, render_template, request
from sqlalchemy import inspect
from werkzeug.datastructures import CombinedMultiDict, FileStorage
from werkzeug.wrappers import Response as BaseResponse
from wtforms import Form, SubmitField

from portal.errors import Gone, InvalidForm
from portal.flow.activation import Activation
from portal.jsonstore import fields_of
from portal.models import Process

from ..display.moments import zone
from ..drafts import kept
from ..files import Files
from ..tasks.context import form_context, form_templates
from . import seen as seen
from .build import (
    RecordForm,
    artifact_field_names,
    artifact_form,
    populate,
    process_field_names,
    process_form,
    put,
)
from .constraints import has_own_rows, storing
from .decisions import Decision, deciding
from .embedded import change_rows, field_named
from .references import ReferenceField
from .uploads import taken

#: says by a ValueError what is wrong with an object as a whole
Check = Callable[[Any], Any]
#: the fields that a decision requires, by the value decided
Require = Mapping[Any, str | Iterable[str]]


def posted() -> CombinedMultiDict[str, Any]:
    """What the request carries, files among it."""
    return CombinedMultiDict([request.files, request.form])


class FormView:
    """What the ready views have in common."""

    #: the page instead of ours
    template: str | None = None

    def __init__(
        self,
        fields: Iterable[str] | None = None,
        form_class: type[Form] | None = None,
        template: str | None = None,
        check: Check | None = None,
        decide: str | None = None,
        require: Require | None = None,
    ) -> None:
        self.fields: Sequence[str] = (fields,) if isinstance(fields, str) else tuple(fields or ())
        self.form_class = form_class
        self.template = template or self.template
        self.check = check
        self.decision = None if decide is None else Decision.of(decide, require)
        self._needs_decide = decide is None and bool(require)
        self._says_nothing = fields is None and form_class is None and decide is None

    @classmethod
    def as_view(
        cls,
        fields: Iterable[str] | None = None,
        *,
        form_class: type[Form] | None = None,
        template: str | None = None,
        check: Check | None = None,
        decide: str | None = None,
        require: Require | None = None,
    ) -> Self:
        """The view for a node.

        Args:
            fields: names of the fields that the form has, in their order. Only they are ever written.
            form_class: a WTForms form to use instead of the one made of the fields.
            template: the page, instead of `portal/<label>/<node>.html`, `portal/<label>/form.html` or
                `portal/form.html`; it knows `form`, `process`, `task`, `flow`, `node` and `activation`.
            check: called with the object as the form would leave it; a ValueError says what does not go together.
            decide: the name of a field that is decided by buttons, one for each value, instead of an input: a
                `BooleanField`, whose `labels=("Approve", "Decline")` are on the buttons, or a field of choices.
            require: the names of the fields that may not be empty, by the value decided: `{False: ["remark"]}`.
        """
        return cls(fields, form_class, template, check, decide, require)

    def __call__(self, activation: Activation[Any]) -> BaseResponse | str | tuple[str, int]:
        if request.method != "POST":
            if "_find" in request.args:
                wanted = field_named(self.form(activation), request.args["_find"])
                if isinstance(wanted, ReferenceField):
                    return jsonify([pick._asdict() for pick in wanted.suggest(request.args.get("q", ""))])
            typed = kept.restored()
            form = self.form(activation, typed)
            if typed is not None:
                seen.fill_up(form, typed, lambda: self.form(activation))
            return self.page(form, activation)
        if seen.NAME in request.form:
            seen.hold(self.filled_from(activation))
        form = self.form(activation, posted())
        if self.is_changed(form, activation):
            return self.page(form, activation)  # nothing is sent yet: the form again, with a row more or less
        valid = form.validate()
        if seen.agree(form, lambda: self.form(activation)) and valid:
            try:
                self.accept(form, activation)
            except InvalidForm:
                return self.page(form, activation), 422
            activation.execute()
            return redirect(activation.success_url, 303)
        return self.page(form, activation), 422

    def is_changed(self, form: Form, activation: Activation[Any]) -> bool:
        """Whether a button was pressed that changes the form itself: its rows, or an input to what is stored."""
        more, less, theirs = (request.form.get(name, "") for name in ("_more", "_less", "_theirs"))
        return change_rows(form, more, less) or seen.take_theirs(form, theirs, lambda: self.form(activation))

    def page(self, form: Form, activation: Activation[Any]) -> str:
        """The page with the form."""
        decision = getattr(form, "_decision", None)
        context = {"decision": decision, "seen": seen.seen_text(form), **form_context(activation)}
        return render_template([*form_templates(activation.node, self.template)], form=form, **context)

    def form(self, activation: Activation[Any], formdata: Any = None) -> Form:
        """The form, filled from what is stored, or from what was typed.

        Args:
            formdata: the values of a request, or None.
        """
        form_class = self.form_class or self.make_form(activation)
        if self.decision is not None:
            form_class = deciding(form_class, self.model_now(activation), self.decision)
        # Moments are typed in the time zone of whoever types them.
        preferences = getattr(activation.user, "preferences", None) or {}
        meta: dict[str, Any] = {
            "timezone": zone(preferences.get("timezone") or request.cookies.get("timezone"))
        }
        target = self.filled_from(activation)
        if target is not None and activation.process.id is not None:
            path = () if target is activation.process else ("artifact",)
            meta["files"] = Files(activation.process, path)
        form = form_class(formdata=formdata, obj=target, meta=meta)
        seen.note_seen(form, target, formdata)
        return form

    def accept(self, form: Form, activation: Activation[Any]) -> Any:
        """Write the form, and store it where the database has rules of the author's for it.

        Raises:
            InvalidForm: the object or the database refuses a value; the form says which.
            Gone: the row that the form changes was deleted.
        """
        model = self.model_now(activation)
        if not has_own_rows(model):
            return self.save(form, activation)
        with storing(form, activation.process, model):
            return self.save(form, activation)

    def save(self, form: Form, activation: Activation[Any]) -> None:
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
        if self._says_nothing:
            yield 'as_view() without fields; name them, as in fields=["text"], or say fields=[] for a form without any'
        if self._needs_decide:
            yield "`require` says what a decision requires; name its field by decide="
        model = self.model_of(flow_class)
        if model is not None:
            known = known_fields(model, self.fields)
            for name in self.fields:
                if name not in known:
                    mend = _known(name, known)
                    yield f"the form has a field `{name}`, but {model.__name__} has none; {mend}"
            if self.decision is not None:
                inputs = self.fields if self.form_class is None else dir(self.form_class)
                yield from self.decision.faults(model, known_fields(model, [self.decision.name]), inputs)

    # -- what a kind of view defines

    def make_form(self, activation: Activation[Any]) -> type[Form]:
        raise NotImplementedError

    def model_now(self, activation: Activation[Any]) -> type:
        """The class whose fields the form has."""
        return type(self.target(activation))

    def model_of(self, flow_class: Any) -> type | None:
        """The class whose fields the form has, where it is known before the flow runs."""
        return None

    def filled_from(self, activation: Activation[Any]) -> Any:
        return self.target(activation)

    def target(self, activation: Activation[Any]) -> Any:
        """The object that is written."""
        return activation.process


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
        self,
        model: type,
        fields: Iterable[str] | None = None,
        form_class: type[Form] | None = None,
        template: str | None = None,
        check: Check | None = None,
        decide: str | None = None,
        require: Require | None = None,
    ) -> None:
        super().__init__(fields, form_class, template, check, decide, require)
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
        decide: str | None = None,
        require: Require | None = None,
    ) -> Self:
        """The view for a node; see `FormView.as_view`.

        Args:
            model: the mapped class of which an instance is made.
            fields: names of its columns.
        """
        return cls(model, fields, form_class, template, check, decide, require)

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

    def target(self, activation: Activation[Any]) -> Any:
        artifact = activation.process.artifact
        if artifact is None:
            raise Gone
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
        if name in getattr(form, "_left", ()):
            continue
        value = field.data
        if isinstance(field, wtforms.FileField):
            if not isinstance(value, FileStorage) or not value:
                continue
            value = field.data = taken(value)
        try:
            put(target, name, value)
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
