"""People and roles, as administrators see and change them."""

from __future__ import annotations

import io
import re

import pytest

from portal.models import AuditRow, Event, Process, Role, Task, User, db, find_user


@pytest.fixture
def erin(client_of):
    return client_of("erin")


@pytest.fixture
def ada(people, make_user, client_of):
    """She administers, and is no superuser."""
    make_user("ada", "admin", password="correct horse", full_name="Ada Admin")
    return client_of("ada")


def person(name):
    db.session.expire_all()
    return find_user(db.session(), name)


def audited(*actions):
    db.session.expire_all()
    query = db.select(AuditRow).order_by(AuditRow.id)
    return [row for row in db.session.scalars(query) if row.action in actions]


PAGES = (
    "/admin/", "/admin/people", "/admin/people?format=csv", "/admin/people/bob", "/admin/people/bob?format=csv",
    "/admin/people/bob?permission=paper.can_start", "/admin/people/bob/edit", "/admin/people/bob/deactivate",
    "/admin/people/bob/erase", "/admin/add-person", "/admin/import-people", "/admin/roles", "/admin/add-role",
    "/admin/matrix", "/admin/audit", "/admin/audit?format=csv", "/admin/retention",
)  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_who_holds_the_permission_sees_every_page(ada, address):
    assert ada.get(address).status_code == 200


def test_the_side_bar_leads_there_only_who_may(ada, carol):
    assert 'href="/admin/people"' in ada.get("/inbox").text
    assert 'href="/admin/people"' not in carol.get("/inbox").text


def test_people_are_found_filtered_and_sorted(erin, make_user):
    make_user("zoe", full_name="Åsa Öberg", email="zoe@example.com", roles=["Readers"])
    page = erin.get("/admin/people").text
    assert re.findall(r'data-open>([^<]+)</a> <span class="quiet">(\w+)', page)[:2] == [
        ("Alice Author", "alice"),
        ("bob", "bob"),
    ]
    for query in ("q=ÖBERG", "q=zoe@ex", "role=Readers"):
        assert re.findall(
            r'</a> <span class="quiet">(\w+)</span></td>', erin.get(f"/admin/people?{query}").text
        ) == ["zoe"]
    assert "zoe" not in erin.get("/admin/people?state=deactivated").text
    assert "Nobody fits" in erin.get("/admin/people?q=nobody").text


@pytest.mark.parametrize("sort", ["name", "-name", "username", "-username", "signed_in", "-signed_in"])
def test_pages_by_keys_show_everybody_once(erin, make_user, sort, monkeypatch):
    for number in range(60):
        made = make_user(f"p{number:02}", full_name=f"Person {number % 7}")
        made.last_sign_in = made.created if number % 3 else None
    db.session.commit()
    seen, address = [], f"/admin/people?sort={sort}"
    while address:
        page = erin.get(address).text
        seen += re.findall(r'</a> <span class="quiet">(\w+)</span></td>', page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = found[1].replace("&amp;", "&") if found else ""
    assert sorted(seen) == sorted(db.session.scalars(db.select(User.username)))


def test_the_page_costs_the_same_however_many_there_are(erin, make_user, count):
    def cost():
        erin.get("/admin/people")
        with count() as statements:
            erin.get("/admin/people")
        return len(statements)

    before = cost()
    for number in range(20):
        make_user(f"p{number}", roles=[f"Role {number}"])
    assert cost() == before


def test_a_person_is_added_and_chooses_a_password_by_a_link(app, erin):
    answer = erin.post(
        "/admin/add-person", data={"username": "frank", "full_name": "Frank Free", "skills": "french, law",
                                   "permissions": ["paper.can_start"]},
    )  # fmt: skip
    assert answer.location == "/admin/people/frank"
    frank = person("frank")
    assert (frank.full_name, frank.skills, frank.permissions) == (
        "Frank Free",
        ["french", "law"],
        ["paper.can_start"],
    )
    link = re.search(r'href="http://localhost(/password/[^"]+)"', erin.get("/admin/people/frank").text)[1]
    other = app.test_client()
    assert other.post(link, data={"password": "quite long enough", "again": "no"}).status_code == 422
    assert (
        other.post(link, data={"password": "quite long enough", "again": "quite long enough"}).location
        == "/inbox"
    )
    assert other.get("/inbox").status_code == 200
    assert app.test_client().get(link).status_code == 404, "good once"
    assert person("frank").last_sign_in is not None
    assert audited("person.added")[0].detail == {"permissions": ["paper.can_start"]}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"username": "BOB"}, "There is a user “bob” already."),
        ({"username": ""}, "A user needs a name."),
        ({"username": "x", "email": "no"}, "Enter an address"),
        ({"username": "x", "manager": "nobody"}, "There is no user “nobody”."),
        ({"username": "x", "capacity": "-1"}, "A whole number"),
        ({"username": "x", "language": "zz-!!"}, "A language such as"),
        ({"username": "x", "full_name": "a" * 201}, "At most 200 characters."),
    ],
)
def test_what_cannot_be_is_said_beside_its_input(erin, values, told):
    answer = erin.post("/admin/add-person", data=values)
    assert answer.status_code == 422
    assert told in answer.text
    assert person("x") is None


