"""Files that people attach to a process."""

from io import BytesIO

import pytest

from portal.models import StoredFile, db


@pytest.fixture
def attach():
    def attach(client, process_id, *files):
        sent = {"file": [(BytesIO(content), name) for name, content in files]}
        return client.post(f"/processes/{process_id}/files", data=sent, content_type="multipart/form-data")

    return attach


def files():
    return list(db.session.scalars(db.select(StoredFile).order_by(StoredFile.name)))


def test_whoever_sees_the_process_reads_them(alice, carol, dave, submit, attach):
    process_id = submit()
    answer = attach(alice, process_id, ("offer.pdf", b"%PDF-1.7 x"), ("../note.txt", b"Hello"))
    assert (answer.status_code, answer.location) == (303, f"/processes/{process_id}#files")
    note, offer = files()
    assert (note.name, offer.name, offer.type, offer.size) == ("note.txt", "offer.pdf", "application/pdf", 10)
    page = carol.get(f"/processes/{process_id}").text
    assert "offer.pdf" in page
    answer = carol.get(f"/files/{offer.id}")
    assert (answer.data, answer.headers["Content-Disposition"]) == (
        b"%PDF-1.7 x",
        "attachment; filename=offer.pdf",
    )
    assert dave.get(f"/files/{offer.id}").status_code == 403
    assert attach(dave, process_id, ("x.txt", b"x")).status_code == 403


def test_who_attached_it_and_a_manager_remove_it(alice, bob, carol, submit, take, attach):
    process_id = submit()
    take(process_id)
    attach(alice, process_id, ("a.txt", b"a"), ("b.txt", b"b"))
    first, second = (f"/processes/{process_id}/files/{each.id}/remove" for each in files())
    assert bob.post(first).status_code == 403
    assert alice.post(first).status_code == 303
    assert carol.post(second).status_code == 303
    assert "a.txt" not in alice.get(f"/processes/{process_id}").text.replace("“a.txt” is removed", "")
    assert [each.process_id for each in files()] == [None, None]  # maintenance removes the bytes
    assert alice.get(f"/files/{files()[0].id}").status_code == 404


def test_a_file_of_another_process_stays(alice, submit, attach):
    one, other = submit(), submit()
    attach(alice, one, ("a.txt", b"a"))
    assert alice.post(f"/processes/{other}/files/{files()[0].id}/remove").status_code == 404


def test_nothing_chosen_is_refused(alice, submit, attach):
    assert attach(alice, submit()).status_code == 422


def test_a_search_finds_files_by_their_names(alice, carol, submit, attach):
    process_id, _other = submit(), submit()
    attach(alice, process_id, ("Offer of Zürich.pdf", b"%PDF-1.7 x"))
    assert f'href="/processes/{process_id}"' in carol.get("/processes?q=zürich offer").text
    carol.post(f"/processes/{process_id}/data", data={"title": "Changed", "pages": "1"})
    assert f'href="/processes/{process_id}"' in carol.get("/processes?q=changed offer").text, (
        "an action keeps it"
    )
    alice.post(f"/processes/{process_id}/files/{files()[0].id}/remove")
    assert f'href="/processes/{process_id}"' not in carol.get("/processes?q=offer").text
