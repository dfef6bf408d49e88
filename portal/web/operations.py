"""Endpoints for operation: health, readiness and metrics."""

from __future__ import annotations

import datetime as dt
import hmac
import logging
import math
import time
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, request
from flask.sansio.scaffold import Scaffold
from sqlalchemy.exc import SQLAlchemyError

from portal import metrics, queries, trace
from portal.engine.retries import disturbance, give_up, reason
from portal.errors import Unusable
from portal.models import db, schema_fault, utcnow

from .urls import in_log

blueprint = Blueprint("operations", __name__)

#: what proxies write, beside X-Forwarded-…
FORWARDED = frozenset(("Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip"))
#: those that figures are counted by: whoever asks may invent others
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
#: the endpoints of which no line is logged
_UNTOLD = frozenset(("static", "asset", "bootstrap", "operations.alive"))
#: where the environment of a request has what ends its trace
_KEPT = "portal.trace"
#: a worker that has said nothing for so long is not counted
SEEN = dt.timedelta(minutes=1)


@blueprint.get("/healthz")
def alive() -> tuple[str, int, dict[str, str]]:
    """This process answers. Nothing else is asked, so that a slow database does not get it restarted."""
    return "ok\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Whether requests can be served: 200 when the database answers and has the schema of this code, else 503.

    The workers that were seen in the last minute are told, and how many of their jobs were given up and do not end;
    but nobody is sent away for these.
    """
    answer: dict[str, Any] = {"database": "ok", "schema": "ok"}
    try:
        fault = schema_fault(db.session())
        if fault is not None:
            answer["schema"] = fault
        else:
            seen = queries.workers_seen(db.session(), utcnow() - SEEN)
            answer |= {"workers": len(seen), "stuck_jobs": sum(each.lost for each in seen)}
    except SQLAlchemyError as error:
        found = disturbance(error)
        current_app.logger.warning("not ready: %s", reason(error))
        answer |= {
            "database": str(found) if isinstance(found, Unusable) else "does not answer",
            "schema": "unknown",
        }
    finally:
        give_up(db.session())
    good = answer["database"] == answer["schema"] == "ok"
    return jsonify(answer), 200 if good else 503


@blueprint.get("/metrics")
def figures() -> Response:
    """Prometheus's text format, for who holds the token, or for this machine itself where there is none."""
    _demand_watcher()
    text = metrics.exposition(current_app.extensions["portal_waiting"])
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _demand_watcher() -> None:
    token = current_app.extensions["portal"].metrics_token
    if token:
        given = request.authorization
        sent = (given.token or "").encode() if given is not None and given.type == "bearer" else b""
        if not hmac.compare_digest(sent, token.encode()):
            abort(403, "These figures are for who holds PORTAL_METRICS_TOKEN.")
        return
    # Behind a proxy every caller comes from this machine, or says where it comes from: then only the token tells.
    forwarded = current_app.extensions["portal"].trusted_proxies > 0 or any(
        name.startswith("X-Forwarded-") or name in FORWARDED for name, _ in request.headers
    )
    if forwarded or request.remote_addr not in ("127.0.0.1", "::1"):
        abort(403, "These figures are for this machine alone, until PORTAL_METRICS_TOKEN is set.")


def init_app(app: Flask) -> None:
    share = math.inf if app.testing else metrics.SHARE  # a test reads what it has just done
    app.extensions["portal_waiting"] = metrics.Waiting(lambda: db.session(), utcnow, share)


def attach(scope: Scaffold) -> None:
    scope.before_request(_begin)
    scope.after_request(_end)
    scope.teardown_request(_forget)


def _begin() -> None:
    g.began = time.perf_counter()
    # kept with the request: code may make another one within it, which ends before it
    request.environ[_KEPT] = trace.current.set(trace.fit(request.headers.get("X-Request-ID")))


def _end(response: Response) -> Response:
    if "began" not in g:  # an application around us has answered before us
        return response
    response.headers["X-Request-ID"] = trace.current.get()
    seconds = time.perf_counter() - g.began
    endpoint, method, status = (
        (request.endpoint or "none").removeprefix("portal."),
        request.method,
        response.status_code,
    )
    counted = method if method in METHODS else "other"
    metrics.request_seconds(counted, endpoint, str(status)).observe(seconds)
    log = current_app.logger
    if endpoint not in _UNTOLD and log.isEnabledFor(logging.INFO):
        log.info(
            "%s %s %s", method, in_log(), status,
            extra={"status": status, "milliseconds": round(seconds * 1000, 1), "endpoint": endpoint},
        )  # fmt: skip
    return response


def _forget(error: BaseException | None) -> None:
    began = request.environ.pop(_KEPT, None)
    if began is not None:
        trace.current.reset(began)
