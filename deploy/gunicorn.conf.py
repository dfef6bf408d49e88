"""How gunicorn serves the portal; `PORTAL_BIND`, `WEB_CONCURRENCY` and `PORTAL_PRELOAD` are the machine's."""

import gc
import os

bind = os.environ.get("PORTAL_BIND", "0.0.0.0:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "4"))
#: the application is made once, and the processes share it: a quarter to a half of the memory less. A reload would
#: start the old code again, so that new code comes with a restart then
preload_app = os.environ.get("PORTAL_PRELOAD") == "1"
worker_class = "gthread"
threads = 4
#: a request that takes longer is broken; its worker is replaced
timeout = 30
#: for what is under way at a stop or a reload
graceful_timeout = 30
#: longer than the proxy's, so that it is the proxy who closes
keepalive = 75
accesslog = None  # the portal writes its own, with the id of the request


def pre_fork(server, worker):
    """What is there is not looked at again by the garbage collection of a process, which would make a copy of it."""
    gc.freeze()


def post_worker_init(worker):
    """Nor where each process has made the application for itself: what it has made stays."""
    gc.freeze()


def child_exit(server, worker):
    """Take the figures of a process that has ended out of the sum of those that live."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
