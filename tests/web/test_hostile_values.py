"""Every route and every parameter is sent what no browser sends: it is refused in words, never with a 500.

A new route without a row in `PARAMETERS` fails: whoever adds one says here what it reads.
"""

from __future__ import annotations

import base64
import json
import os
from decimal import Decimal
from itertools import cycle
from urllib.parse import quote

import pytest

from portal import flow, jsonstore, this, views
from portal.models import Process


class EverythingProcess(Process):
    text = jsonstore.StringField("Text")
    number = jsonstore.IntegerField("Number")
    real = jsonstore.FloatField("Real")
    exact = jsonstore.DecimalField("Exact", default=Decimal(1))
    day = jsonstore.DateField("Day")
    moment = jsonstore.DateTimeField("Moment")
    time = jsonstore.TimeField("Time")
    span = jsonstore.DurationField("Span")
    document = jsonstore.JSONField("Document")
    flag = jsonstore.BooleanField("Flag")
    mail = jsonstore.EmailField("Mail")
    link = jsonstore.URLField("Link")
    key = jsonstore.UUIDField("Key")
    kind = jsonstore.ChoiceField("Kind", choices=[("a", "A"), ("b", "B")])


FIELDS = [
    name for name in vars(EverythingProcess) if isinstance(vars(EverythingProcess)[name], jsonstore.Field)
]


class EverythingFlow(flow.Flow):
    process_class = EverythingProcess
    process_summary_template = "{{ process.moment }} {{ process.text }}"
    start = flow.Start(views.CreateProcessView.as_view(fields=FIELDS)).Next(this.work)
    work = flow.View(views.UpdateProcessView.as_view(fields=FIELDS)).Assign(username="erin").Next(this.end)
    end = flow.End()


def cursor(*values):
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


DEEP = "[" * 20_000 + "]" * 20_000
VALUES = [
    "\0", "a\0b", "\ud7ff\uffff", "\x1b[0m\r\nX: y", "A" * 20_000, "-1", "0", "9" * 30, "1e400", "NaN", "Infinity",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00", "9999-12-31T23:59", "0001-01-01",
    "9999-12-31", "2026-02-30T25:61", "99999999999999999 days", DEEP, '{"a":' * 3000 + "1" + "}" * 3000, "'\";--", "%",
    "../../etc/passwd", "//example.com", "\N{ARABIC-INDIC DIGIT THREE}", "2147483648", "9223372036854775808",
]  # fmt: skip
CURSORS = [
    cursor("x"), cursor(None), cursor(2**63), cursor(2**31, 2**31), cursor({"t": "0001-01-01T00:00:00+14:00"}, 0, 1),
    cursor({"t": "0001-01-01T00:00:00+14:00"}, 1), cursor({"t": "9999-12-31T23:59:59-14:00"}, 1),
    cursor({"t": "9999-12-31T23:59:59-14:00"}, 2**40, 1), cursor(None, 2**40, 1), cursor(None, -(2**31), 1), cursor({}),
    cursor([[]]), cursor(1.5), cursor(True), cursor({"t": 1}, 1, 1), cursor("\0"), cursor(1e300), "=", "%",
    base64.urlsafe_b64encode(DEEP.encode()).decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(), "A" * 5001,
]  # fmt: skip

