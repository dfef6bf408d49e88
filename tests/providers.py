"""A provider of OpenID Connect, a process on loopback."""

import subprocess
import sys
import time

import pytest
import requests

from tests.ports import free_port


@pytest.fixture(scope="module")
def provider():
    """The address of a provider; `PUT /users/<sub>` says who is there."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + 300  # a busy machine starts it slowly
    try:
        while True:
            try:
                requests.get(f"{address}/.well-known/openid-configuration", timeout=60).raise_for_status()
                break
            except requests.ConnectionError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(60)
