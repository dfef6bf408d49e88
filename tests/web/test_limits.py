"""How large a form may be: one number, said beside its file inputs."""

import io

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal import create_app, flow, jsonstore, this, views
from portal.models import Process, db


class Line(jsonstore.Schema):
    item = jsonstore.StringField("Item")
    pieces = jsonstore.IntegerField("Pieces")
    price = jsonstore.DecimalField("Price")


class BookProcess(Process):
    text = jsonstore.TextField("Text")
    lines = jsonstore.EmbeddedListField(Line, "Lines")
    cover = jsonstore.BinaryField("Cover")


class BookFlow(flow.Flow):
    process_class = BookProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["text", "lines", "cover"])).Next(this.end)
    end = flow.End()


def sent(data):
    """A form with files as a browser sends it, kept out of the temporary files of the test client."""
    boundary, body = encode_multipart(data)
    return {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}


ADDRESS = "/flows/book/start/start"


@pytest.fixture
def erin(client_of, register):
    register(BookFlow)
    return client_of("erin")


def the_book():
    db.session.expire_all()
    return db.session.scalars(db.select(BookProcess)).unique().one()


@pytest.mark.parametrize("has_file", [False, True])
def test_a_long_text_with_and_without_a_file(erin, has_file):
    text = "word " * 200_000
    cover = FileStorage(io.BytesIO(b"x" * 2_000_000), "cover.png")
    form = sent({"text": text, "cover": cover}) if has_file else {"data": {"text": text}}
    assert erin.post(ADDRESS, **form).status_code == 303
    assert len(the_book().text) == len(text)


def test_many_rows_beside_a_file(erin):
    data = {"cover": FileStorage(io.BytesIO(b"%PDF"), "cover.pdf"), "lines-rows": "1"}
    for number in range(1000):
        data |= {f"lines-{number}-{name}": "2" for name in ("item", "pieces", "price")}
    assert erin.post(ADDRESS, **sent(data)).status_code == 303
    assert len(the_book().lines) == 1000


def test_the_limit_is_said_before_and_after(app, erin):
    app.config["MAX_CONTENT_LENGTH"] = 300_000
    page = erin.get(ADDRESS).text
    assert 'data-max-size="300000"' in page
    assert "At most 293 kB in one form." in page
    answer = erin.post(ADDRESS, data={"text": "x" * 400_000})
    assert answer.status_code == 413
    assert "a form has at most 293 kB, files and all" in answer.text


def test_nobody_who_is_not_signed_in_may_send_so_much(app):
    assert app.test_client().post("/login", **sent({"username": "x" * 600_000})).status_code == 413


@pytest.mark.parametrize(
    ("text", "size"), [("32 MB", 32 << 20), ("1.5m", 3 << 19), ("2048", 2048), ("8 kB", 8192), (4096, 4096)]
)
def test_the_setting(text, size):
    app = create_app({"MAX_CONTENT_LENGTH": text, "FLOWS": [], "SCHEDULER": "off", "TESTING": True,
                      "DATABASE_URL": "sqlite://"})  # fmt: skip
    assert app.config["MAX_CONTENT_LENGTH"] == size


@pytest.mark.parametrize("text", ["much", "", "-1", "0", "5 parsecs"])
def test_a_setting_that_is_no_size(text):
    with pytest.raises(ValueError, match="a size such as 32 MB"):
        create_app({"MAX_CONTENT_LENGTH": text, "FLOWS": [], "TESTING": True, "DATABASE_URL": "sqlite://"})
