"""`portal worker`: timers and jobs, without pages."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from portal.errors import PortalError


@click.command("worker")
@click.option(
    "--grace", type=float, help="Seconds to finish what has begun after SIGTERM; PORTAL_GRACE, else 30."
)
@click.option(
    "--metrics", envvar="PORTAL_WORKER_METRICS", metavar="HOST:PORT", help="Where /metrics tells what it did."
)
@with_appcontext
def worker(grace: float | None, metrics: str | None) -> None:
    """Fire timers and run jobs until SIGTERM; any number of them may run."""
    from portal.work.worker import work

    if metrics is not None:
        _serve_figures(metrics)
    work(current_app.extensions["portal_scheduler"], grace)


def _serve_figures(place: str) -> None:
    """Serve what this process counts, in a thread.

    Raises:
        PortalError: nobody can listen there.
    """
    from prometheus_client import start_http_server

    host, _, port = place.rpartition(":")
    try:
        start_http_server(int(port), addr=host or "127.0.0.1")
    except (ValueError, OverflowError, OSError) as error:
        raise PortalError(
            f"no metrics at {place!r}: {error}; it is HOST:PORT, such as 127.0.0.1:9100"
        ) from error
