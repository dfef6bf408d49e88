"""Lists for programs: pages, filters, and who sees what."""

import pytest


@pytest.fixture
def orders(started, open_task, program):
    found = [started(f"order w{number}", count=number + 1, urgent=number == 2) for number in range(5)]
    program("bob").post(f"/tasks/{open_task(found[0])}/assign")
    return found


def ids(answer, name="id"):
    assert answer.status_code == 200, answer.text
    return [each[name] for each in answer.json["items"]]


def test_pages_are_read_to_the_end(program, orders):
    carol = program("carol")
    for path in ("/tasks", "/processes", f"/processes/{orders[0]}/tasks", f"/processes/{orders[0]}/events"):
        whole = ids(carol.get(f"{path}?limit=200"))
        found, after = [], ""
        while after is not None:
            page = carol.get(f"{path}?limit=2&after={after}")
            found += ids(page)
            after = page.json["next"]
        assert found == whole
        assert len(set(found)) == len(found)


def test_the_lists_are_those_of_the_pages(program, orders):
    bob, carol, dave = program("bob"), program("carol"), program("dave")
    assert ids(bob.get("/tasks?list=inbox"), "process") == [orders[0]]
    assert set(ids(bob.get("/tasks?list=queue"), "process")) == set(orders[1:])
    assert set(ids(carol.get("/tasks"), "process")) == set(orders)
    assert ids(dave.get("/tasks")) == ids(dave.get("/processes")) == []
    assert ids(program("alice").get("/processes?mine=1")) == orders[::-1]


def test_filters_are_those_of_the_pages(program, orders):
    carol = program("carol")
    assert ids(carol.get("/processes?flow=order&data.count.gt=3")) == [orders[4], orders[3]]
    assert ids(carol.get("/tasks?flow=order&data.urgent=true"), "process") == [orders[2]]
    assert ids(carol.get("/processes?q=order w3")) == [orders[3]]
    assert ids(carol.get("/tasks?person=bob"), "process") == [orders[0]]
    assert ids(carol.get("/processes?state=attention")) == []
    assert ids(carol.get("/processes?state=done")) == []


def test_a_report_counts_what_was_started_and_what_is_open(program, orders):
    report = program("carol").get("/reports/order").json
    assert (report["started"], report["finished"], report["states"]) == (5, 0, {"NEW": 5})
    assert [(step["node"], step["open"]) for step in report["steps"]] == [("approve", 5)]
    assert program("carol").get("/reports/order?since=2000-01-01&until=2000-01-02").json["started"] == 0


def test_people_and_roles_are_for_superusers(program, orders):
    erin = program("erin")
    assert ids(erin.get("/people"), "username") == ["alice", "bob", "carol", "dave", "erin"]
    assert ids(erin.get("/people?q=ALI"), "username") == ["alice"]
    assert erin.get("/roles").json == {"items": [], "next": None}


def test_processes_are_found_by_version(program, orders):
    from portal.flow.registry import registry

    carol, now = program("carol"), registry["order"].definition.fingerprint
    assert ids(carol.get(f"/processes?flow=order&version={now}")) == orders[::-1]
    assert ids(carol.get(f"/processes?flow=order&version={now[:6]}&state=open")) == orders[::-1]
    assert ids(carol.get("/processes?flow=order&version=old")) == []
    for query in ("flow=order&version=new", "version=old"):
        answer = carol.get(f"/processes?{query}")
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["version"])
