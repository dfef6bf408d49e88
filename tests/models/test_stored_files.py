"""Files in the storage: bytes first, a row in the caller's transaction, and nothing that hangs in the air."""

import datetime as dt

import pytest

from portal import jsonstore, storage
from portal.errors import Gone
from portal.models import Process, StoredFile, create_user, db
from portal.storage import Storage


@pytest.fixture
def process(app, tmp_path):
    app.extensions["portal_storage"] = Storage(str(tmp_path))
    made = Process(flow_label="x", process_type="process")
    db.session.add(made)
    db.session.commit()
    return made


def later(monkeypatch, **span):
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(**span)
    monkeypatch.setattr(storage, "utcnow", lambda: moment)


def is_there(key):
    try:
        storage.current().open(key).close()
    except Gone:
        return False
    return True


def test_a_file_is_read_as_it_was_written(process):
    row = storage.store(db.session(), b"%PDF", name="a.pdf", type="application/pdf", process=process)
    db.session.commit()
    with storage.as_value(row).open() as content:
        assert content.read() == b"%PDF"
    assert (row.size, row.process_id, row.pending) == (4, process.id, False)


def test_what_was_taken_back_leaves_bytes_that_are_removed_later(process, monkeypatch):
    key = storage.store(db.session(), b"x", name="a", type="text/plain", process=process).id
    kept = storage.store(db.session(), b"x", name="a", type="text/plain", process=process).id
    db.session.rollback()
    db.session.add(StoredFile(id=kept, name="a", type="b", size=1, process=process, created=storage.utcnow()))
    db.session.commit()
    assert storage.sweep(db.session()) == 0, "it could be on its way"
    later(monkeypatch, days=3)
    assert storage.sweep(db.session()) == 1
    assert (is_there(key), is_there(kept)) == (False, True)


def test_an_upload_waits_for_its_form_as_long_as_a_draft_does(process, monkeypatch):
    someone = create_user("sue")
    waits = storage.store(db.session(), b"x", name="a", type="text/plain", user=someone)
    sent = storage.store(db.session(), b"x", name="a", type="text/plain", user=someone)
    storage.attach(sent, process)
    db.session.commit()
    keys = waits.id, sent.id
    later(monkeypatch, days=179)
    assert storage.sweep(db.session()) == 0
    later(monkeypatch, days=181)
    assert storage.sweep(db.session()) == 1
    assert [is_there(key) for key in keys] == [False, True]


def test_a_deleted_process_takes_its_files_along(process):
    key = storage.store(db.session(), b"x", name="a", type="text/plain", process=process).id
    db.session.commit()
    db.session.delete(process)
    db.session.commit()
    assert storage.sweep(db.session()) == 1
    assert not is_there(key)
    assert db.session.get(StoredFile, key) is None


def test_a_folder_is_its_owners_alone_and_other_addresses_work(tmp_path, app):
    for address in (str(tmp_path / "files"), "memory://elsewhere"):
        found = Storage(address)
        key, size = found.write(b"12345")
        with found.open(key) as content:
            assert content.read() == b"12345"
        assert size == 5
        assert found.keys(dt.datetime.strptime(key[:8], "%Y%m%d").date()) == [key]
        found.delete(key)
        found.delete(key)
        with pytest.raises(Gone):
            found.open(key)
    assert (tmp_path / "files").stat().st_mode & 0o077 == 0


def test_an_address_that_nothing_knows_is_told():
    with pytest.raises(ValueError, match="PORTAL_STORAGE"):
        Storage("nothing://x")


class LetterProcess(Process):
    letter = jsonstore.FileField("Letter", types=["application/pdf"], max_size="1 kB")
    pictures = jsonstore.FileField("Pictures", types="image/*", multiple=True, max_files=2)


PDF = jsonstore.File("a.pdf", "application/pdf", 10, "20261129-1")
PNG = jsonstore.File("a.png", "image/png", 10, "20261129-2")


def test_a_field_holds_a_file(app):
    process = LetterProcess()
    assert process.letter is None
    assert process.pictures == []
    process.letter, process.pictures = PDF, [PNG]
    assert (process.letter, process.pictures) == (PDF, [PNG])
    assert process.data["letter"] == {
        "id": "20261129-1", "name": "a.pdf", "type": "application/pdf", "size": 10,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("letter", PNG, "type"),
        ("letter", jsonstore.File("a.pdf", "application/pdf", 1025, "x"), "larger"),
        ("letter", b"bytes", "A File is needed"),
        ("pictures", PNG, "A list of files"),
        ("pictures", [PNG] * 3, "At most 2 files"),
        ("pictures", [PDF], "type"),
    ],
)
def test_a_field_refuses_what_it_does_not_take(app, name, value, words):
    with pytest.raises(ValueError, match=words):
        setattr(LetterProcess(), name, value)


@pytest.mark.parametrize(("types", "size"), [("pdf", 1), ("image/png", "much"), ("image/png", 0)])
def test_a_wrong_declaration_is_told(types, size):
    with pytest.raises(ValueError, match=r"no type|no size"):
        jsonstore.FileField(types=types, max_size=size)