PERSON = (
    "full_name", "email", "manager", "department", "skills", "capacity", "language", "timezone", "roles", "permissions",
    "is_superuser", "_seen",
)  # fmt: skip
LIST = (
    *(
        "q",
        "flow",
        "step",
        "person",
        "state",
        "due",
        "since",
        "until",
        "priority",
        "sort",
        "group",
        "columns",
        "after",
        "view",
        "format",
    ),
    *("late", "status", "mine", "next", "field", "op", "value"),
)
#: what each route reads: of the query, of the form
PARAMETERS = {
    "/": ((), ()),
    "/login": (("next",), ("username", "password", "next", "csrf_token")),
    "/logout": ((), ()),
    "/profile": ((), ("full_name", "email", "theme", "after", "keys", "timezone", "notices-due", "current")),
    "/profile/sessions": ((), ("session", "others")),
    "/profile/tokens": ((), ("name", "scopes-read", "days")),
    "/profile/tokens/<int:token_id>/revoke": ((), ()),
    "/files/<file_id>": ((), ()),
    "/files/<file_id>/preview": ((), ()),
    "/flows/<label>/start/<name>/draft": ((), (*FIELDS, "discard")),
    "/tasks/<int:task_id>/draft": ((), (*FIELDS, "discard")),
    "/profile/absences": ((), ("from", "to", "substitute", "flows")),
    "/people/<username>/absences": ((), ("from", "to", "substitute", "flows")),
    "/absences/<int:absence_id>/end": ((), ()),
    "/profile/calendar": ((), ("stop",)),
    "/calendar/<token>.ics": ((), ()),
    "/notices": (("before",), ()),
    "/notices/read": ((), ("notice", "until")),
    "/processes/<int:process_id>/comments": (("next",), ("text",)),
    "/tasks/<int:task_id>/comments": (("next",), ("text",)),
    "/processes/<int:process_id>/files": (("next",), ("file",)),
    "/processes/<int:process_id>/files/<file_id>/remove": (("next",), ()),
    "/processes/<int:process_id>/follow": ((), ("stop", "next")),
    "/comments/<int:comment_id>/edit": ((), ("text",)),
    "/comments/<int:comment_id>/remove": ((), ()),
    "/inbox": (LIST, ()),
    "/queue": (LIST, ()),
    "/archive": (LIST, ()),
    "/tasks": (LIST, ()),
    "/processes": (LIST, ()),
    "/tasks/<any(assign,unassign,reassign,cancel,undo,revive,skip,due,priority,snooze):action>": (
        LIST,
        ("task", "user", "next", "all", "list", "reason", "due", "priority", "until", "_ask"),
    ),
    "/tasks/execute": (LIST, ("task", "next", "all", "list", "answer", "_step", "text-text", "_ask")),
    "/processes/<any(cancel,suspend,resume,retry,withdraw,migrate):action>": (
        LIST,
        ("process", "next", "all", "reason"),
    ),
    "/undo/<int:undo_id>": ((), ("next",)),
    "/queue/next": (LIST, ("next", *LIST)),
    "/reports": (("since", "until", "format"), ()),
    "/reports/<label>": (("since", "until", "format", "version", "heat", "part"), ()),
    "/workload": (("role", "flow", "late", "format"), ()),
    "/workload/redistribute": (("person",), ("person", "to-everything.work", "reason", "_queue")),
    "/tasks/<int:task_id>/<any(skip,move,due,priority,snooze,reschedule):action>": (
        ("next", "to"),
        ("to", "due", "priority", "until", "at", "reason", "next"),
    ),
    "/processes/<int:process_id>/<any(cancel,suspend,resume,withdraw,retry):action>": (
        ("next",),
        ("next", "reason"),
    ),
    "/processes/<int:process_id>/send": (("next",), ("what", "data", "reason", "next")),
    "/processes/<int:process_id>/migrate": (("next",), ("to-review", "reason", "next", "_ask")),
    "/processes/<int:process_id>/add": (("next",), ("step", "item", "reason", "next")),
    "/processes/<int:process_id>/data": (("next", "retry", "fields"), (*FIELDS, "reason", "next", "_seen")),
    "/news": (("list", "since", "newest"), ()),
    "/views": ((), ("page", "name", "query", "role", "start", "next")),
    "/views/<int:view_id>/<any(start,remove):action>": ((), ("next",)),
    "/flows": (("q",), ()),
    "/requests": (("show", "after"), ()),
    "/flows/<label>": ((), ()),
    "/flows/<label>/versions/<fingerprint>": ((), ()),
    "/flows/<label>/chart.svg": ((), ()),
    "/flows/<label>/chart.bpmn": ((), ()),
    "/flows/<label>/start/<name>": (("_find", "q", "next"), (*FIELDS, "_continue", "_more", "_less")),
    "/processes/<int:process_id>": (("before", "next", "comments_before"), ()),
    "/processes/<int:process_id>/chart.svg": ((), ()),
    "/tasks/<int:task_id>": (("next",), ()),
    "/tasks/<int:task_id>/help": (("next",), ("user", "end", "reason", "next")),
    "/tasks/<int:task_id>/execute": (("_find", "q", "next"), (*FIELDS, "_continue", "_more", "_less")),
    "/tasks/<int:task_id>/<any(assign,unassign,reassign,cancel,undo,revive):action>": (
        ("next",),
        ("user", "next"),
    ),
    "/login/code": (("recovery",), ("code",)),
    "/login/set-up": ((), ("code",)),
    "/profile/two-factors": ((), ("code", "current", "off", "codes")),
    "/password": ((), ("username",)),
    "/password/sent": ((), ()),
    "/password/<token>": ((), ("password", "again")),
    "/admin/": ((), ()),
    "/admin/people": (("q", "role", "department", "state", "sort", "after", "format"), ()),
    "/admin/people/<username>": (("permission", "format"), ()),
    "/admin/people/<username>/edit": ((), PERSON),
    "/admin/people/<username>/deactivate": ((), ("tasks", "tasks_to", "requests", "requests_to", "reason")),
    "/admin/people/<username>/password": ((), ()),
    "/admin/people/<username>/invite": ((), ()),
    "/admin/people/<username>/second-factor": ((), ()),
    "/admin/people/<username>/reactivate": ((), ()),
    "/admin/people/<username>/erase": ((), ("username",)),
    "/admin/add-person": ((), ("username", "invite", *PERSON)),
    "/admin/import-people": ((), ("text", "file", "_import")),
    "/admin/roles": ((), ()),
    "/admin/add-role": ((), ("name", "permission")),
    "/admin/roles/<name>": ((), ("name", "permission")),
    "/admin/roles/<name>/members": ((), ("add", "remove")),
    "/admin/roles/<name>/delete": ((), ()),
    "/admin/matrix": ((), ("role-1", "shown-1")),
    "/admin/audit": (("person", "action", "process", "since", "until", "after", "format"), ()),
    "/admin/tokens": (("q", "after", "format"), ()),
    "/admin/tokens/<int:token_id>/revoke": ((), ("next",)),
    "/admin/retention": ((), ()),
    "/admin/retention/hold": ((), ("process", "reason", "release")),
    "/healthz": ((), ()),
    "/readyz": ((), ()),
    "/metrics": ((), ()),
}
HEADERS = ("X-Request-ID", "Referer", "Cookie", "Authorization", "Content-Type", "Accept-Language", "If-None-Match",
           "User-Agent", "X-Forwarded-For", "Content-Length")  # fmt: skip