def values_of(page):
    """What a browser sends of the form."""
    from lxml import html

    form = next(f for f in html.fromstring(page).forms if f.method == "POST" and "edit" in (f.action or ""))
    values = {}
    for name, value in form.form_values():
        values.setdefault(name, []).append(value)
    return values


def test_a_person_is_changed_and_the_audit_tells_what(erin):
    db.session.add(Role(name="Finance", permissions=["paper.can_review"]))
    db.session.commit()
    values = values_of(erin.get("/admin/people/alice/edit").text)
    assert erin.post("/admin/people/alice/edit", data=values).location == "/admin/people/alice"
    assert "Nothing was changed." in erin.get("/admin/people/alice").text
    values |= {"department": ["Sales"], "roles": ["Finance"], "manager": ["bob"]}
    assert erin.post("/admin/people/alice/edit", data=values).status_code == 303
    alice = person("alice")
    assert (alice.department, alice.manager.username, alice.roles[0].name) == ("Sales", "bob", "Finance")
    assert audited("person.roles")[0].detail == {"added": ["Finance"], "removed": []}
    assert audited("person.changed")[0].detail == {"fields": ["manager", "department"]}
    assert erin.post("/admin/people/alice/edit", data=values).status_code == 422, "the form is of before"


def test_nobody_is_above_themselves(erin):
    erin.post(
        "/admin/people/alice/edit",
        data={**values_of(erin.get("/admin/people/alice/edit").text), "manager": "bob"},
    )
    values = values_of(erin.get("/admin/people/bob/edit").text)
    answer = erin.post("/admin/people/bob/edit", data={**values, "manager": "alice"})
    assert "above themselves" in answer.text


def test_who_is_no_superuser_cannot_become_one_nor_touch_one(ada):
    assert (
        ada.post("/admin/people/ada/edit", data={"is_superuser": "y", "permissions": "admin"}).status_code
        == 303
    )
    assert not person("ada").is_superuser
    for what in ("edit", "password", "deactivate"):
        assert ada.post(f"/admin/people/erin/{what}", data={}).status_code == 403
    assert ada.get("/admin/people/erin").status_code == 200


def test_the_last_administrator_stays(erin):
    page = erin.get("/admin/people/erin").text
    assert "erin is the last administrator." in page
    assert "disabled" in page
    assert erin.post("/admin/people/erin/deactivate").status_code == 422
    values = values_of(erin.get("/admin/people/erin/edit").text)
    del values["is_superuser"]
    answer = erin.post("/admin/people/erin/edit", data=values)
    assert "Nobody would be left" in answer.text
    assert person("erin").is_superuser


def test_sessions_end_with_the_password(erin, bob):
    assert erin.post("/admin/people/bob/password").status_code == 303
    assert bob.get("/inbox").status_code == 303
    assert not person("bob").check_password("correct horse")
    assert len(audited("person.password")) == 1


@pytest.fixture
def work(submit, take):
    """Bob has three tasks, of alice's requests."""
    return [take(submit(f"Paper {number}")) for number in range(3)]


def owners():
    db.session.expire_all()
    query = db.select(Task).where(Task.flow_task == "review").order_by(Task.id)
    return [task.owner and task.owner.username for task in db.session.scalars(query).unique()]


