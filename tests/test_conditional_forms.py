"""Whatever hangs on whatever: what is not asked for has no errors, and all else is judged."""

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import Form

from portal.web.forms.arrangement import When, names_in
from portal.web.forms.choices import SelectField
from portal.web.forms.conditional import conditional, resting
from portal.web.forms.inputs import Required, StringField

NAMES = ("a", "b", "c", "d", "e")
ANSWERS = ("x", "y")


def make():
    options = [(answer, answer) for answer in ANSWERS]
    members = {name: SelectField(options=options, blank=True) for name in NAMES}
    members |= {f"{name}_text": StringField(validators=[Required()]) for name in NAMES}
    return type("AnswersForm", (Form,), members)


ANSWERS_FORM = make()
values = st.sampled_from(ANSWERS)


@st.composite
def conditions(draw):
    """Each input hangs at most on one that is named before it, so that nobody waits in a circle."""
    found = []
    for place, name in enumerate(NAMES[1:], start=1):
        if draw(st.booleans()):
            value = draw(values | st.lists(values, min_size=1, max_size=2))
            found.append(When(draw(st.sampled_from(NAMES[:place])), value, name, f"{name}_text"))
    return draw(st.permutations(found))


def expected(whens, answers):
    """By the words of the rule: an input rests if what it hangs on has another answer, or rests itself."""
    by_name = {name: when for when in whens for name in names_in(when.items)}

    def rests(name):
        when = by_name.get(name)
        return when is not None and (rests(when.field) or answers.get(when.field, "") not in when.values)

    return {name for name in (*NAMES, *(f"{name}_text" for name in NAMES)) if rests(name)}


@settings(max_examples=200, deadline=None)
@given(conditions(), st.dictionaries(st.sampled_from(NAMES), values), st.sets(st.sampled_from(NAMES)))
def test_what_rests_is_neither_required_nor_in_error(whens, answers, texts):
    sent = MultiDict({**answers, **{f"{name}_text": "typed" for name in texts}})
    form = conditional(ANSWERS_FORM, whens)(sent)
    away = expected(whens, answers)
    assert resting(form) == away
    wrong = {f"{name}_text" for name in NAMES if name not in texts} - away
    assert form.validate() is not bool(wrong)
    assert set(form.errors) == wrong
    assert list(form._fields) == list(ANSWERS_FORM()._fields), "they are all there again, in their order"
