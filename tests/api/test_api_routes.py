"""Every route for programs, called by nobody, somebody without permissions, staff, a manager and a superuser.

As in `tests/web/test_routes.py`: a new route without a row fails. The tokens have every scope.
"""

import pytest

ACT_TASK = (
    "/api/v1/tasks/<int:task_id>/"
    "<any(assign,unassign,reassign,execute,snooze,skip,move,cancel,undo,revive):action>"
)
ACT_PROCESS = "/api/v1/processes/<int:process_id>/<any(cancel,suspend,resume,withdraw,retry):action>"
#: (method, address): nobody, dave (nothing), bob (approves, owns the task), carol (manages), erin (superuser)
TABLE = {
    ("GET", "/api/v1/flows"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/flows/<label>"): (401, 403, 200, 200, 200),
    ("GET", "/api/v1/flows/<label>/starts/<node>"): (401, 403, 403, 403, 200),
    ("POST", "/api/v1/flows/<label>/starts/<node>"): (401, 403, 403, 403, 422),
    ("POST", "/api/v1/flows/<label>/handles/<node>"): (401, 403, 403, 422, 422),
    ("POST", "/api/v1/flows/<label>/messages/<name>"): (401, 403, 403, 422, 422),
    ("POST", "/api/v1/signals/<name>"): (401, 403, 403, 204, 204),
    ("POST", "/api/v1/hooks/<label>/<node>"): (401, 401, 401, 401, 401),
    ("GET", "/api/v1/tasks"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/tasks/<int:task_id>"): (401, 403, 200, 200, 200),
    ("POST", ACT_TASK): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/processes"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/processes/<int:process_id>"): (401, 403, 200, 200, 200),
    ("GET", "/api/v1/processes/<int:process_id>/tasks"): (401, 403, 200, 200, 200),
    ("GET", "/api/v1/processes/<int:process_id>/events"): (401, 403, 200, 200, 200),
    ("GET", "/api/v1/processes/<int:process_id>/comments"): (401, 403, 200, 200, 200),
    ("POST", "/api/v1/processes/<int:process_id>/comments"): (401, 422, 422, 422, 422),
    ("GET", "/api/v1/processes/<int:process_id>/files"): (401, 403, 200, 200, 200),
    ("POST", "/api/v1/processes/<int:process_id>/files"): (401, 422, 422, 422, 422),
    ("GET", "/api/v1/files/<file_id>"): (401, 404, 404, 404, 404),
    ("POST", ACT_PROCESS): (401, 403, 403, 200, 200),
    ("PATCH", "/api/v1/processes/<int:process_id>/data"): (401, 403, 428, 428, 428),
    ("POST", "/api/v1/processes/<int:process_id>/add"): (401, 422, 422, 422, 422),
    ("GET", "/api/v1/external-tasks"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/external-tasks/<int:task_id>"): (401, 403, 404, 404, 404),
    ("POST", "/api/v1/external-tasks/fetch-and-lock"): (401, 422, 422, 422, 422),
    ("POST", "/api/v1/external-tasks/<int:task_id>/complete"): (401, 422, 422, 422, 422),
    ("POST", "/api/v1/external-tasks/<int:task_id>/failure"): (401, 422, 422, 422, 422),
    ("POST", "/api/v1/external-tasks/<int:task_id>/bpmn-error"): (401, 422, 422, 422, 422),
    ("POST", "/api/v1/external-tasks/<int:task_id>/extend-lock"): (401, 422, 422, 422, 422),
    ("POST", "/api/v1/external-tasks/<int:task_id>/unlock"): (401, 422, 422, 422, 422),
    ("GET", "/api/v1/events"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/events/ocel"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/events/xes"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/people"): (401, 403, 403, 403, 200),
    ("GET", "/api/v1/roles"): (401, 403, 403, 403, 200),
    ("GET", "/api/v1/reports/<label>"): (401, 403, 403, 200, 200),
    ("GET", "/api/v1/openapi.json"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/docs"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/docs/<any('swagger-ui.css','swagger-ui-bundle.js','favicon-32x32.png'):name>"): (
        200, 200, 200, 200, 200,
    ),
}  # fmt: skip
WHO = (None, "dave", "bob", "carol", "erin")


def address_of(rule, process_id, task_id):
    rule = rule.replace(
        "<any('swagger-ui.css','swagger-ui-bundle.js','favicon-32x32.png'):name>", "swagger-ui.css"
    )
    parts = {
        ACT_TASK.rpartition("/")[2]: "cancel",
        ACT_PROCESS.rpartition("/")[2]: "cancel",
        "handles/<node>": "handles/pay",
        "hooks/<label>/<node>": "hooks/order/pay",
        "messages/<name>": "messages/recall",
        "signals/<name>": "signals/holidays",
        "<node>": "start",
        "<file_id>": "0-scan",
        "<label>": "order",
        "<int:process_id>": str(process_id),
        "<int:task_id>": str(task_id),
    }
    for name, value in parts.items():
        rule = rule.replace(name, value)
    assert "<" not in rule, f"say what {rule} stands for"
    return rule.removeprefix("/api/v1")


@pytest.fixture
def taken(program, started, open_task):
    process_id = started()
    task_id = open_task(process_id)
    program("bob").post(f"/tasks/{task_id}/assign")
    return process_id, task_id


@pytest.mark.parametrize(("method", "rule"), TABLE)
def test_who_may_do_what(program, taken, method, rule):
    body = None if method == "GET" else {"data": {}} if method == "PATCH" else {}
    address = address_of(rule, *taken)
    found = []
    for who in WHO:
        if method != "GET" and found and found[-1] < 300:  # it is done, for the next one too
            found.append(found[-1])
            continue
        found.append(program(who).call(method, address, body).status_code)
    assert tuple(found) == TABLE[method, rule]


def test_every_route_has_a_row(app, order):
    found = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            found |= {(method, rule.rule) for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert found - set(TABLE) == set(), "say in TABLE who may call the new route"
    assert set(TABLE) - found == set(), "these routes are gone"


def test_a_get_changes_nothing(program, taken):
    from portal.models import Event, db

    erin = program("erin")
    db.session.rollback()
    before = db.session.scalar(db.select(db.func.count(Event.id)))
    for method, rule in TABLE:
        if method == "GET":
            erin.get(address_of(rule, *taken))
    db.session.rollback()
    assert db.session.scalar(db.select(db.func.count(Event.id))) == before


def test_a_list_of_many_costs_as_much_as_one_of_few(app, program, started, count):
    bob = program("bob")
    started()
    costs = []
    for more in (1, 20):
        for number in range(more):
            started(f"order {number}")
        for path in ("/tasks?list=queue", "/processes", "/events?limit=200", "/flows"):
            bob.get(path)
            with count() as statements:
                assert bob.get(path).status_code == 200
            costs.append((path, len(statements)))
    assert costs[:4] == costs[4:]
    assert max(number for _, number in costs) <= 7