ELSEWHERE = ("/static/", "/bootstrap/", "/api/", "/admin/incidents", "/admin/jobs", "/admin/operations")


#: each value meets every so-manieth route: all values, and all routes, are met in each run
EVERY = {"sqlite": 4 if os.environ.get("CI") else 8, "postgresql": 4}
#: by how many values PostgreSQL is ahead: a route meets others there
AHEAD = {"sqlite": 0, "postgresql": 2}


@pytest.fixture(params=EVERY)
def database_url(request):
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def values_of(database_url):
    """The values that the route of this number meets."""
    database = database_url.partition("+")[0].partition(":")[0]
    every, ahead = EVERY[database], AHEAD[database]
    return lambda number: VALUES[(number + ahead) % every :: every]


@pytest.fixture
def site(app, register, people, client_of):
    register(EverythingFlow)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    process = views.submit(EverythingFlow.start, people["erin"])
    return client_of("erin"), process.id, next(task.id for task in process.tasks if task.flow_task == "work")


@pytest.fixture
def addresses(app, site):
    """The address of each route, and its methods; text in the path is left open."""
    _, process_id, task_id = site
    parts = {"<int:absence_id>": "1", "<int:comment_id>": "1",
             "<int:process_id>": str(process_id), "<int:task_id>": str(task_id), "<label>": "everything",
             "<fingerprint>": "abc",
             "<name>": "start", "<any(cancel,suspend,resume,withdraw,retry):action>": "resume",
             "<any(assign,unassign,reassign,cancel,undo,revive,skip,due,priority,snooze):action>": "due",
             "<any(cancel,suspend,resume,retry,withdraw,migrate):action>": "suspend", "<int:undo_id>": "1",
             "<any(skip,move,due,priority,snooze,reschedule):action>": "move",
             "<int:view_id>": "1", "<int:token_id>": "1", "<any(start,remove):action>": "start",
             "<any(assign,unassign,reassign,cancel,undo,revive):action>": "reassign"}  # fmt: skip
    found = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(ELSEWHERE):
            continue
        assert rule.rule in PARAMETERS, f"{rule.rule}: say in PARAMETERS what it reads"
        address = rule.rule
        for name, value in parts.items():
            address = address.replace(name, value)
        methods = found.setdefault(rule.rule, (address, set()))[1]
        methods |= rule.methods & {"GET", "POST"}
    return found


