"""What a search finds: numbers first, then all of its words in what people see, in any letters' case."""

from __future__ import annotations

import re

import on_each_database
import pytest
from sqlalchemy.orm import Mapped, mapped_column, object_session

from portal import flow, jsonstore, this
from portal.engine import actions
from portal.models import BigId, Process, db


class Ship(db.Model):
    __tablename__ = "ship_of_searches"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str]
    length: Mapped[int] = mapped_column(default=8642)

    def __str__(self):
        return f"MS {self.name}"


class CargoProcess(Process):
    country = jsonstore.StringField("Country")
    kind = jsonstore.ChoiceField("Kind", choices=[("n", "Normal"), ("x", "Express delivery")])
    tons = jsonstore.IntegerField("Tons")
    more = jsonstore.JSONField("More")
    scan = jsonstore.BinaryField("Scan")
    tug = jsonstore.ReferenceField(Ship, "Tug")
    escort = jsonstore.ReferenceListField(Ship, "Escort")


class CargoFlow(flow.Flow):
    """Freight"""

    process_class = CargoProcess
    process_summary_template = "Delivery to {{ process.country }}"
    start = flow.StartHandle(this.take).Next(this.work)
    work = flow.ManualTask().Annotation(title="Weigh it").Assign(username="bob").Next(this.end)
    end = flow.End()

    def take(self, activation, ship=None, **values):
        for name, value in values.items():
            setattr(activation.process, name, value)
        if ship:
            activation.process.artifact = Ship(name=ship)
        return activation.process


class OtherFlow(flow.Flow):
    """Other"""

    process_class = CargoProcess
    start = flow.StartHandle().Next(this.wait)
    wait = flow.ManualTask().Next(this.end)
    end = flow.End()


database_url = on_each_database.database_url


@pytest.fixture
def cargo(register, people):
    register(CargoFlow)
    register(OtherFlow)
    other = OtherFlow.start.run().id
    values = {
        "country": "Österreich",
        "kind": "x",
        "tons": 4711,
        "scan": b"\x00express\xff" * 9,
        "ship": "Grüne Möwe",
    }
    values["more"] = {"weather": ["Sturm", {"depth": 12.5}]}
    return CargoFlow.start.run(_user=people["alice"], **values).id, other


def found(client, address, words):
    page = client.get(address, query_string={"q": words})
    assert page.status_code == 200
    return [int(number) for number in re.findall(r'href="/processes/(\d+)" data-open', page.text)]


SEEN = (
    "österreich", "ÖSTERREICH", "4711", "express DELIVERY", "sturm", "12.5", "möwe GRÜNE", "delivery", "weigh",
    "alice author", "Author alice", "bob", "freight", "8642", "Österreich bob sturm", "#{}", "{}",
)  # fmt: skip
#: names of fields, other choices, bytes, and parts of patterns
NOT_SEEN = (
    "country", "weather", "depth", "tons", "Österreich nowhere", "normal", "%", "_", "\\", '"', "AGV4", "{", "null",
)  # fmt: skip


def test_what_people_see_is_found_and_nothing_else(client_of, cargo):
    erin = client_of("erin")
    for words in SEEN:
        assert found(erin, "/processes", words.format(cargo[0])) == [cargo[0]], words
    for words in NOT_SEEN:
        assert found(erin, "/processes", words) == [], words


def test_a_task_is_found_by_its_step_and_by_its_process(bob, cargo):
    for words in ("weigh", "Österreich", "möwe", f"#{cargo[0]}"):
        assert "Weigh it" in bob.get("/inbox", query_string={"q": words}).text
    assert "Weigh it" not in bob.get("/inbox", query_string={"q": "country"}).text


def test_the_process_of_that_number_comes_first_and_pages_go_on_behind_it(client_of, cargo):
    for number in range(60):
        OtherFlow.start.run()
        CargoFlow.start.run(country=f"+41 {cargo[0]}{number:02}")
    erin, seen, after = client_of("erin"), [], ""
    while True:
        page = erin.get("/processes", query_string={"q": str(cargo[0]), "after": after}).text
        seen += [int(number) for number in re.findall(r'href="/processes/(\d+)" data-open', page)]
        onward = re.search(r'after=([\w-]+)" rel="next"', page)
        if not onward:
            break
        after = onward[1]
    assert seen[0] == cargo[0]
    assert len(seen) == len(set(seen)) >= 61
    assert seen[1:] == sorted(seen[1:], reverse=True)


def test_a_search_for_many_words_costs_no_more_than_one_for_some(client_of, cargo, count):
    """Each word is looked for in many places: fifty would keep the database for minutes."""
    erin = client_of("erin")
    with count() as some:
        assert found(
            erin, "/processes", "sturm Sturm STURM " + " ".join("österreich"[:n] for n in range(1, 10))
        )
    with count() as many:
        found(erin, "/processes", " ".join(f"{number}a" for number in range(30)))
    assert max(map(len, many)) < 1.5 * max(map(len, some))


def test_what_a_row_is_called_may_have_the_session_write(cargo, client_of, monkeypatch):
    ship = Ship(name="Hercules", length=1)
    db.session.add(ship)
    db.session.commit()
    monkeypatch.setattr(Ship, "__str__", lambda self: object_session(self).flush() or self.name)
    before = db.session.scalar(db.select(db.func.count(Process.id)))
    cargo_id = CargoFlow.start.run(country="Peru", tug=ship).id
    assert db.session.scalar(db.select(db.func.count(Process.id))) == before + 1
    assert found(client_of("erin"), "/processes", "hercules") == [cargo_id]


def test_rows_that_fields_point_at_are_found_by_what_they_are_called(cargo, client_of):
    erin = client_of("erin")
    ships = [Ship(name=name, length=1) for name in ("Hercules", "Atlas", "Ajax")]
    db.session.add_all(ships)
    db.session.commit()
    cargo_id = CargoFlow.start.run(country="Peru", tug=ships[0], escort=ships[1:]).id

    atlas = ships[1].id
    for words in ("hercules", "MS atlas ajax", "ms peru"):
        assert found(erin, "/processes", words) == [cargo_id], words
    assert found(erin, "/processes", "tug") == []
    with actions.changing_data(db.session(), cargo_id) as process:
        process.tug = db.session.get(Ship, atlas)
    assert found(erin, "/processes", "hercules") == []
    assert found(erin, "/processes", "atlas") == [cargo_id]
