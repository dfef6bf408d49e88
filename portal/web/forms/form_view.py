"""What the ready views have in common: a form is shown, judged, written, and comes back as it was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self, TypedDict, Unpack

from flask import jsonify, redirect, request
from sqlalchemy import inspect
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from werkzeug.wrappers import Response as BaseResponse
from wtforms import Form, SubmitField
from wtforms.fields.core import UnboundField
from wtforms.form import BaseForm

from portal.errors import InvalidForm
from portal.flow.activation import Activation
from portal.flow.callables import Called, unfit
from portal.flow.names import guess

from ..display.moments import zone
from ..drafts import kept
from ..files import Files
from ..rendering import render_template
from ..tasks.context import form_context, form_templates
from . import arrangement, declared, pagewise
from . import seen as seen
from .arrangement import Item
from .conditional import conditional
from .constraints import has_own_rows, storing
from .decisions import Decision, deciding
from .embedded import change_rows, field_named
from .references import ReferenceField
from .stored import attach_files
from .writing import write

#: says by a ValueError what is wrong with an object as a whole
Check = Callable[[Any], Any]
#: the fields that a decision requires, by the value decided
Require = Mapping[Any, str | Iterable[str]]


class ViewOptions(TypedDict, total=False):
    """What every view may be told beside its fields; see `FormView.as_view`."""

    form_class: type[Form] | None
    template: str | None
    check: Check | None
    decide: str | None
    require: Require | None


def posted() -> MultiDict[str, Any]:
    """What the request carries, files among it."""
    return CombinedMultiDict([request.files, request.form]) if request.files else request.form


class FormView:
    """A form made of fields. Its arguments are those of `as_view`."""

    #: the page instead of ours
    template: str | None = None

    def __init__(self, fields: Iterable[Item] | str | None = None, **options: Unpack[ViewOptions]) -> None:
        #: how the fields are arranged, and their names in order
        self.items: tuple[Item, ...] = (fields,) if isinstance(fields, str) else tuple(fields or ())
        self.fields: tuple[str, ...] = tuple(arrangement.names_in(self.items))
        self.pages = arrangement.pages_in(self.items)
        self.whens = tuple(arrangement.conditions_in(self.items))
        self.form_class = options.get("form_class")
        self.template = options.get("template") or self.template
        self.check = options.get("check")
        decide, require = options.get("decide"), options.get("require")
        self._odd_require = None if require is None or isinstance(require, Mapping) else require
        self.decision = (
            None if decide is None else Decision.of(decide, None if self._odd_require else require)
        )
        self._unknown = sorted(set(options) - set(ViewOptions.__annotations__))
        self._needs_decide = decide is None and bool(require)
        self._says_nothing = fields is None and self.form_class is None and decide is None

    @classmethod
    def as_view(cls, fields: Iterable[Item] | str | None = None, **options: Unpack[ViewOptions]) -> Self:
        """The view for a node.

        Args:
            fields: the form's fields, in their order: names, and `views.Row`, `Section`, `When` or `Page` of names.
                Only they are ever written.
            form_class: a WTForms form to use instead of the one made of the fields.
            template: the page, instead of `portal/<label>/<node>.html`, `portal/<label>/form.html` or
                `portal/form.html`; it knows `form`, `process`, `task`, `flow`, `node` and `activation`.
            check: called with the object as the form would leave it; a ValueError says what does not go together.
            decide: the name of a field that is decided by buttons, one for each value, instead of an input: a
                `BooleanField`, whose `labels=("Approve", "Decline")` are on the buttons, or a field of choices.
            require: the names of the fields that may not be empty, by the value decided: `{False: ["remark"]}`.
        """
        return cls(fields, **options)

    def __call__(self, activation: Activation[Any]) -> BaseResponse | str | tuple[str, int]:
        if request.method != "POST":
            return self.shown(activation)
        if seen.NAME in request.form:
            seen.hold(self.filled_from(activation))
        form = self.form(activation, posted())
        if self.is_changed(form, activation):
            return self.page(form, activation)  # nothing is sent yet: the form again, with a row more or less
        if pagewise.TO in request.form and self.pages:
            valid = pagewise.turn(form, self.pages, request.form[pagewise.TO])
            return self.page(form, activation), 200 if valid else 422
        valid = form.validate()
        if seen.agree(form, lambda: self.form(activation)) and valid:
            try:
                self.accept(form, activation)
            except InvalidForm:
                return self.refused(form, activation)
            activation.execute()
            return redirect(activation.success_url, 303)
        return self.refused(form, activation)

    def shown(self, activation: Activation[Any]) -> BaseResponse | str:
        """The answer to a GET: the form, with the draft of it if there is one; or what a search in it finds."""
        if "_find" in request.args:
            wanted = field_named(self.form(activation), request.args["_find"])
            if isinstance(wanted, ReferenceField):
                return jsonify([pick._asdict() for pick in wanted.suggest(request.args.get("q", ""))])
        typed = kept.restored()
        form = self.form(activation, typed)
        if typed is not None:
            seen.fill_up(form, typed, lambda: self.form(activation))
        return self.page(form, activation)

    def refused(self, form: Form, activation: Activation[Any]) -> tuple[str, int]:
        """The answer to a form that is not valid."""
        pagewise.show_first_fault(form, self.pages)
        return self.page(form, activation), 422

    def is_changed(self, form: Form, activation: Activation[Any]) -> bool:
        """Whether a button was pressed that changes the form itself: its rows, or an input to what is stored."""
        theirs = request.form.get("_theirs", "")
        return change_rows(form, request.form) or seen.take_theirs(
            form, theirs, lambda: self.form(activation)
        )

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
        model = self.model_now(activation)
        if self.decision is not None:
            form_class = deciding(form_class, model, self.decision)
        if self.whens:
            form_class = conditional(form_class, self.whens)
        # Moments are typed in the time zone of whoever types them.
        preferences = getattr(activation.user, "preferences", None) or {}
        meta: dict[str, Any] = {
            "timezone": zone(preferences.get("timezone") or request.cookies.get("timezone")),
            "activation": activation,
        }
        target = self.filled_from(activation)
        if target is not None and activation.process.id is not None:
            path = () if target is activation.process else ("artifact",)
            meta["files"] = Files(activation.process, path)
        made: Any = form_class(formdata=formdata, obj=target, meta=meta)
        made._about = activation.process if target is None else target
        made._items, made._names = declared.grouped(model, self.items), frozenset(self.fields)
        pagewise.begin(made, self.pages, formdata)
        seen.note_seen(made, target, formdata)
        return made  # type: ignore[no-any-return]

    def accept(self, form: Form, activation: Activation[Any]) -> None:
        """Write the form, and store it where the database has rules of the author's for it.

        Raises:
            InvalidForm: the object or the database refuses a value; the form says which.
            Gone: the row that the form changes was deleted.
        """
        model = self.model_now(activation)
        if has_own_rows(model):
            with storing(form, activation.process, model):
                self.save(form, activation)
        else:
            self.save(form, activation)
        attach_files(form, activation)

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
        for name in self._unknown:
            known = [*ViewOptions.__annotations__, "fields"]
            yield f"as_view() knows no `{name}`{guess(name, known, '')}"
        if self.check is not None:
            yield from unfit(Called("check=", self.check, ("object",)))
        if self._needs_decide:
            yield "`require` says what a decision requires; name its field by decide="
        if self._odd_require is not None:
            named = list(self._odd_require)
            yield f"require= says by each answer which fields it needs, not {named}; write {{False: {named}}}"
        if self.check is not None and not callable(self.check):
            yield f"check= takes a function of the object, not {self.check!r}; write a lambda or the function's name"
        if self.form_class is not None and not (
            isinstance(self.form_class, type) and issubclass(self.form_class, BaseForm)
        ):
            yield f"form_class= takes a WTForms class, not {self.form_class!r}; write the name of the class"
            return
        model = self.model_of(flow_class)
        if model is not None and inspect(model, raiseerr=False) is None:
            yield f"model= takes a mapped class, not {model!r}; write the name of a db.Model"
            return
        if model is None:
            yield from arrangement.faults(self.items, lambda name: None)
            return
        yield from declared.faults(model, self.items)
        if self.decision is not None:
            inputs = self.fields if self.form_class is None else dir(self.form_class)
            known = declared.known_fields(model, [self.decision.name])
            yield from self.decision.faults(model, known, inputs)

    def unstored(self, flow_class: Any) -> list[str]:
        """The fields of a form of the author's own that the view does not store: legal, but often a slip."""
        model = self.model_of(flow_class)
        if self.form_class is None or model is None:
            return []
        made = {name: getattr(self.form_class, name, None) for name in dir(self.form_class)}
        fields = [
            name
            for name, each in made.items()
            if isinstance(each, UnboundField) and not issubclass(each.field_class, SubmitField)
        ]
        return [name for name in fields if not declared.stores(model, name)]

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
