"""Every route, asked by nobody, somebody without permissions, staff, a manager and a superuser.

A new route without a row fails: whoever adds a page says here who may see it.
"""

import pytest

from portal.models import Role, db

LOGIN = 303
#: (method, address): nobody, dave (nothing), bob (reviews, owns the task), carol (manages), erin (superuser)
TABLE = {
    ("GET", "/"): (302, 302, 302, 302, 302),
    ("GET", "/login"): (200, 303, 303, 303, 303),
    ("POST", "/login"): (422, 422, 422, 422, 422),
    ("POST", "/logout"): (303, 303, 303, 303, 303),
    ("GET", "/profile"): (LOGIN, 200, 200, 200, 200),
    ("POST", "/profile"): (LOGIN, 303, 303, 303, 303),
    ("POST", "/profile/sessions"): (LOGIN, 303, 303, 303, 303),
    ("GET", "/profile/absences"): (LOGIN, 200, 200, 200, 200),
    ("POST", "/profile/absences"): (LOGIN, 422, 422, 422, 422),
    ("GET", "/people/<username>/absences"): (LOGIN, 403, 403, 200, 200),
    ("POST", "/people/<username>/absences"): (LOGIN, 403, 403, 422, 422),
    ("POST", "/absences/<int:absence_id>/end"): (LOGIN, 404, 404, 404, 404),
    ("GET", "/profile/calendar"): (LOGIN, 200, 200, 200, 200),
    ("POST", "/profile/calendar"): (LOGIN, 200, 200, 200, 200),
    ("GET", "/calendar/<token>.ics"): (404, 404, 404, 404, 404),
    ("GET", "/notices"): (LOGIN, 200, 200, 200, 200),
    ("POST", "/notices/read"): (LOGIN, 303, 303, 303, 303),
    ("POST", "/processes/<int:process_id>/comments"): (LOGIN, 403, 422, 422, 422),
    ("POST", "/tasks/<int:task_id>/comments"): (LOGIN, 403, 422, 422, 422),
    ("POST", "/processes/<int:process_id>/files"): (LOGIN, 403, 422, 422, 422),
    ("POST", "/processes/<int:process_id>/files/<file_id>/remove"): (LOGIN, 403, 404, 404, 404),
    ("POST", "/processes/<int:process_id>/follow"): (LOGIN, 403, 303, 303, 303),
    ("GET", "/comments/<int:comment_id>/edit"): (LOGIN, 404, 404, 404, 404),
    ("POST", "/comments/<int:comment_id>/edit"): (LOGIN, 404, 404, 404, 404),
    ("GET", "/comments/<int:comment_id>/remove"): (LOGIN, 404, 404, 404, 404),
    ("POST", "/comments/<int:comment_id>/remove"): (LOGIN, 404, 404, 404, 404),
    ("GET", "/profile/tokens"): (LOGIN, 200, 200, 200, 200),
    ("POST", "/profile/tokens"): (LOGIN, 422, 422, 422, 422),
    ("POST", "/profile/tokens/<int:token_id>/revoke"): (LOGIN, 303, 303, 303, 303),
    ("GET", "/inbox"): (LOGIN, 200, 200, 200, 200),
    ("GET", "/queue"): (LOGIN, 200, 200, 200, 200),
    ("GET", "/archive"): (LOGIN, 200, 200, 200, 200),
    ("GET", "/tasks"): (LOGIN, 200, 200, 200, 200),
    ("GET", "/news"): (LOGIN, 200, 200, 200, 200),
    ("POST", "/views"): (LOGIN, 404, 404, 404, 404),
    ("POST", "/views/<int:view_id>/<any(start,remove):action>"): (LOGIN, 404, 404, 404, 404),
    ("POST", "/tasks/<any(assign,unassign,reassign,cancel,undo,revive,skip,due,priority,snooze):action>"): (
        LOGIN, 303, 303, 303, 303,
    ),
    ("POST", "/tasks/execute"): (LOGIN, 303, 303, 303, 303),
    ("POST", "/processes/<any(cancel,suspend,resume,retry,withdraw,migrate):action>"): (LOGIN, 303, 303, 303, 303),
    ("POST", "/undo/<int:undo_id>"): (LOGIN, 303, 303, 303, 303),
    ("POST", "/queue/next"): (LOGIN, 303, 303, 303, 303),
    ("GET", "/reports"): (LOGIN, 403, 403, 200, 200),
    ("GET", "/reports/<label>"): (LOGIN, 403, 403, 200, 200),
    ("GET", "/workload"): (LOGIN, 403, 403, 200, 200),
    ("GET", "/workload/redistribute"): (LOGIN, 403, 403, 404, 404),
    ("POST", "/workload/redistribute"): (LOGIN, 403, 403, 404, 404),
    ("GET", "/tasks/<int:task_id>/<any(skip,move,due,priority,snooze,reschedule):action>"): (
        LOGIN, 403, 403, 200, 200,
    ),
    ("POST", "/tasks/<int:task_id>/<any(skip,move,due,priority,snooze,reschedule):action>"): (
        LOGIN, 403, 403, 303, 303,
    ),
    # alice has started it, and her flow allows no withdrawal: that is said before who may
    ("GET", "/processes/<int:process_id>/data"): (LOGIN, 403, 403, 200, 200),
    ("GET", "/processes/<int:process_id>/send"): (LOGIN, 403, 403, 200, 200),
    ("POST", "/processes/<int:process_id>/send"): (LOGIN, 403, 403, 422, 422),
    ("GET", "/processes/<int:process_id>/migrate"): (LOGIN, 403, 403, 409, 409),
    ("POST", "/processes/<int:process_id>/migrate"): (LOGIN, 403, 403, 409, 409),
    ("GET", "/processes/<int:process_id>/add"): (LOGIN, 403, 403, 409, 409),
    ("POST", "/processes/<int:process_id>/add"): (LOGIN, 403, 403, 409, 409),
    ("POST", "/processes/<int:process_id>/data"): (LOGIN, 403, 403, 303, 303),
    ("GET", "/files/<file_id>"): (LOGIN, 404, 404, 404, 404),
    ("GET", "/files/<file_id>/preview"): (LOGIN, 404, 404, 404, 404),
    ("GET", "/flows"): (LOGIN, 200, 200, 200, 200),
    ("GET", "/flows/<label>"): (LOGIN, 403, 200, 200, 200),
    ("GET", "/flows/<label>/versions/<fingerprint>"): (LOGIN, 403, 403, 404, 404),
    ("GET", "/flows/<label>/chart.svg"): (LOGIN, 403, 200, 200, 200),
    ("GET", "/flows/<label>/chart.bpmn"): (LOGIN, 403, 200, 200, 200),
    ("GET", "/flows/<label>/start/<name>"): (LOGIN, 403, 403, 403, 200),
    ("POST", "/flows/<label>/start/<name>"): (LOGIN, 403, 403, 403, 422),
    ("POST", "/flows/<label>/start/<name>/draft"): (LOGIN, 403, 403, 403, 422),
    ("POST", "/tasks/<int:task_id>/draft"): (LOGIN, 403, 422, 422, 422),
    ("GET", "/requests"): (LOGIN, 200, 200, 200, 200),
    ("GET", "/processes"): (LOGIN, 200, 200, 200, 200),
    ("GET", "/processes/<int:process_id>"): (LOGIN, 403, 200, 200, 200),
    ("GET", "/processes/<int:process_id>/chart.svg"): (LOGIN, 403, 200, 200, 200),
    ("GET", "/processes/<int:process_id>/<any(cancel,suspend,resume,withdraw,retry):action>"): (
        LOGIN, 403, 403, 200, 200,
    ),
    ("POST", "/processes/<int:process_id>/<any(cancel,suspend,resume,withdraw,retry):action>"): (
        LOGIN, 403, 403, 303, 303,
    ),
    ("GET", "/tasks/<int:task_id>"): (LOGIN, 403, 200, 200, 200),
    ("GET", "/tasks/<int:task_id>/help"): (LOGIN, 403, 200, 200, 200),
    ("POST", "/tasks/<int:task_id>/help"): (LOGIN, 403, 422, 422, 422),
    ("GET", "/tasks/<int:task_id>/execute"): (LOGIN, 403, 200, 403, 403),
    ("POST", "/tasks/<int:task_id>/execute"): (LOGIN, 403, 303, 403, 403),
    ("GET", "/tasks/<int:task_id>/<any(assign,unassign,reassign,cancel,undo,revive):action>"): (
        LOGIN, 403, 403, 200, 200,
    ),
    ("POST", "/tasks/<int:task_id>/<any(assign,unassign,reassign,cancel,undo,revive):action>"): (
        LOGIN, 403, 403, 303, 303,
    ),
    # these are for who has said a password, and not the code yet
    ("GET", "/login/code"): (303, 303, 303, 303, 303),
    ("POST", "/login/code"): (303, 303, 303, 303, 303),
    ("GET", "/login/set-up"): (303, 303, 303, 303, 303),
    ("POST", "/login/set-up"): (303, 303, 303, 303, 303),
    ("GET", "/profile/two-factors"): (LOGIN, 200, 200, 200, 200),
    ("POST", "/profile/two-factors"): (LOGIN, 422, 422, 422, 422),
    ("GET", "/password"): (200, 200, 200, 200, 200),
    ("POST", "/password"): (422, 422, 422, 422, 422),
    ("GET", "/password/sent"): (200, 200, 200, 200, 200),
    ("GET", "/password/<token>"): (404, 404, 404, 404, 404),
    ("POST", "/password/<token>"): (404, 404, 404, 404, 404),
    # who holds the permission `admin` may, and superusers: see test_admin_people
    **{
        ("GET", f"/admin/{rule}"): (LOGIN, 403, 403, 403, 200)
        for rule in (
            "", "people", "people/<username>", "people/<username>/edit", "people/<username>/deactivate",
            "people/<username>/erase", "add-person", "import-people", "roles", "add-role", "roles/<name>",
            "roles/<name>/delete", "matrix", "audit", "retention", "tokens",
        )
    },
    **{
        ("POST", f"/admin/{rule}"): (LOGIN, 403, 403, 403, code)
        for rule, code in {
            "people/<username>/edit": 303, "people/<username>/deactivate": 422, "people/<username>/password": 303,
            "people/<username>/invite": 303, "people/<username>/second-factor": 303,
            "people/<username>/reactivate": 303, "people/<username>/erase": 422, "add-person": 422,
            "import-people": 422, "add-role": 422, "roles/<name>": 303, "roles/<name>/members": 303,
            "roles/<name>/delete": 303, "matrix": 303, "retention": 303, "retention/hold": 422,
            "tokens/<int:token_id>/revoke": 303,
        }.items()
    },
}  # fmt: skip

