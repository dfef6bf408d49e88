"""Ports on loopback for the servers that tests start."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from random import Random

#: below those that a system gives to outgoing connections, which could take the port of a server that is down
PORTS = (20000, 32000)
#: each worker of a run has ports of its own: a server can take seconds to listen on the one that it was given
SHARES = 16


def _share() -> Iterator[int]:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SHARES
    size = (PORTS[1] - PORTS[0]) // SHARES
    ports = list(range(PORTS[0] + number * size, PORTS[0] + (number + 1) * size))
    Random().shuffle(ports)  # a test may have seeded the one that all share
    return cycle(ports)


_ports = _share()


def free_port() -> int:
    """A port that nobody listens on, and that this process was not given before."""
    while True:
        port = next(_ports)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
