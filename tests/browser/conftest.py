"""A real portal on loopback, and the system's Chromium."""

import os

import pytest
from playwright.sync_api import expect
from served import served

from portal import create_app
from portal.demo import DEMO_PASSWORD
from portal.models import Draft, ParkedForm, Passwords, db, init_db
from tests.browser.chromium import CHROMIUM, QUIET
from tests.browser.few import make_few
from tests.outbox.sinks import smtp_sink

#: milliseconds that something may take on a busy machine
PATIENCE = 120_000


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
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": QUIET, "timeout": PATIENCE}


@pytest.fixture(scope="session")
def browser(browser):
    """What is looked for is waited for as long as a busy machine needs, in every context that a test opens."""
    new_context = browser.new_context

    def patient(**options):
        context = new_context(**options)
        context.set_default_timeout(PATIENCE)
        return context

    expect.set_options(timeout=PATIENCE)
    browser.new_context = patient
    return browser


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A portal with a few people and processes, and its address."""
    path = tmp_path_factory.mktemp("portal") / "portal.sqlite"
    app = create_app(
        {
            "DATABASE_URL": f"sqlite:///{path}",
            "FLOWS": ["flows", "tests.browser.offer", "tests.browser.trip"],
            "THROTTLE": "off",
        }
    )
    Passwords.cheap = True  # each sign-in would take a seventh of a second to hash
    with app.app_context():
        init_db()
        make_few()
        db.session.remove()
    with served(app) as address:
        yield app, address


@pytest.fixture(scope="session")
def base_url(shared):
    """The address of a portal that tests share: each looks at processes of its own."""
    return shared[1]


@pytest.fixture(autouse=True)
def _no_drafts(request):
    """What another test has typed and not sent is in no form."""
    if "base_url" in request.fixturenames:
        app, _address = request.getfixturevalue("shared")
        with app.app_context():
            for model in (Draft, ParkedForm):
                db.session.execute(db.delete(model))
            db.session.commit()
            db.session.remove()


def enter(page, base_url, username):
    page.goto(f"{base_url}/login")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/inbox")
    return page


@pytest.fixture
def sign_in(page, base_url):
    """Sign a person of the demo in."""
    return lambda username: enter(page, base_url, username)


@pytest.fixture
def person(browser, base_url):
    """Sign somebody in, in a browser of their own, which may have options as Playwright's contexts have."""
    contexts = []

    def person(username, **options):
        contexts.append(browser.new_context(base_url=base_url, **options))
        return enter(contexts[-1].new_page(), base_url, username)

    yield person
    for context in contexts:
        context.close()


@pytest.fixture
def smtp():
    """A mail server that keeps what it gets."""
    server = smtp_sink()
    yield server
    server.shutdown()
    server.server_close()