#: files, and what the other test modules walk: operations, programs, administration
ELSEWHERE = (
    "/static/",
    "/bootstrap/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/",
    "/admin/incidents",
    "/admin/jobs",
    "/admin/operations",
)  # the last have tables of their own
WHO = ("nobody", "dave", "bob", "carol", "erin")


def address_of(rule, process_id, task_id):
    parts = {
        "<label>": "paper",
        "<fingerprint>": "abc",
        "<username>": "bob",
        "<token>": "abc",
        "<int:absence_id>": "99",
        "<int:comment_id>": "99",
        "<file_id>": "0-scan",
        "<name>": "start",
        "<int:token_id>": "1",
        "<int:process_id>": str(process_id),
        "<int:task_id>": str(task_id),
        "<int:view_id>": "1",
        "<any(start,remove):action>": "start",
        "<any(assign,unassign,reassign,cancel,undo,revive,skip,due,priority,snooze):action>": "assign",
        "<any(cancel,suspend,resume,retry,withdraw,migrate):action>": "cancel",
        "<int:undo_id>": "1",
        "<any(skip,move,due,priority,snooze,reschedule):action>": "skip",
        "<any(cancel,suspend,resume,withdraw,retry):action>": "cancel",
        "<any(assign,unassign,reassign,cancel,undo,revive):action>": "cancel",
    }
    for name, value in parts.items():
        rule = rule.replace(name, value)
    assert "<" not in rule, f"say what {rule} stands for"
    return rule


