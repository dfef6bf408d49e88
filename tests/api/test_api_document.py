"""The document: it is OpenAPI 3.1, it speaks of every route, and what is answered is what it says."""

from __future__ import annotations

import dataclasses
import os
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode, checks

#: where a name in an address is one that is there
REAL = {"label": "order", "node": "start", "name": "recall", "process_id": 1, "task_id": 1}


#: checks of the tool that do not hold here
LEFT_OUT = [
    # what a field of a form takes only the schema of the form says
    checks.positive_data_acceptance,
    checks.negative_data_rejection,
    # a session is good as well, and the token of this test is sent with every call
    checks.ignored_auth,
    checks.unsupported_method,
]


#: what is right on one database, what is wrong on the other: the document is the same, and what each of them cannot
#: store is asked of both in test_api_hostile
MODES = [("sqlite", GenerationMode.POSITIVE), ("postgresql", GenerationMode.NEGATIVE)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database_url", "mode"), MODES, indirect=["database_url"], ids=["positive", "negative"]
)
def test_what_is_answered_is_what_the_document_says(app, people, program, started, mode):
    app.extensions["portal"] = dataclasses.replace(app.extensions["portal"], api_rate=0)
    started()
    headers = program("erin").headers | {"Accept-Encoding": "identity"}  # the tool reads nothing compressed
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    for found in schema.get_all_operations():
        _walk(found.ok(), mode, headers)


def _walk(operation, mode, headers):
    @given(case=operation.as_strategy(generation_mode=mode), real=strategies.booleans())
    @settings(
        max_examples=int(os.environ.get("PORTAL_API_EXAMPLES", "8")),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def call(case, real):
        if real:
            case.path_parameters |= {name: REAL[name] for name in case.path_parameters if name in REAL}
            if "handles" in operation.path:
                case.path_parameters["node"] = "begin"
        case.call_and_validate(headers=headers, excluded_checks=LEFT_OUT)

    call()


def test_the_document_speaks_of_every_route(app, order):
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/api/v1"}]
    told = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and "/docs" not in rule.rule:
            path = re.sub(r"<[^>]*?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1"))
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert (method, path) in told


def test_every_operation_has_a_name_of_its_own_a_sentence_and_a_scope(app, order):
    document = app.test_client().get("/api/v1/openapi.json").json
    operations = [
        each for item in document["paths"].values() for name, each in item.items() if name != "parameters"
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert operation.get("summary"), operation["operationId"]
        assert operation["tags"]
        assert operation["security"] == [] or operation["x-scope"] in (
            "read",
            "start",
            "work",
            "manage",
            "admin",
        )
        assert "default" in operation["responses"]


def test_the_document_follows_the_place_where_the_portal_is(app, order):
    document = app.test_client().get("/api/v1/openapi.json", environ_overrides={"SCRIPT_NAME": "/work"}).json
    assert document["servers"] == [{"url": "/work/api/v1"}]


def test_its_pages_need_no_other_host(app, order):
    client = app.test_client()
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert "//" not in re.sub(r"<!doctype html>", "", page.text).replace("https://", "").replace(
        "http://", ""
    )
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        with client.get(address) as answer:
            assert answer.status_code == 200


@pytest.mark.slow
def test_walks_along_its_links_are_answered_as_it_says(app, people, program, started):
    """What one call has made the next ones use: no 5xx, no status and no answer that the document does not know."""
    app.extensions["portal"] = dataclasses.replace(app.extensions["portal"], api_rate=0)
    started()
    headers = program("erin").headers | {"Accept-Encoding": "identity"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    steps = []

    class Walk(schema.as_state_machine()):
        def before_call(self, case):
            if case.path.startswith("/flows/"):  # walks begin with what is there
                case.path_parameters |= {name: REAL[name] for name in case.path_parameters if name in REAL}
            if case.path.startswith("/flows/{label}/starts") and case.method == "POST":
                case.body = {"data": {"title": "on a walk"}}

        def get_call_kwargs(self, case):
            return {"headers": headers}

        def after_call(self, response, case):
            steps.append((case.method, case.path, response.status_code))

        def validate_response(self, response, case, **_given):
            case.validate_response(response, excluded_checks=LEFT_OUT, headers=headers)

    Walk.run(
        settings=settings(
            max_examples=int(os.environ.get("PORTAL_API_EXAMPLES", "8")),
            stateful_step_count=8,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )
    done = {(method, path) for method, path, status in steps if status < 300}
    assert ("POST", "/flows/{label}/starts/{node}") in done
    assert any(path.startswith("/processes/{process_id}") for _method, path in done), done
