"""Lists as files: all that is filtered, and nothing that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from xml.etree import ElementTree

import pytest

from portal.web.export import safe


def rows(answer):
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))


def test_csv_has_all_that_is_filtered(bob, submit):
    for number in range(60):
        submit(f"On bees {number}")
    submit("On ants")
    answer = bob.get("/queue?q=bees&format=csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="queue.csv"'
    found = rows(answer)
    assert found[0][:4] == ["Process", "Flow", "Task", "Summary"]
    assert len(found) == 61
    assert found[1][3] == "Paper On bees 0"
    assert "format=csv" in bob.get("/queue").text


@pytest.mark.parametrize(
    "path",
    ["/queue", "/processes", "/workload", "/reports", "/reports/paper", "/admin/people", "/admin/people/bob",
     "/admin/audit", "/admin/tokens", "/admin/jobs", "/admin/incidents"],
)  # fmt: skip
def test_a_spreadsheet_knows_the_letters_of_every_file(client_of, submit, path):
    """Without the mark it takes what is UTF-8 for an old code page, and an Ü for two other letters."""
    submit("On Ü")
    answer = client_of("erin").get(f"{path}?format=csv")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert answer.text.count("\ufeff") == 1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_text_is_no_formula(text):
    assert safe(text) == f"'{text}"
    assert safe(f"x{text}") == f"x{text}"
    assert safe(-5) == -5


def test_a_formula_in_a_name_stays_a_text(client_of, people, submit):
    from portal.models import db

    people["alice"].full_name = "=cmd()"
    db.session.commit()
    submit()
    assert "'=cmd()" in rows(client_of("bob").get("/queue?format=csv"))[1]
    book = zipfile.ZipFile(io.BytesIO(client_of("bob").get("/queue?format=xlsx").data))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "'=cmd()" in sheet + (
        book.read("xl/sharedStrings.xml").decode() if "xl/sharedStrings.xml" in book.namelist() else ""
    )


@pytest.mark.parametrize(
    "address", ["/inbox", "/queue", "/archive", "/tasks", "/processes", "/processes?mine=1"]
)
@pytest.mark.parametrize("kind", ["csv", "xlsx", "xes", "pdf"])
def test_every_list_is_a_file(client_of, submit, take, address, kind):
    take(submit())
    answer = client_of("erin").get(f"{address}{'&' if '?' in address else '?'}format={kind}")
    assert answer.status_code == 200
    is_page = kind == "pdf" or (kind == "xes" and "processes" not in address)
    assert ("attachment" in answer.headers.get("Content-Disposition", "")) != is_page


def test_processes_are_an_event_log(client_of, submit, take):
    process_id = submit("Bees & <ants>")
    take(process_id)
    log = ElementTree.fromstring(client_of("erin").get("/processes?format=xes").data)
    name = "{http://www.xes-standard.org/}"
    (trace,) = log.findall(f"{name}trace")
    texts = [
        {part.get("key"): part.get("value") for part in each.findall(f"{name}string")}
        for each in trace.findall(f"{name}event")
    ]
    states = [(each["concept:name"], each["lifecycle:transition"]) for each in texts]
    assert states[-1] == ("review", "assign"), "as the standard lifecycle of XES calls it"
    assert texts[-1]["state"] == "ASSIGNED"
    assert all(each.find(f"{name}date") is not None for each in trace.findall(f"{name}event"))


def test_what_is_stuck_is_called_so_in_the_file_too(carol, submit, take):
    process_id = submit("Bees")
    carol.post(f"/tasks/{take(process_id)}/cancel")
    _head, line = carol.get("/processes?format=csv").text.splitlines()
    assert ",Needs attention," in line


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_program_for_process_mining_reads_the_event_log(client_of, submit, take, tmp_path):
    pm4py = pytest.importorskip("pm4py", reason="the extra mining is not installed")
    process_id = submit("Bees & <ants>")
    take(process_id)
    file = tmp_path / "log.xes"
    file.write_bytes(client_of("erin").get("/processes?format=xes").data)
    log = pm4py.read_xes(str(file))
    assert set(log["case:concept:name"]) == {str(process_id)}
    assert log["concept:name"].tolist()[-1] == "review"
    assert log["lifecycle:transition"].tolist()[-1] == "assign"
    assert log["org:resource"].tolist()[-1] == "bob"