@pytest.fixture
def ask(app, client_of, submit, take):
    """Ask for a route as somebody; the answer."""
    db.session.add(Role(name="start", permissions=[]))
    db.session.commit()
    process_id = submit()
    task_id = take(process_id)
    clients = {}

    def answer(who, method, rule):
        if who not in clients:
            clients[who] = app.test_client() if who == "nobody" else client_of(who)
        return clients[who].open(address_of(rule, process_id, task_id), method=method)

    return answer


@pytest.mark.parametrize("who", WHO)
def test_who_may_see_what(ask, who):
    rules = [rule for method, rule in TABLE if method == "GET"]  # which change nothing
    found = {rule: ask(who, "GET", rule).status_code for rule in rules}
    assert found == {rule: TABLE["GET", rule][WHO.index(who)] for rule in rules}


def test_nobody_may_do_anything_before_signing_in(ask):
    for (method, rule), codes in TABLE.items():
        answer = ask("nobody", method, rule)
        assert (rule, answer.status_code) == (rule, codes[0])
        if answer.status_code == LOGIN:
            assert answer.location.startswith("/login"), rule


@pytest.mark.parametrize("rule", [rule for method, rule in TABLE if method == "POST"])
@pytest.mark.parametrize("who", WHO[1:])
def test_who_may_do_what(ask, rule, who):
    assert ask(who, "POST", rule).status_code == TABLE["POST", rule][WHO.index(who)]


def test_every_route_has_a_row(app, paper):
    found = set()
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(ELSEWHERE):
            found |= {(method, rule.rule) for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert found - set(TABLE) == set(), "say in TABLE who may see the new page"
    assert set(TABLE) - found == set(), "these routes are gone"


def test_a_get_changes_nothing(app, client_of, submit, take):
    from portal.models import Event

    process_id = submit()
    task_id = take(process_id)
    erin = client_of("erin")
    before = db.session.scalar(db.select(db.func.count(Event.id)))
    for method, rule in TABLE:
        if method == "GET":
            erin.get(address_of(rule, process_id, task_id))
    db.session.expire_all()
    assert db.session.scalar(db.select(db.func.count(Event.id))) == before