def test_who_leaves_is_asked_about_their_work(erin, bob, work):
    answer = erin.post("/admin/people/bob/deactivate", data={})
    assert answer.status_code == 422
    assert "Say what becomes of the open tasks." in answer.text
    assert person("bob").is_active
    erin.post("/admin/people/bob/deactivate", data={"tasks": "queue", "reason": "Retired"})
    assert not person("bob").is_active
    assert owners() == [None] * 3
    event = db.session.scalars(db.select(Event).where(Event.action == "unassign")).unique().first()
    assert (event.user.username, event.detail["reason"]) == ("erin", "Retired")
    assert bob.get("/inbox").status_code == 303
    assert len(audited("person.deactivated")) == 1
    assert len(audited("unassign")) == 3
    erin.post("/admin/people/bob/reactivate")
    assert person("bob").is_active


def test_their_work_goes_to_a_person_who_may(erin, work, make_user):
    make_user("gina", "paper.can_review")
    data = {"tasks": "person", "tasks_to": "dave"}
    assert "Choose a person" in erin.post(
        "/admin/people/bob/deactivate", data={**data, "tasks_to": "nobody"}
    ).text  # fmt: skip
    erin.post("/admin/people/bob/deactivate", data=data)
    assert owners() == ["bob"] * 3, "dave may not do them"
    assert "3 were refused" in erin.get("/admin/people/bob").text
    assert "3 tasks are still assigned" in erin.get("/admin/people/bob").text
    erin.post("/admin/people/bob/deactivate", data={**data, "tasks_to": "gina"})
    assert owners() == ["gina"] * 3


def test_their_requests_go_to_somebody_else(erin, work):
    erin.post("/admin/people/alice/deactivate", data={"requests": "person", "requests_to": "dave"})
    db.session.expire_all()
    assert {each.created_by.username for each in db.session.scalars(db.select(Process)).unique()} == {"dave"}
    assert len(audited("requester")) == 3


def test_a_person_is_erased_everywhere(erin, people, work, make_user):
    from portal.models import Comment

    make_user("gina", "paper.can_review", full_name="Gina Grün")
    erin.post("/admin/people/bob/edit", data={**values_of(erin.get("/admin/people/bob/edit").text),
                                               "full_name": "Bob Büchner"})  # fmt: skip
    process_id = db.session.scalars(db.select(Process.id)).first()
    erin.post(f"/processes/{process_id}/comments", data={"text": "Ask @bob, or bobby"})
    erin.post(f"/tasks/{work[0]}/reassign", data={"user": "gina", "reason": "Bob Büchner is ill"})
    assert erin.post("/admin/people/bob/erase", data={"username": "bob"}).status_code == 422, "active"
    erin.post("/admin/people/bob/deactivate", data={"tasks": "queue"})
    assert erin.post("/admin/people/bob/erase", data={"username": "bo"}).status_code == 422
    bob_id = person("bob").id
    assert erin.post("/admin/people/bob/erase", data={"username": "bob"}).status_code == 303
    gone = db.session.get(User, bob_id, populate_existing=True)
    assert (gone.name, gone.email, gone.password_hash, gone.permissions) == ("former user", None, None, [])
    comment = db.session.scalars(db.select(Comment)).one()
    assert comment.text == "Ask former user, or bobby"
    told = str([event.detail for event in db.session.scalars(db.select(Event)).unique()])
    assert "Büchner" not in told
    assert "'bob'" not in told
    assert person("bob") is None
    page = erin.get(f"/processes/{process_id}").text
    assert "Büchner" not in page
    assert "former user" in page
    assert erin.get(f"/admin/people/{gone.username}").status_code == 200
    assert "former-" not in erin.get("/admin/people").text
    assert "former-" in erin.get("/admin/people?state=erased").text


CHANGES = ("person.changed", "person.roles", "person.added", "person.deactivated")


def upload(text):
    return {"file": (io.BytesIO(text.encode()), "people.csv")}


CSV = """username,full_name,department,roles,manager,active
fay,Fay,Law,Legal;Board,gus,yes
gus,Gus,Law,,,yes
bob,Bob,,,,no
"""


