"""Many tasks of one step, finished with the same answer: a decision and its remark, or that they are done.

Only a form that asks for no more can be answered so: what differs from one process to the next is filled in one by one.
Each task is finished through its own form, in a transaction of its own, and a line says why one was not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from portal import queries
from portal.engine import actions, drafts, permissions
from portal.engine.lifecycle import demand
from portal.errors import InvalidForm, PortalError, TransitionNotAllowed
from portal.flow.activation import Activation
from portal.jsonstore import StringField, fields_of
from portal.language import gettext as _
from portal.language import ngettext
from portal.models import Task, db

from ..accounts.sign_in import require_login
from ..forms.choices import DecisionField
from ..forms.views import UpdateProcessView
from ..layout import me
from ..rendering import render_template
from ..selection import Refusal, Selection, each, selection, tell, tell_nothing
from ..urls import see_other, to_id, way_back

blueprint = Blueprint("alike", __name__)
blueprint.before_request(require_login)

#: names of inputs: `step` is a filter of lists
ANSWER, TEXT, STEP = "answer", "text-", "_step"


@dataclass(frozen=True)
class Text:
    """A text that goes with the answer."""

    name: str
    label: str
    #: the words of the answers that require it
    needed_for: list[str]


@dataclass(frozen=True)
class Question:
    """What is asked about tasks of one step.

    Attributes:
        step: the flow's label and the node's name: what the answer is for.
        decision: the input with the answers; None where a task is only to be confirmed.
    """

    step: str
    decision: DecisionField | None
    texts: list[Text]

    @property
    def answers(self) -> list[tuple[str, str, bool]]:
        """What is sent, the word on the button, and whether it says no."""
        if self.decision is None:
            return []
        found = [(self.decision.text_of(value), label) for value, label in self.decision.options]
        return [(text, label, self.decision.declines(text)) for text, label in found]

    def word(self, answer: str) -> str:
        return next((label for text, label, _no in self.answers if text == answer), "")


def can_be_answered(node: Any) -> bool:
    """Whether the form of a step asks for nothing but a decision and a remark on it."""
    view = node.view
    if view is None:
        return bool(node.human and not node.starts)
    if type(view) is not UpdateProcessView or view.form_class or view.template or view.pages or view.whens:
        return False
    if view.decision is None:
        return not view.fields
    fields = fields_of(node.flow_class.process_class) if node.flow_class.process_class else {}
    texts = [fields.get(name) for name in view.fields if name != view.decision.name]
    return all(isinstance(each, StringField) and not each.choices and not each.required for each in texts)


def question_of(task: Task) -> Question | None:
    """What is asked about this task and others of its step; None where they are filled in one by one."""
    node: Any = task.node
    if node is None or not can_be_answered(node):
        return None
    step = f"{task.process.flow_label} {task.flow_task}"
    if node.view is None:
        return Question(step, None, [])
    form: Any = node.view.form(actions.reading(db.session(), task, me()))
    if node.view.decision is None:
        return Question(step, None, [])
    decision = form._decision
    texts = [
        Text(name, str(form[name].label.text), decision.labels_that_need(name))
        for name in node.view.fields
        if name != decision.name
    ]
    return Question(step, decision, texts)


@blueprint.post("/tasks/execute")
def act() -> BaseResponse | str | tuple[str, int]:
    chosen = selection("task", "inbox")
    back = way_back(url_for("portal.lists.inbox"))
    tasks = _seen(chosen.wanted)
    if not tasks:
        tell_nothing(chosen, _("No task matches."))
        return see_other(back)
    question = question_of(tasks[0])
    answer, step = request.form.get(ANSWER, ""), request.form.get(STEP, "")
    if question is None or "_ask" in request.form or not answer:
        return _ask(chosen, tasks, question, back)
    fault = _fault(question, answer, step)
    if fault:
        return _ask(chosen, tasks, question, back, fault), 422
    outcome = each(chosen.wanted, lambda text: _finish(text, question, answer))
    done = ngettext("%(number)s task done.", "%(number)s tasks done.", outcome.done)
    word = question.word(answer)
    tell(outcome, f"{word}: {done}" if word else done, more=chosen.more)
    return see_other(back)


def _seen(wanted: list[str]) -> list[Task]:
    ids = [number for text in wanted if (number := to_id(text)) is not None]
    return [task for task in queries.chosen(db.session(), ids) if _may_see(task)]


def _may_see(task: Task) -> bool:
    """As everywhere; of one's own, which most of them are, nothing is asked."""
    return permissions.owns(me(), task) or permissions.may_see_task(db.session(), me(), task)


def _fault(question: Question, answer: str, step: str) -> str:
    """Why the answer cannot be given to any of them."""
    if step != question.step:
        return _("Choose tasks of one step.")
    if question.decision is None:
        return ""
    word = question.word(answer)
    if not word:
        return _("Choose one of the answers.")
    missing = [each.label for each in question.texts if word in each.needed_for and not _typed(each.name)]
    if missing:
        return f"{missing[0]}: " + _("This field is required for “%(label)s”.", label=word)
    return ""


def _typed(name: str) -> str:
    return request.form.get(TEXT + name, "").replace("\0", "").strip()


def _finish(text: str, question: Question, answer: str) -> Refusal | None:
    """Finish one task in a transaction of its own. The line that says why not."""
    number = to_id(text)
    found = queries.chosen(db.session(), [number]) if number is not None else []
    if number is None or not found or not _may_see(found[0]):
        return _("Refused: %(what)s", what=_("%(number)s: there is no such task", number=text[:20]))
    title = f"#{found[0].process_id} {found[0].title}"
    try:
        with actions.activation(db.session(), number, me()) as activation:
            demand("execute", activation.task, me())
            _answer(activation, question, answer)
            drafts.accepted(db.session(), me().id, drafts.form_of(number))
    except PortalError as error:
        db.session.rollback()
        address = url_for("portal.tasks.detail", task_id=number)
        return {
            "text": _("Refused: %(what)s", what=f"{title}: {error.words}"),
            "to": address,
            "name": _("Open"),
        }
    return None


def _answer(activation: Activation[Any], question: Question, answer: str) -> None:
    """Send through the task's own form what a person would have filled in there."""
    task: Any = activation.task
    if f"{task.process.flow_label} {task.flow_task}" != question.step or not can_be_answered(activation.node):
        raise TransitionNotAllowed(_("It is another step: it has a form of its own."))
    view: Any = activation.node.view
    if view is not None:
        sent: MultiDict[str, Any] = MultiDict({"_": ""})
        if view.decision is not None:
            sent[view.decision.name] = answer
            for each in question.texts:  # what was written there before stays where nothing is typed
                sent[each.name] = _typed(each.name) or getattr(activation.process, each.name) or ""
        form = view.form(activation, sent)
        if not form.validate():
            raise InvalidForm(errors=form.errors)
        view.accept(form, activation)
    activation.execute()


def _ask(chosen: Selection, tasks: list[Task], question: Question | None, back: str, fault: str = "") -> str:
    mixed = question is not None and any(
        f"{task.process.flow_label} {task.flow_task}" != question.step for task in tasks
    )
    return render_template(
        "portal/alike.html",
        chosen=chosen,
        tasks=tasks,
        question=None if mixed else question,
        mixed=mixed,
        fault=fault,
        back=back,
        typed=_typed,
    )
