"""A real portal on loopback, and the system's Chromium."""

import os
import shutil
import threading

import pytest
from waitress.server import create_server

from portal import create_app
from portal.demo import DEMO_PASSWORD, make_demo
from portal.models import db, init_db

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is required here: install Debian's package chromium")
        pytest.skip("no Chromium: install Debian's package chromium to run the browser tests")
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": QUIET}


@pytest.fixture(scope="session")
def base_url(tmp_path_factory):
    """The address of a portal with the demo's people and processes."""
    path = tmp_path_factory.mktemp("portal") / "portal.sqlite"
    app = create_app(
        {
            "DATABASE_URL": f"sqlite:///{path}",
            "FLOWS": ["flows", "tests.browser.offer", "tests.browser.trip"],
            "THROTTLE": "off",
        }
    )
    with app.app_context():
        init_db()
        make_demo()
        db.session.remove()
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    app.extensions["portal_scheduler"].stop()
    thread.join(timeout=10)


@pytest.fixture
def sign_in(page, base_url):
    """Sign a person of the demo in."""

    def sign_in(username):
        page.goto(f"{base_url}/login")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill(DEMO_PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/inbox")
        return page

    return sign_in
