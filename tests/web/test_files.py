"""Uploads are there for the next person: under their names, as attachments, and for nobody else."""

import io
import re

import pytest
from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column
from wtforms import FileField, Form

from portal import flow, jsonstore, this, views
from portal.jsonstore import Binary
from portal.models import Process, db

PDF = b"%PDF-1.7 proof"


class Proof(jsonstore.Schema):
    what = jsonstore.StringField("What")
    page = jsonstore.BinaryField("Page")


class ScanProcess(Process):
    scan = jsonstore.BinaryField("Scan")
    must = jsonstore.BinaryField("Must", required=True)
    proofs = jsonstore.EmbeddedListField(Proof, "Proofs")
    secret = jsonstore.StringField("Secret")


class Photo(db.Model):
    __tablename__ = "file_photo"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    picture: Mapped[bytes | None] = mapped_column(LargeBinary)


class Folder(Process):
    __tablename__ = "file_folder"
    cover: Mapped[bytes | None] = mapped_column(LargeBinary)


class UploadForm(Form):
    scan = FileField("Scan")


class ScanFlow(flow.Flow):
    process_class = ScanProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["scan", "proofs"])).Next(this.look)
    bare = flow.Start(views.CreateProcessView.as_view(form_class=UploadForm)).Next(this.look)
    look = flow.View(views.UpdateProcessView.as_view(fields=["scan", "proofs"])).Next(this.need)
    need = flow.View(views.UpdateProcessView.as_view(fields=["must"])).Next(this.end)
    end = flow.End()


class PhotoFlow(flow.Flow):
    start = flow.Start(views.CreateArtifactView.as_view(model=Photo, fields=["picture"])).Next(this.look)
    look = flow.View(views.UpdateArtifactView.as_view(fields=["title", "picture"])).Next(this.end)
    end = flow.End()


class FolderFlow(flow.Flow):
    process_class = Folder
    start = flow.Start(views.CreateProcessView.as_view(fields=["cover"])).Next(this.look)
    look = flow.View(views.UpdateProcessView.as_view(fields=["cover"])).Next(this.end)
    end = flow.End()


@pytest.fixture
def erin(client_of, register):
    for each in (ScanFlow, PhotoFlow, FolderFlow):
        register(each)
    return client_of("erin")


def upload(name="Überweisung März.pdf", kind="application/pdf", content=PDF):
    return (io.BytesIO(content), name, kind)


def begin(client, address="/flows/scan/start/start", **data):
    assert client.post(address, data=data, content_type="multipart/form-data").status_code == 303
    return db.session.scalar(db.select(db.func.max(Process.id)))


def links(page):
    return re.findall(r'href="(/files/[^"]+)" download>([^<]*)<', page)


@pytest.mark.parametrize(
    ("address", "field", "link"),
    [
        ("/flows/scan/start/start", "scan", "scan"),
        ("/flows/scan/start/bare", "scan", "scan"),
        ("/flows/scan/start/start", "proofs-0-page", "proofs.0.page"),
        ("/flows/photo/start/start", "picture", "artifact.picture"),
        ("/flows/folder/start/start", "cover", "cover"),
    ],
)
def test_a_file_is_on_every_page_and_opens_under_its_name(erin, take, address, field, link):
    process = begin(erin, address, **{field: upload()})
    task = take(process, "erin", "look")
    here = (f"/files/{process}-{link}", "Überweisung März.pdf")
    for page in (f"/processes/{process}", f"/tasks/{task}", f"/tasks/{task}/execute"):
        assert here in links(erin.get(page).text), page
    if link != "scan" or address.endswith("start"):
        assert links(erin.get(f"/tasks/{task}/execute").text).count(here) == 2, "beside its input as well"
    answer = erin.get(here[0])
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "filename*=UTF-8''%C3%9Cberweisung%20M%C3%A4rz.pdf" in disposition
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_who_may_not_see_the_process_may_not_open_its_files(erin, client_of):
    process = begin(erin, scan=upload())
    address = f"/files/{process}-scan"
    assert client_of("dave").get(address).status_code == 403
    assert client_of("dave").get(f"/files/{process}-nothing").status_code == 403
    nobody = erin.application.test_client().get(address)
    assert (nobody.status_code, nobody.location.startswith("/login")) == (303, True)


