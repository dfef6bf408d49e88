"""Files of a `FileField`: kept as they come, whatever becomes of their form, and only what the field takes."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Mapped, mapped_column

from portal import act, flow, jsonstore, storage, this, views
from portal.jsonstore import File
from portal.jsonstore.files import size_of
from portal.models import Process, StoredFile, db
from portal.web.forms.uploads import UNKNOWN, kind_of

PDF = b"%PDF-1.7 offer"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 30


class Line(jsonstore.Schema):
    what = jsonstore.StringField("What", required=True)
    proof = jsonstore.FileField("Proof", types="application/pdf")


class ClaimProcess(Process):
    title = jsonstore.StringField("Title", required=True)
    receipts = jsonstore.FileField(
        "Receipts", types=("application/pdf", "image/*"), max_size="1 kB", multiple=True, max_files=3
    )
    contract = jsonstore.FileField("Contract", types="application/pdf")
    lines = jsonstore.EmbeddedListField(Line, "Lines")
    salary = jsonstore.FileField("Salary slip", visible_to="claim.see_salary")


class Parcel(db.Model):
    __tablename__ = "files_parcel"
    id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict] = mapped_column(jsonstore.document(), default=dict)
    label = jsonstore.FileField("Label")


class ClaimFlow(flow.Flow):
    process_class = ClaimProcess
    start = flow.Start(
        views.CreateProcessView.as_view(fields=["title", "receipts", "contract", "lines", "salary"])
    ).Next(this.change)
    change = (
        flow.View(views.UpdateProcessView.as_view(fields=["receipts", "contract"]))
        .Permission("claim.see_salary")
        .Assign(this.start.owner)
        .Next(this.sign)
    )
    sign = flow.View(views.UpdateProcessView.as_view(fields=["contract"])).Next(this.end)
    end = flow.End()


class ParcelFlow(flow.Flow):
    start = flow.Start(views.CreateArtifactView.as_view(Parcel, ["label"])).Next(this.see)
    see = flow.ManualTask().Next(this.end)
    end = flow.End()


START = "/flows/claim/start/start"


@pytest.fixture
def erin(client_of, register):
    register(ClaimFlow)
    register(ParcelFlow)
    return client_of("erin")


def pdf(name="offer.pdf", content=PDF, kind="application/pdf"):
    return (io.BytesIO(content), name, kind)


def png(name="photo.png"):
    return pdf(name, PNG, "image/png")


def post(client, address=START, **data):
    return client.post(address, data={"title": "Trip", **data}, content_type="multipart/form-data")


def newest(model=ClaimProcess):
    db.session.expire_all()
    return db.session.scalars(db.select(model).order_by(model.id.desc())).unique().first()


def rows():
    db.session.expire_all()
    return db.session.scalars(db.select(StoredFile)).all()


def kept(page, name="receipts"):
    return re.findall(rf'name="{name}-kept" value="([^"]+)"', page)


def test_files_are_stored_shown_and_sent_again(erin):
    assert post(erin, receipts=[pdf(), png()], contract=pdf("c.pdf")).status_code == 303
    process = newest()
    assert [(f.name, f.type, f.size) for f in process.receipts] == [
        ("offer.pdf", "application/pdf", len(PDF)),
        ("photo.png", "image/png", len(PNG)),
    ]
    with process.contract.open() as content:
        assert content.read() == PDF
    assert {(row.process_id, row.pending, row.user.username) for row in rows()} == {
        (process.id, False, "erin")
    }
    answer = erin.get(f"/files/{process.contract.id}")
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    assert answer.headers["Content-Disposition"] == "attachment; filename=c.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content_length == len(PDF)
    assert f'href="/processes/{process.id}"' in erin.get("/processes?q=photo.png offer").text
    page = erin.get(f"/processes/{process.id}").text
    assert f'href="/files/{process.receipts[0].id}" download>offer.pdf' in page
    assert f'src="/files/{process.receipts[1].id}/preview"' in page


def test_a_picture_has_a_preview_and_nothing_else_has(erin):
    post(erin, receipts=[pdf(), png()])
    first, second = newest().receipts
    answer = erin.get(f"/files/{second.id}/preview")
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert erin.get(f"/files/{first.id}/preview").status_code == 404


def test_nobody_else_opens_them(erin, client_of):
    post(erin, contract=pdf())
    key = newest().contract.id
    assert client_of("dave").get(f"/files/{key}").status_code == 403
    assert erin.application.test_client().get(f"/files/{key}").status_code == 303
    assert erin.get("/files/20260101-" + "0" * 32).status_code == 404


def test_a_called_process_that_is_handed_a_file_shows_it(erin, client_of, make_user, register):
    class SlipFlow(flow.Flow):
        process_class = ClaimProcess
        start = flow.StartHandle().Next(this.look)
        look = flow.ManualTask().Next(this.end)
        end = flow.End()

    class TourFlow(flow.Flow):
        process_class = ClaimProcess
        start = flow.Start(views.CreateProcessView.as_view(fields=["title", "contract", "salary"])).Next(
            this.call
        )
        call = flow.Subprocess(SlipFlow.start, contract=act.process.contract, salary=act.process.salary).Next(
            this.end
        )
        end = flow.End()

    register(SlipFlow)
    register(TourFlow)
    post(erin, "/flows/tour/start/start", contract=pdf(), salary=pdf("slip.pdf"))
    make_user("flora", "slip.view", password="correct horse")
    flora, child = client_of("flora"), newest()
    assert flora.get(f"/files/{child.contract.id}").data == PDF
    assert flora.get(f"/files/{child.salary.id}").status_code == 403
    assert client_of("dave").get(f"/files/{child.contract.id}").status_code == 403


def test_a_field_that_only_some_may_see_hides_its_file(erin, client_of, make_user):
    post(erin, salary=pdf("slip.pdf"))
    process = newest()
    make_user("flora", "claim.view", password="correct horse")
    flora = client_of("flora")
    assert flora.get(f"/files/{process.salary.id}").status_code == 403
    assert "slip.pdf" not in flora.get(f"/processes/{process.id}").text
    make_user("gus", "claim.view", "claim.see_salary", password="correct horse")
    assert "slip.pdf" in client_of("gus").get(f"/processes/{process.id}").text
    assert client_of("gus").get(f"/files/{process.salary.id}").status_code == 200


def test_a_refused_form_keeps_its_uploads(erin):
    answer = post(erin, title="", receipts=[pdf(), png()])
    assert answer.status_code == 422
    ids = kept(answer.text)
    assert len(ids) == 2
    assert all(row.pending and row.process_id is None for row in rows())
    assert erin.get(f"/files/{ids[0]}").status_code == 200, "in their own draft they may look at it"
    answer = post(erin, **{"receipts-kept": ids, "receipts-files": "1"})
    assert answer.status_code == 303
    assert [file.id for file in newest().receipts] == ids
    assert not any(row.pending for row in rows())


def test_a_draft_keeps_an_upload(erin):
    post(erin, title="", receipts=pdf())
    page = erin.get(START).text
    assert len(kept(page)) == 1
    assert "offer.pdf" in page


def test_a_draft_takes_an_upload_as_soon_as_it_is_chosen(erin):
    address = f"{START}/draft"
    answer = erin.post(address, data={"title": "", "receipts": [pdf()]}, content_type="multipart/form-data")
    assert answer.status_code == 200
    (file,) = answer.json["files"]["receipts"]
    assert (file["name"], kept(erin.get(START).text)) == ("offer.pdf", [file["id"]])
    answer = erin.post(address, data={"receipts": [pdf("x.exe", b"MZ")]}, content_type="multipart/form-data")
    assert "another type" in answer.json["refused"]["receipts"][0]


def test_anothers_upload_is_not_taken(erin, client_of):
    post(erin, title="", receipts=pdf())
    key = rows()[0].id
    carol = client_of("carol")
    assert carol.get(f"/files/{key}").status_code == 404
    answer = post(carol, **{"receipts-kept": key})
    assert answer.status_code == 303
    assert newest().receipts == []


def test_a_file_of_another_process_is_not_taken(erin):
    post(erin, contract=pdf())
    key = newest().contract.id
    post(erin, **{"contract-kept": key})
    assert newest().contract is None


@pytest.mark.parametrize(
    ("upload", "words"),
    [
        (pdf("a.pdf", PDF + b"x" * 1024), "is too large: a file has at most 1 kB"),
        (pdf("a.exe", b"MZ", "application/pdf"), "is of another type. Possible are: PDF, images"),
        (pdf("a.pdf", b"<html>", "application/pdf"), "is of another type"),
        (pdf("a.png", b"<script>", "image/png"), "is of another type"),
        (pdf("a.html", b"<html>", "text/html"), "is of another type"),
    ],
)
def test_what_the_field_does_not_take_is_told_at_its_input(erin, upload, words):
    answer = post(erin, receipts=[upload])
    assert answer.status_code == 422
    assert words in answer.text
    assert rows() == []


def test_too_many_files_are_told(erin):
    answer = post(erin, receipts=[pdf() for _ in range(4)])
    assert (answer.status_code, "At most 3 files" in answer.text) == (422, True)


def test_files_are_added_and_taken_out_in_a_task(erin):
    post(erin, receipts=[pdf("1.pdf"), pdf("2.pdf")], contract=pdf("old.pdf"))
    process = newest()
    first, second = process.receipts
    task = process.tasks[-1].id
    page = erin.get(f"/tasks/{task}/execute").text
    assert kept(page) == [first.id, second.id]
    data = {
        "receipts-files": "1", "receipts-kept": [first.id, second.id], "receipts-remove": first.id,
        "receipts": [pdf("3.pdf")], "contract-kept": process.contract.id, "contract": pdf("new.pdf"),
    }  # fmt: skip
    assert post(erin, f"/tasks/{task}/execute", **data).status_code == 303
    process = newest()
    assert [file.name for file in process.receipts] == ["2.pdf", "3.pdf"]
    assert process.contract.name == "new.pdf"
    assert {row.task_id for row in rows() if row.name in ("3.pdf", "new.pdf")} == {task}


def test_a_form_that_says_nothing_of_files_leaves_them(erin):
    post(erin, receipts=[pdf()], contract=pdf())
    process = newest()
    assert post(erin, f"/tasks/{process.tasks[-1].id}/execute").status_code == 303
    assert len(newest().receipts) == 1
    task = newest().tasks[-1].id
    assert erin.post(f"/tasks/{task}/assign").status_code == 303
    assert post(erin, f"/tasks/{task}/execute", **{"contract-files": "1"}).status_code == 303
    assert newest().contract is None


def test_files_of_rows(erin):
    answer = post(erin, **{"lines-0-what": "Train", "lines-0-proof": pdf("t.pdf"), "lines-1-what": "Bus"})
    assert answer.status_code == 303
    process = newest()
    assert [getattr(line.proof, "name", None) for line in process.lines] == ["t.pdf", None]
    page = erin.get(f"/processes/{process.id}").text
    assert f'/files/{process.lines[0].proof.id}"' in page


def test_a_file_of_an_artifact(erin):
    assert post(erin, "/flows/parcel/start/start", label=png()).status_code == 303
    process = newest(Process)
    assert process.artifact.label.name == "photo.png"
    assert rows()[0].process_id == process.id
    assert f"/files/{rows()[0].id}/preview" in erin.get(f"/processes/{process.id}").text


def test_a_driver_gives_files_and_bytes(flow_tester):
    run = flow_tester(ClaimFlow)
    named = jsonstore.Binary(PDF, "a.pdf", "application/pdf")
    run.start("start", user="alice", title="T", receipts=[named], contract=named)
    assert [file.name for file in run.process.receipts] == ["a.pdf"]
    stored = storage.store(db.session(), PDF, name="b.pdf", type="application/pdf")
    db.session.commit()
    run.start("start", user="alice", title="T", contract=storage.as_value(stored))
    assert isinstance(run.process.contract, File)
    assert not db.session.get(StoredFile, stored.id).pending


# -- rules


@given(st.sampled_from(["", "k", "M", "G", "kB", "MB", " GiB"]), st.integers(1, 10**6))
def test_a_size_is_read_as_it_is_said(unit, number):
    factor = 1024 ** " kmg".index((unit.strip() or " ")[0].lower())
    assert size_of(f"{number} {unit}") == number * factor
    assert size_of(number) == number


@given(st.text(max_size=30), st.text(max_size=30), st.binary(max_size=40))
def test_a_type_is_never_told_from_a_name_alone_where_the_content_can_tell(name, told, head):
    kind = kind_of(name, told, head)
    assert re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind)
    if kind == "application/pdf":
        assert head.startswith(b"%PDF-")
    if kind in ("image/png", "image/jpeg", "image/gif", "image/webp"):
        assert not head.startswith(b"<")


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.docx", b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.docx", b"MZ", UNKNOWN),
        ("a.zip", b"PK\x03\x04", "application/zip"),
        ("a.txt", b"Hello", "text/plain"),
        ("a.txt", b"%PDF-1", "application/pdf"),
        ("a.webp", b"RIFF....WEBPVP8 ", "image/webp"),
        ("a", b"?", "x/y"),
    ],
)
def test_a_type_is_told_by_the_content_and_then_by_the_name(name, head, kind):
    assert kind_of(name, "x/y", head) == kind
