"""A field that only some may see: not on pages, not by a search, for nobody else."""

from decimal import Decimal

import pytest
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, this, views
from portal.engine.visibility import hidden_fields
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


@pytest.mark.parametrize("word", ["98765", "senior", "secretly", "ambition"])
def test_a_search_tells_nobody_of_it(people_of_rises, word):
    for client in people_of_rises.values():
        assert "Zoe" in client.get("/processes?q=Zoe").text
        assert 'href="/processes/' not in client.get(f"/processes?q={word}").text.partition("<main")[2]


def test_the_system_sees_everything(people_of_rises):
    process = db.session.scalars(db.select(RiseProcess)).unique().first()
    assert hidden_fields(None, process) == set()
    assert process.salary == Decimal(98765)
