"""Ports on loopback for the servers that tests start."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

#: below those that a system gives to outgoing connections, which could take the port of a server that is down
PORTS = (20000, 32000)


def free_port() -> int:
    """A port that nobody listens on."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