@pytest.mark.parametrize(
    "name",
    ["x", "1", "1-", "-scan", "99999-scan", "99999999999999999999-scan", "{}-", "{}-secret", "{}-data", "{}-scan.x",
     "{}-proofs", "{}-proofs.9.page", "{}-proofs.-1.page", "{}-proofs.0.what", "{}-proofs.٣.page", "{}-artifact",
     "{}-artifact.picture", "{}-__class__", "{}-created_by.password_hash", "{}-scan%00", "{}-must", "{}-..", "0-scan"],
)  # fmt: skip
def test_what_is_no_file_is_not_there(erin, name):
    process = begin(erin, scan=upload(), **{"proofs-0-what": "x"})
    assert erin.get(f"/files/{name.format(process)}").status_code == 404


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Users\\me\\plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ('a"b;c\r\nX-Evil: 1.pdf', 'a"b;cX-Evil: 1.pdf'),
        ("x" * 300 + ".pdf", "x" * 120 + ".pdf"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ("<b>.html", "<b>.html"),
    ],
)
def test_names_are_made_harmless(erin, given, kept):
    process = begin(erin)
    stored = db.session.get(ScanProcess, process)
    stored.scan = Binary(PDF, given, "text/html\r\nX: y")
    db.session.commit()
    answer = erin.get(f"/files/{process}-scan")
    assert (answer.status_code, answer.mimetype) == (200, "application/octet-stream")
    assert "X-Evil" not in answer.headers
    page = erin.get(f"/processes/{process}").text
    assert [name for _, name in links(page)] == [
        kept.replace('"', "&#34;").replace("<", "&lt;").replace(">", "&gt;")
    ]


def test_bytes_without_a_name_can_be_opened_too(erin):
    process = begin(erin)
    db.session.get(ScanProcess, process).scan = PDF
    db.session.commit()
    assert db.session.get(ScanProcess, process).data["scan"] == "JVBERi0xLjcgcHJvb2Y="
    answer = erin.get(f"/files/{process}-scan")
    assert (answer.data, answer.headers["Content-Disposition"]) == (PDF, "attachment; filename=scan")


def test_a_kept_file_stays_is_replaced_or_is_removed(erin, take):
    process = begin(erin, scan=upload())
    for data, name in (({}, "Überweisung März.pdf"), ({"scan": upload("new.png", "image/png")}, "new.png")):
        task = take(process, "erin", "look")
        assert erin.post(f"/tasks/{task}/execute", data=data).status_code == 303
        db.session.expire_all()
        assert db.session.get(ScanProcess, process).scan.name == name
        assert erin.post(f"/tasks/{take(process, 'erin', 'need')}/cancel").status_code == 303
        assert erin.post(f"/tasks/{task}/undo").status_code == 303
        assert erin.post(f"/tasks/{task}/revive").status_code == 303
    task = take(process, "erin", "look")
    assert "Remove it" in erin.get(f"/tasks/{task}/execute").text
    assert erin.post(f"/tasks/{task}/execute", data={"scan-remove": "1"}).status_code == 303
    db.session.expire_all()
    assert db.session.get(ScanProcess, process).scan is None


def test_a_required_file_is_not_removed(erin, take):
    process = begin(erin, scan=upload())
    erin.post(f"/tasks/{take(process, 'erin', 'look')}/execute")
    task = take(process, "erin", "need")
    db.session.get(ScanProcess, process).must = PDF
    db.session.commit()
    assert "Remove it" not in erin.get(f"/tasks/{task}/execute").text
    assert erin.post(f"/tasks/{task}/execute", data={"must-remove": "1"}).status_code == 303
    db.session.expire_all()
    assert db.session.get(ScanProcess, process).must == PDF


def test_a_column_that_a_program_rewrites_loses_the_name_of_what_was_there(erin):
    process = begin(erin, "/flows/photo/start/start", picture=upload())
    db.session.get(Process, process).artifact.picture = b"other"
    db.session.commit()
    answer = erin.get(f"/files/{process}-artifact.picture")
    assert (answer.data, answer.headers["Content-Disposition"]) == (b"other", "attachment; filename=picture")


def test_a_file_that_somebody_else_has_replaced_stays(erin, take):
    process = begin(erin, "/flows/photo/start/start", picture=upload())
    task = take(process, "erin", "look")
    seen = re.search(r'name="_seen" value="([^"]+)"', erin.get(f"/tasks/{task}/execute").text)[1]
    db.session.get(Process, process).artifact.picture = b"theirs"
    db.session.commit()
    data = {"_seen": seen, "title": "Mine", "picture": upload()}
    answer = erin.post(f"/tasks/{task}/execute", data=data)
    assert (answer.status_code, 'class="theirs"' in answer.text) == (422, True)
    assert erin.post(f"/tasks/{task}/execute", data={"_seen": seen, "title": "Mine"}).status_code == 303
    db.session.expire_all()
    artifact = db.session.get(Process, process).artifact
    assert (artifact.title, artifact.picture) == ("Mine", b"theirs")


def test_a_file_keeps_its_name_through_the_driver(flow_tester):
    run = flow_tester(ScanFlow).start("start", scan=Binary(PDF, "a b;c,d.pdf", "application/pdf"))
    scan = run.process.scan
    assert (scan, scan.name, scan.type) == (PDF, "a b;c,d.pdf", "application/pdf")
    assert db.session.scalar(db.select(ScanProcess.id).where(ScanProcess.scan == scan)) == run.process.id