def refuses(answer, *told):
    assert answer.status_code < 500, (answer.status_code, *[str(each)[:80] for each in told])


def test_in_the_query(site, addresses, values_of):
    client = site[0]
    for number, (rule, (address, methods)) in enumerate(addresses.items()):
        names = PARAMETERS[rule][0] if "GET" in methods else ()
        for value in values_of(number) if names else ():
            refuses(client.get(address, query_string=dict.fromkeys(names, value)), address, value)


@pytest.mark.parametrize("address", ["/inbox", "/archive", "/processes"])
def test_in_a_cursor_of_each_order(site, address):
    for sort in {
        "/inbox": ("due", "-due", "-priority"),
        "/archive": ("finished",),
        "/processes": ("number",),
    }[address]:
        for value in CURSORS:
            for more in ({}, {"q": "12"}) if sort in ("due", "number") else ({},):
                refuses(
                    site[0].get(address, query_string={"sort": sort, "after": value, **more}),
                    address,
                    sort,
                    value,
                )


def test_in_a_form(site, addresses, values_of):
    client = site[0]
    for number, (rule, (address, methods)) in enumerate(addresses.items()):
        names = PARAMETERS[rule][1] if "POST" in methods else ()
        for value in values_of(number) if names else ():
            refuses(client.post(address, data=dict.fromkeys(names, value)), address, value)
        if rule == "/login":
            client.post("/login", data={"username": "erin", "password": "correct horse"})


@pytest.mark.parametrize("name", [*FIELDS, "full_name", "email", "timezone"])
def test_in_one_field_of_a_form(site, name):
    address = f"/tasks/{site[2]}/execute" if name in FIELDS else "/profile"
    profile = {"theme": "system", "after": "list"}
    for value in (VALUES[0], *VALUES[8:19:2]):
        answer = site[0].post(address, data={**profile, name: value})
        refuses(answer, name, value)
        refuses(site[0].get("/inbox"), name, value)
        if answer.status_code == 303 and name in FIELDS:  # it was accepted, and is shown where it stands
            refuses(site[0].get(f"/processes/{site[1]}"), name, value)
            break


def test_in_the_path(site, addresses):
    for rule in addresses:
        head, _, rest = rule.partition("<")
        tail = rest.partition(">")[2].replace("<name>", "start").partition("<")[0]
        for value in (*VALUES[:6], *VALUES[-5:]) if rest else ():
            refuses(site[0].get(head + quote(value[:3000], safe="") + tail), rule, value)


def test_in_a_header(site):
    """Of three pages in turn: they have what reads headers in common."""
    pages = cycle(("/inbox", f"/tasks/{site[2]}/execute", f"/processes/{site[1]}"))
    values = (
        "A" * 9000,
        "\xff\xfe",
        "-1",
        "=;=;",
        "Bearer \xe9",
        "0001-01-01",
        "http://[",
        "multipart/form-data",
    )
    for name in HEADERS:
        for value in values:
            refuses(site[0].get(next(pages), headers={name: value}), name, value)