def test_an_import_is_shown_first_and_the_same_again_changes_nothing(erin):
    page = erin.post("/admin/import-people", data=upload(CSV)).text
    assert "3 people would be added or changed" in page
    assert "Legal, Board" in page
    assert person("fay") is None
    answer = erin.post("/admin/import-people", data={"text": CSV, "_import": "1"})
    assert answer.status_code == 303
    fay = person("fay")
    assert (fay.manager.username, sorted(role.name for role in fay.roles)) == ("gus", ["Board", "Legal"])
    assert not person("bob").is_active
    before = [(row.id, row.action, row.detail) for row in audited(*CHANGES)]
    erin.post("/admin/import-people", data={"text": CSV, "_import": "1"})
    assert [(row.id, row.action, row.detail) for row in audited(*CHANGES)] == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("username,name\nx,y\n", "“name” is no column: the first line names some of username, full_name, "),
        ("email\nx@y.ch\n", "There is no column “username”"),
        ("username,email,email\nx,,\n", "The first line names the column “email” twice."),
        ("username,email\nfay,no\n", "enter an address"),
        ("username\nfay\nFAY\n", "twice"),
        ("username,active\nerin,no\n", "last administrator"),
        ("username,active\nfay,perhaps\n", "yes or no"),
        ("username,manager\nfay,nobody\n", "there is no user"),
        ("username,permissions\nfay,paper.can_sing\n", "unknown permission"),
        ("", "Choose a file."),
    ],
)
def test_a_faulty_file_changes_nothing(erin, text, told):
    answer = erin.post(
        "/admin/import-people",
        data={"text": text + ("hal\n" if "," not in text else ""), "_import": "1"} if text else {},
    )
    assert answer.status_code == 422
    assert told in answer.text
    assert person("fay") is None


def test_roles_are_made_changed_given_and_deleted(erin):
    answer = erin.post("/admin/add-role", data={"name": "Finance", "permission": ["paper.can_review"]})
    assert answer.location == "/admin/roles/Finance"
    assert "taken" not in erin.post("/admin/add-role", data={"name": "Finance"}).text
    assert erin.post("/admin/add-role", data={"name": "Finance"}).status_code == 422
    erin.post("/admin/roles/Finance/members", data={"add": "dave"})
    assert person("dave").can("paper.can_review")
    page = erin.get("/admin/people/dave").text
    assert "Work on: Review" in page
    assert ">Role Finance</a>" in page
    erin.post("/admin/roles/Finance", data={"name": "Money", "permission": ["paper.can_sign"]})
    assert person("dave").can("paper.can_sign")
    assert not person("dave").can("paper.can_review")
    role = db.session.scalars(db.select(Role)).one()
    erin.post(
        "/admin/matrix", data={f"shown-{role.id}": "1", f"role-{role.id}": ["paper.view", "paper.can_sign"]}
    )
    assert person("dave").can("paper.view")
    assert [row.detail["added"] for row in audited("role.permissions")] == [
        ["paper.can_sign"],
        ["paper.view"],
    ]
    erin.post("/admin/roles/Money/members", data={"remove": "dave"})
    assert not person("dave").can("paper.view")
    assert erin.post("/admin/roles/Money/delete").status_code == 303
    assert db.session.scalars(db.select(Role)).all() == []


def test_a_role_that_administers_cannot_go_while_it_is_all_there_is(people, make_user, client_of, erin):
    make_user("ada", roles=["Admins"], password="correct horse")
    erin.post("/admin/roles/Admins", data={"name": "Admins", "permission": ["admin"]})
    ada = client_of("ada")
    people["erin"].is_superuser = False
    db.session.commit()
    for address, data in (("/admin/roles/Admins", {"name": "Admins"}), ("/admin/roles/Admins/delete", {})):
        answer = ada.post(address, data=data)
        assert (answer.status_code, "Nobody would be left" in answer.text) == (422, True)
    ada.post("/admin/roles/Admins/members", data={"remove": "ada"})
    assert person("ada").can("admin")


@pytest.mark.parametrize(
    ("name", "permission", "told"),
    [
        ("dave", "paper.can_start", "No role has"),
        ("alice", "paper.can_start", "Given by name"),
        ("erin", "paper.manage", "Superuser"),
        ("carol", "paper.view", "which manages"),
        ("dave", "paper.can_sing", "There is no such permission."),
    ],
)
def test_one_thing_is_checked_with_the_reason(erin, name, permission, told):
    assert told in erin.get(f"/admin/people/{name}?permission={permission}").text


def test_what_a_substitute_may_is_told_with_its_end(erin, people):
    import datetime as dt

    from portal.models import Absence, utcnow

    db.session.add(Absence(user_id=people["bob"].id, substitute_id=people["dave"].id, flows=[],
                           begins=utcnow() - dt.timedelta(1), ends=utcnow() + dt.timedelta(9)))  # fmt: skip
    db.session.commit()
    assert "Stands in for bob until" in erin.get("/admin/people/dave").text
