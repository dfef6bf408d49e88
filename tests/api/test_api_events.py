"""The history as it goes on: nothing is lost between two reads, and nothing is told to who may not see it."""

import re
import threading
from xml.etree import ElementTree

import pytest

from portal.api.events import Place, read
from portal.engine import actions
from portal.models import Task, User, db


def walk(program, path="/events?limit=3"):
    found, after = [], ""
    while True:
        page = program.get(f"{path}&after={after}").json
        if not page["items"]:
            return found, page["next"]
        found += page["items"]
        after = page["next"]


def test_pages_go_on_where_one_has_stopped(program, started):
    first = started("one")
    alice = program("alice")
    found, after = walk(alice)
    assert {event["process"] for event in found} == {first}
    assert [event["id"] for event in found] == sorted({event["id"] for event in found})
    second = started("two")
    more = alice.get(f"/events?after={after}").json["items"]
    assert {event["process"] for event in more} == {second}


def test_one_sees_the_events_of_the_processes_that_one_sees(program, started):
    started()
    assert walk(program("dave"))[0] == []
    assert walk(program("carol"))[0] != []


def test_a_stream_sends_what_has_happened(program, started):
    started()
    alice = program("alice")
    answer = alice.get("/events", Accept="text/event-stream")
    assert answer.mimetype == "text/event-stream"
    lines = answer.text.splitlines()
    assert lines[0].startswith("retry: ")
    count = len([line for line in lines if line.startswith("data: ")])
    assert count == len(walk(alice)[0])
    last = next(line for line in reversed(lines) if line.startswith("id: ")).removeprefix("id: ")
    again = alice.get("/events", Accept="text/event-stream", Last_Event_ID=last)
    assert "data: " not in again.text


@pytest.mark.parametrize("after", ["x", "W10", "WzEsIDJd", "a" * 2000, "W251bGwsIFtdXQ", "Wy0xLFtdXQ"])
def test_a_place_that_nobody_made_is_refused(program, after):
    assert program("alice").get(f"/events?after={after}").status_code == 422


def test_a_log_for_process_mining_is_read_on_where_it_has_stopped(program, started):
    """Together the reads have each event once, whatever their size, also what comes between them."""
    started("one"), started("two")
    alice = program("alice")

    def follow(address):
        answer = alice.get(address)
        assert answer.status_code == 200, answer.text
        return answer, re.fullmatch('<(?:/api/v1)(.*)>; rel="next"', answer.headers["Link"])[1]

    events, objects, address = [], {}, "/events/ocel?flow=order&limit=4"
    for _ in range(6):
        answer, address = follow(address)
        log = answer.json
        names = {kind["name"] for kind in log["eventTypes"]}, {kind["name"] for kind in log["objectTypes"]}
        assert {event["type"] for event in log["events"]} == names[0]
        assert {each["type"] for each in log["objects"]} == names[1]
        here = {each["id"] for each in log["objects"]}
        assert {to["objectId"] for event in log["events"] for to in event["relationships"]} <= here
        events += log["events"]
        objects |= {each["id"]: each for each in log["objects"]}
        if not log["events"] and len({each["id"] for each in events}) < 12:
            started("three")
    whole, _ = walk(alice, "/events?limit=200")
    assert [event["id"] for event in events] == [str(event["id"]) for event in whole]
    assert {"order.new", "order.start.done", "order.approve.new"} <= {event["type"] for event in events}
    assert objects["process:1"]["type"] == "order"
    assert objects["task:2"]["relationships"] == [{"objectId": "process:1", "qualifier": "of"}]
    answer, address = follow("/events/xes")
    log = ElementTree.fromstring(answer.data)
    name = "{http://www.xes-standard.org/}"
    assert len(log.findall(f"{name}trace")) == 3
    assert len(log.findall(f"{name}trace/{name}event")) == len(whole)
    again, _ = follow(address)
    assert ElementTree.fromstring(again.data).findall(f"{name}trace") == []
    assert program("dave").get("/events/ocel").json["events"] == []


def test_an_action_that_is_committed_later_is_not_lost(app, people, program, started, open_task):
    """Two actions at one moment: the one whose rows have the smaller numbers is committed last."""
    slow, fast = open_task(started("slow")), open_task(started("fast"))
    carol = people["carol"].id
    db.session.rollback()
    place = Place()
    while True:
        found, place = read(db.session.get_one(User, carol), place, "", 200)
        if not found:
            break
    wrote, go_on = threading.Event(), threading.Event()

    def act():
        with app.app_context(), actions.activation(db.session(), slow, carol) as activation:
            activation.cancel()
            db.session.flush()
            wrote.set()
            go_on.wait(300)

    thread = threading.Thread(target=act)
    thread.start()
    assert wrote.wait(300)
    sqlite = db.session().get_bind().dialect.name == "sqlite"
    if sqlite:  # one action writes at a time
        go_on.set()
        thread.join()
    db.session.rollback()
    with actions.activation(db.session(), fast, carol) as activation:
        activation.cancel()
    seen = set()
    for _ in range(3):
        db.session.rollback()
        found, place = read(db.session.get_one(User, carol), Place.of(str(place)), "", 200)
        seen |= {event.task_id for event in found}
        if not sqlite:
            go_on.set()
            thread.join()
    assert {slow, fast} <= seen
    assert db.session.get_one(Task, slow).status == "CANCELED"
