"""Lists narrowed to a version of a flow: the declaration with which processes were started; on each database."""

from __future__ import annotations

import types

import on_each_database
import pytest

from portal import flow, queries, this
from portal.engine.reports import counting
from portal.engine.versions import renaming
from portal.models import Process, SavedView, Task, db
from portal.queries import Filters, version_counts

database_url = on_each_database.database_url


def declared(name, **nodes):
    body = {"start": flow.StartHandle().Next(this.read), "end": flow.End(), **nodes}
    return types.new_class(name, (flow.Flow,), exec_body=lambda namespace: namespace.update(body))


def reading(then="end"):
    return flow.ManualTask().Permission("paper.can_review").Next(getattr(this, then))


@pytest.fixture
def versions(app, register, people):
    """Two papers of the first version, one of the second, two of today's, and one of another flow that is declared
    as the papers were first."""
    flows = app.extensions["portal_flows"]
    found = {}
    made = {
        "first": declared("PaperFlow", read=reading()),
        "second": declared("PaperFlow", read=reading("more"), more=reading()),
        "now": declared("PaperFlow", read=reading("then"), then=reading()),
    }
    other = register(declared("OtherFlow", read=reading()))
    found["other"] = (other.definition.fingerprint, [other.start.run().id])
    for name, number in (("first", 2), ("second", 1), ("now", 2)):
        flows["paper"] = made[name]
        found[name] = (made[name].definition.fingerprint, [made[name].start.run().id for _ in range(number)])
    return {name: (fingerprint, ids[::-1]) for name, (fingerprint, ids) in found.items()}


def ids(client, query):
    text = client.get(f"/processes?{query}&format=csv").text
    return [int(line.split(",")[0].strip('"')) for line in text.lstrip("\ufeff").splitlines()[1:]]


def test_processes_are_found_by_the_version_that_started_them(versions, carol, people):
    first, second, now = (versions[name] for name in ("first", "second", "now"))
    assert versions["other"][0] == first[0]
    for fingerprint, expected in (first, second, now):
        assert ids(carol, f"flow=paper&version={fingerprint}") == expected
        assert ids(carol, f"flow=paper&version={fingerprint[:8].upper()}") == expected
    assert ids(carol, "flow=paper&version=old") == [*second[1], *first[1]]
    assert ids(carol, "flow=other&version=old") == []
    assert (
        ids(carol, "flow=paper&version=0000000000000000") == ids(carol, "flow=paper&version=00000000") == []
    )
    found = queries.read(db.session(), people["erin"], "tasks", Filters(flow="paper", version="old"))
    assert {row.process.id for row in found} == {*first[1], *second[1]}


def test_what_has_no_known_version_is_old(versions, carol):
    latest = versions["now"][1][0]
    db.session.execute(db.update(Task).where(Task.process_id == latest).values(fingerprint=None))
    db.session.commit()
    assert latest in ids(carol, "flow=paper&version=old")
    assert ids(carol, f"flow=paper&version={versions['now'][0]}") == versions["now"][1][1:]


@pytest.mark.parametrize("workers", [False, True])
def test_a_renamed_flow_takes_its_versions_along(versions, app, carol, workers):
    """Papers are called others now, which are declared as papers were first."""
    if workers:
        counting.count_all(db.session())
    del app.extensions["portal_flows"]["paper"]
    renaming.rename(db.session(), "paper", "other")
    second, now = versions["second"][1], versions["now"][1]
    assert ids(carol, "flow=other&version=old") == sorted([*second, *now], reverse=True)
    counted, _ = version_counts.versions(db.session(), "other")
    assert {each.fingerprint: each.started for each in counted} == {
        versions["first"][0]: 3, versions["second"][0]: 1, versions["now"][0]: 2
    }  # fmt: skip
    assert version_counts.versions(db.session(), "paper")[0] == []


def test_what_is_no_version_is_told(versions, carol):
    every = sorted((each for name in ("first", "second", "now") for each in versions[name][1]), reverse=True)
    page = carol.get("/processes?flow=paper&version=x%27y").text
    assert "is no version: a fingerprint, its beginning, or old" in page
    assert ids(carol, "flow=paper&version=new") == every
    assert "Choose a flow to filter by its versions" in carol.get("/processes?version=old").text


