"""A field that only some may see: not on pages, not by a search, for nobody else."""

import io
import zipfile
from decimal import Decimal

import pytest
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, this, views
from portal.engine.visibility import hidden_fields
from portal.flow import registry
from portal.models import Process, db


class PayRise(db.Model):
    __tablename__ = "visible_rise"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    why: Mapped[str] = mapped_column(info={"visible_to": ["rise.hr", "rise.boss"]})


class RiseProcess(Process):
    person = jsonstore.StringField("Person")
    salary = jsonstore.DecimalField("Salary", visible_to="rise.hr")
    grade = jsonstore.ChoiceField("Grade", choices=[("s", "Senior expert")], visible_to="rise.hr")
    note = jsonstore.StringField("Note", visible_to=lambda user, process: user.username == "carl")


class RiseFlow(flow.Flow):
    process_class = RiseProcess
    process_summary_template = "{{ process.person }}"
    start = flow.Start(views.CreateProcessView.as_view(fields=["person", "salary", "grade", "note"])).Next(
        this.look
    )
    other = flow.Start(views.CreateArtifactView.as_view(PayRise, ["title", "why"])).Next(this.look)
    look = flow.ManualTask().Permission("rise.hr").Next(this.last)
    last = flow.ManualTask().Permission("rise.boss").Next(this.end)
    end = flow.End()


@pytest.fixture
def people_of_rises(client_of, register, make_user):
    register(RiseFlow)
    make_user("flora", "rise.view", password="correct horse")
    make_user("hank", "rise.view", "rise.hr", password="correct horse")
    make_user("carl", "rise.view", password="correct horse")
    erin = client_of("erin")
    data = {"person": "Zoe", "salary": "98765", "grade": "s", "note": "secretly"}
    assert erin.post("/flows/rise/start/start", data=data).status_code == 303
    assert erin.post("/flows/rise/start/other", data={"title": "T", "why": "ambition"}).status_code == 303
    return {name: client_of(name) for name in ("flora", "hank", "carl", "erin")}


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("flora", set()),
        ("hank", {"98765", "Senior expert", "ambition"}),
        ("carl", {"secretly"}),
        ("erin", {"98765", "Senior expert", "secretly", "ambition"}),
    ],
)
def test_pages_show_what_one_may_see(people_of_rises, who, sees):
    first, second = db.session.scalars(db.select(Process.id).order_by(Process.id)).all()
    pages = "".join(people_of_rises[who].get(f"/processes/{each}").text for each in (first, second))
    assert "Zoe" in pages
    assert {word for word in ("98765", "Senior expert", "secretly", "ambition") if word in pages} == sees


def test_lists_files_and_the_levers_of_managers_tell_nobody_else(people_of_rises, client_of, make_user):
    make_user("mona", "rise.manage", password="correct horse")
    first = db.session.scalar(db.select(db.func.min(Process.id)))
    addresses = [
        *(f"/processes?flow=rise&format={kind}" for kind in ("csv", "xlsx", "xes")),
        *(f"/{page}?flow=rise&data.salary.gt=1&sort=data.salary" for page in ("processes", "tasks", "queue")),
        *("/processes?flow=rise&data.salary.gt=99999", "/reports/rise", "/reports/rise?format=csv"),
        f"/processes/{first}/data",
    ]
    for client in (people_of_rises["flora"], client_of("mona")):
        for address in addresses:
            answer = client.get(address)
            content = answer.data if "xlsx" not in address else _unpacked(answer.data)
            for word in (b"98765", b"98,765", b"Senior expert", b"secretly", b"ambition"):
                assert word not in content, (address, word)
    assert "Zoe" in people_of_rises["flora"].get(addresses[6]).text  # a filter that would tell is left out
    page = client_of("mona").get(addresses[-1]).text
    assert "Zoe" in page
    assert 'name="salary"' not in page
    reason = {"person": "Zoe", "salary": "1", "reason": "a try"}
    client_of("mona").post(addresses[-1], data=reason)
    db.session.expire_all()
    assert db.session.get(Process, first).salary == Decimal(98765)


def _unpacked(content):
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return b"".join(book.read(name) for name in book.namelist())


@pytest.mark.parametrize("word", ["98765", "senior", "secretly", "ambition"])
def test_a_search_tells_nobody_of_it(people_of_rises, word):
    for client in people_of_rises.values():
        assert "Zoe" in client.get("/processes?q=Zoe").text
        assert 'href="/processes/' not in client.get(f"/processes?q={word}").text.partition("<main")[2]


def test_the_system_sees_everything(people_of_rises):
    process = db.session.scalars(db.select(RiseProcess)).unique().first()
    assert hidden_fields(None, process) == set()
    assert process.salary == Decimal(98765)


@pytest.mark.parametrize(("who", "sees"), [("flora", False), ("hank", True), ("erin", True)])
def test_the_history_of_its_values_is_for_who_may_see_it(people_of_rises, who, sees):
    process_id = db.session.scalar(db.select(db.func.min(Process.id)))
    for tab in ("story", "events", "changes"):
        page = people_of_rises[who].get(f"/processes/{process_id}?tab={tab}").text
        assert ("98765" in page) is sees
        assert ("Salary" in page) is sees
    assert "Zoe" in page


class WageProcess(Process):
    wage = jsonstore.DecimalField("Wage", visible_to=("wage.payroll", "wage.boss"))


class WageNote(db.Model):
    __tablename__ = "visible_wage_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    why: Mapped[str] = mapped_column(info={"label": "Reason", "visible_to": "wage.reasons"})


class WageFlow(flow.Flow):
    """Wage"""

    process_class = WageProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["wage"])).Next(this.end)
    other = flow.Start(views.CreateArtifactView.as_view(WageNote, ["why"])).Next(this.end)
    end = flow.End()


def test_a_permission_that_only_a_field_names_can_be_given(register, make_user):
    register(WageFlow)
    known = registry.permissions()
    assert known["wage.payroll"] == known["wage.boss"] == "Wage: see “Wage”"
    assert known["wage.reasons"] == "Wage: see “Reason”"
    process = WageProcess(flow_label="wage", wage=Decimal(1))
    assert hidden_fields(make_user("paul", "wage.payroll"), process) == set()
    assert hidden_fields(make_user("flora"), process) == {"wage"}
