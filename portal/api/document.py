"""The OpenAPI 3.1 document of the API, and Swagger UI to read it."""

from __future__ import annotations

import re
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from flask import Flask, Response, current_app, json, request, send_from_directory, url_for
from flask_smorest import Api
from flask_smorest import Blueprint as DocumentedBlueprint
from flask_smorest.spec.plugins import FlaskPlugin
from swagger_ui_bundle import swagger_ui_path
from werkzeug.wrappers import Response as BaseResponse

from portal.web.problems import MEDIA_TYPE
from portal.web.rendering import render_template

from .resource import Blueprint
from .schemas import ProblemSchema

blueprint = Blueprint("document", __name__)

#: where an application keeps its document
_KEPT = "portal_openapi"
#: the files of Swagger UI that are served, for a rule of addresses
FILES = "'swagger-ui.css','swagger-ui-bundle.js','favicon-32x32.png'"
_ABOUT = (
    "Programs do what people do in the pages, by the same rules: a form's JSON Schema has what the form takes, and a "
    "refusal says what is wrong by field. A token is made in one's profile: `Authorization: Bearer portal_…`."
)


_PROCESS, _TASK, _EXTERNAL = "/processes/{process_id}", "/tasks/{task_id}", "/external-tasks/{task_id}"
_OF_PROCESS = {
    "process": ("get", _PROCESS, "process_id", "id"),
    "tasks": ("get", f"{_PROCESS}/tasks", "process_id", "id"),
    "events": ("get", f"{_PROCESS}/events", "process_id", "id"),
    "comment": ("post", f"{_PROCESS}/comments", "process_id", "id"),
    "data": ("patch", f"{_PROCESS}/data", "process_id", "id"),
    "action": ("post", f"{_PROCESS}/{{action}}", "process_id", "id"),
}
_OF_TASKS = {
    "first": ("get", _TASK, "task_id", "items/0/id"),
    "action": ("post", f"{_TASK}/{{action}}", "task_id", "items/0/id"),
}
#: what can be done with an answer: by the operation and its status, the operations that a part of it leads to
LINKS: dict[tuple[str, str, str], dict[str, tuple[str, str, str, str]]] = {
    ("post", "/flows/{label}/starts/{node}", "201"): _OF_PROCESS,
    ("post", "/flows/{label}/handles/{node}", "201"): _OF_PROCESS,
    ("get", _PROCESS, "200"): _OF_PROCESS,
    ("get", f"{_PROCESS}/tasks", "200"): _OF_TASKS,
    ("get", "/tasks", "200"): _OF_TASKS,
    ("get", _TASK, "200"): {
        "action": ("post", f"{_TASK}/{{action}}", "task_id", "id"),
        "process": ("get", _PROCESS, "process_id", "process"),
    },
    ("post", "/external-tasks/fetch-and-lock", "200"): {
        word.replace("-", "_"): ("post", f"{_EXTERNAL}/{word}", "task_id", "items/0/id")
        for word in ("complete", "failure", "bpmn-error", "extend-lock", "unlock")
    },
}


class _Paths(FlaskPlugin):
    """Paths below the place of the API, wherever the portal is."""

    def path_helper(self, rule: Any, operations: Any, parameters: Any, **kwargs: Any) -> str:
        path: str = super().path_helper(rule, operations, parameters, **kwargs)
        return "/" + path.partition("/api/v1/")[2]


class _Spec(Api):
    """The document alone: pages, commands and error handlers are the portal's own."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Any) -> None:
        self._app: Any = app
        self.config: Any = {}
        self._fields: list[Any] = []
        self._converters: list[Any] = []
        self._init_spec(
            flask_plugin=_Paths(),
            title="Portal",
            version=version("flask-flow-portal"),
            openapi_version="3.1.0",
            info={"description": _ABOUT},
        )
        schemes = self.spec.components.security_scheme
        schemes("token", {"type": "http", "scheme": "bearer"})
        schemes("session", {"type": "apiKey", "in": "cookie", "name": str(app.config["SESSION_COOKIE_NAME"])})

    def _register_responses(self) -> None:
        """Every refusal is a problem."""
        self.spec.components.schema("Problem", schema=ProblemSchema)
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        self.spec.components.response("DEFAULT_ERROR", {"description": "A refusal.", "content": content})
        for status in HTTPStatus:
            if status >= 400:
                said = {"description": status.phrase, "content": content}
                self.spec.components.response(status.name, said, lazy=True)


class _WithoutCommands:
    """Stands for the application's commands, of which the document's are none."""

    def add_command(self, command: Any) -> None:
        """Leave it."""


def _make(parts: dict[str, DocumentedBlueprint]) -> dict[str, Any]:
    """The document of these blueprints, by their full names."""
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
    spec = _Spec(_Guest(app))
    for name, part in parts.items():
        part.register_views_in_doc(spec, app, spec.spec, name=name, parameters=None)
    document: dict[str, Any] = spec.spec.to_dict()
    _name_operations(document)
    _link(document)
    return document


class _Guest:
    """The part of an application that the document needs."""

    def __init__(self, app: Flask) -> None:
        self.config, self.cli = app.config, _WithoutCommands()


def _name_operations(document: dict[str, Any]) -> None:
    """Give each operation a name, by which generated clients call it."""
    for path, item in document["paths"].items():
        words = re.sub(r"[{}]", "", path).strip("/").replace("/", "_").replace("-", "_")
        for method, operation in item.items():
            if isinstance(operation, dict):
                operation.setdefault("operationId", f"{method}_{re.sub(r'[^A-Za-z0-9_]', '_', words)}")


def _link(document: dict[str, Any]) -> None:
    """Say what can be done with what an operation answers (OpenAPI's links)."""
    for (method, path, status), ways in LINKS.items():
        answer = document["paths"][path][method]["responses"][status]
        answer["links"] = {
            name: {
                "operationId": document["paths"][to][how]["operationId"],
                "parameters": {parameter: f"$response.body#/{where}"},
            }
            for name, (how, to, parameter, where) in ways.items()
        }


def document() -> dict[str, Any]:
    """The document of this application. Its server is where this request came to."""
    kept: Any = current_app.extensions.get(_KEPT)
    if kept is None:
        parts = {
            name: part
            for name, part in current_app.blueprints.items()
            if name.startswith("portal.api.") and isinstance(part, Blueprint)
        }
        kept = current_app.extensions[_KEPT] = _make(parts)
    base = url_for("portal.api.document.openapi").removesuffix("/openapi.json")
    found: dict[str, Any] = kept | {"servers": [{"url": base}]}
    return found


@blueprint.route("/openapi.json", tags=["Document"])
@blueprint.doc(security=[])
@blueprint.response(200, {"type": "object"})
def openapi() -> BaseResponse:
    """This document."""
    body = json.dumps(document()) + "\n"
    answer: BaseResponse = current_app.response_class(body, mimetype="application/json")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.add_etag()
    return answer.make_conditional(request)


def docs() -> str:
    """The document as pages for people."""
    return render_template("portal/api_docs.html")


def asset(name: str) -> Response:
    """A file of Swagger UI, from this host."""
    answer = send_from_directory(str(swagger_ui_path), name, max_age=86_400)
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer
