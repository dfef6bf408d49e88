"""A value's error names its field, a misspelt field is refused, and a default is stored where that is asked for."""

import pytest

from portal import jsonstore
from portal.models import Process, db


class Part(jsonstore.Schema):
    price = jsonstore.IntegerField("Price")


class LabelProcess(Process):
    sender = jsonstore.StringField("Sender", max_length=3)
    parts = jsonstore.EmbeddedListField(Part)
    level = jsonstore.IntegerField(default=1, store_default=True)
    tags = jsonstore.JSONField(default=["a"], store_default=True)
    plain = jsonstore.IntegerField(default=2)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sender", 5, r"^sender: A text is needed, not int\.$"),
        ("sender", "long", r"^sender: At most 3"),
        ("parts", [{"price": "x"}], r"^parts: price: "),
        ("parts", 5, r"^parts: A list"),
    ],
)
def test_an_error_names_its_field(app, name, value, words):
    with pytest.raises(ValueError, match=words) as error:
        setattr(LabelProcess(), name, value)
    assert isinstance(error.value, jsonstore.InvalidValue)
    assert error.value.field == name


@pytest.mark.parametrize("name", ["sendr", "Sender", "artefact", "statsu", "levle"])
def test_an_attribute_near_a_field_is_refused(app, name):
    with pytest.raises(AttributeError, match=rf"LabelProcess has no field '{name}'; did you mean `"):
        setattr(LabelProcess(), name, "x")


def test_other_attributes_may_be_set(app):
    process = LabelProcess()
    process.something_else_entirely = 1
    process._sendr = 2
    assert process.something_else_entirely == 1


def test_a_default_is_stored_where_that_is_asked_for(app):
    process = LabelProcess(flow_label="x")
    db.session.add(process)
    db.session.commit()
    assert process.data == {"level": 1, "tags": ["a"]}
    process.tags.append("b")
    db.session.commit()
    assert (process.data["tags"], process.plain) == (["a", "b"], 2)