def test_chips_and_the_flows_page_lead_there(versions, carol, people):
    first, now = versions["first"], versions["now"]
    page = carol.get("/processes?flow=paper").text
    assert f'href="/processes?flow=paper&amp;version={now[0]}"' in page
    assert 'href="/processes?flow=paper&amp;version=old"' in page
    page = carol.get(f"/processes?flow=paper&version={first[0]}&state=open").text
    assert f"Version {first[0][:8]}" in page
    assert "Not finished" in page
    assert 'href="/processes?flow=paper&amp;state=open"' in page, "without the version"
    assert 'href="/processes?state=open"' in page, "a version goes with its flow"
    page = carol.get("/flows/paper").text
    assert f'<a href="/processes?flow=paper&amp;version={first[0]}&amp;state=open">2</a>' in page


def test_the_state_open_is_all_that_is_not_finished(versions, carol):
    one, other = versions["first"][1]
    carol.post(f"/processes/{one}/suspend", data={})
    assert ids(carol, "flow=paper&version=old&state=open") == [*versions["second"][1], one, other]
    carol.post(f"/processes/{one}/cancel", data={})
    carol.post(f"/processes/{one}/resume", data={})
    carol.post(f"/processes/{one}/cancel", data={})
    assert ids(carol, f"flow=paper&version={versions['first'][0]}&state=open") == [other]


def test_a_view_keeps_a_version_and_an_action_on_all_heeds_it(versions, carol):
    answer = carol.post(
        "/views", data={"page": "processes", "name": "Old", "query": "flow=paper&version=old"}
    )
    view = db.session.scalars(db.select(SavedView)).one()
    old = [*versions["second"][1], *versions["first"][1]]
    assert ids(carol, f"view={view.id}") == old
    assert answer.location.endswith(f"view={view.id}")
    carol.post(f"/processes/cancel?view={view.id}", data={"all": "1", "reason": "Too old"})
    db.session.expire_all()
    query = db.select(Process.id).where(Process.status == "CANCELED").order_by(Process.id.desc())
    assert list(db.session.scalars(query)) == old
    kept = Filters.of_document(Filters(flow="paper", version="old").document())
    assert (kept.flow, kept.version) == ("paper", "old")


@pytest.mark.parametrize(("version", "more"), [("", 0), ("whole", 0), ("beginning", 1), ("old", 2)])
def test_few_statements_more_find_which_versions_there_are(versions, carol, count, version, more):
    fingerprint = versions["first"][0]
    version = {"whole": fingerprint, "beginning": fingerprint[:8]}.get(version, version)
    address = f"/processes?flow=paper&version={version}"
    carol.get(address)
    db.session.remove()
    with count() as sent:
        assert carol.get(address).status_code == 200
    assert len(sent) == 5 + more, str(sent)


def test_versions_are_told_alike_before_workers_count_and_behind_them(versions, carol):
    one, other = versions["first"][1]
    carol.post(f"/processes/{one}/cancel", data={})
    before, left_out_after = version_counts.versions(db.session(), "paper")
    assert left_out_after is None
    told = {each.fingerprint: (each.started, each.open) for each in before}
    first, second, now = (versions[name][0] for name in ("first", "second", "now"))
    assert told == {first: (2, 1), second: (1, 1), now: (2, 2)}
    assert counting.count_all(db.session()) > 0
    assert version_counts.versions(db.session(), "paper") == (before, None)
    for name in ("cancel", "undo"):
        carol.post(f"/processes/{other}/{name}", data={})
        in_part = version_counts.versions(db.session(), "paper")
        counting.count_all(db.session())
        assert version_counts.versions(db.session(), "paper") == in_part


def test_where_workers_are_behind_it_is_said_and_every_process_is_asked(versions, carol, monkeypatch):
    monkeypatch.setattr(version_counts, "UNCOUNTED", 3)
    version_counts._counted_and_not.cache_clear()
    try:
        assert version_counts.versions(db.session(), "paper")[1] is not None
        assert "Counted up to" in carol.get("/flows/paper").text
        assert ids(carol, "flow=paper&version=old") == [*versions["second"][1], *versions["first"][1]]
    finally:
        version_counts._counted_and_not.cache_clear()
