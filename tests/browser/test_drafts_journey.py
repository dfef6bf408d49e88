"""What is typed survives the end of a session, and is there on another machine, in real browsers."""

import pytest
from playwright.sync_api import expect

from portal.demo import DEMO_PASSWORD

START = "/flows/hello_world/start/start"


def sign_in(page, base_url, username="alice", address="/login"):
    if address:
        page.goto(f"{base_url}{address}")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()


def end_session(context):
    """As when a session has timed out: the browser has other cookies, but not that of the session."""
    context.clear_cookies(name="session")
    context.clear_cookies(name="portal_session")


@pytest.mark.parametrize("script", [True, False])
def test_the_session_ends_while_somebody_types(browser, base_url, script):
    context = browser.new_context(java_script_enabled=script)
    page = context.new_page()
    sign_in(page, base_url)
    page.goto(f"{base_url}{START}")
    text = f"Typed for an hour, script {script}"
    page.get_by_label("Message").fill(text)
    end_session(context)
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("Your session has expired. What you typed is kept")).to_be_visible()
    sign_in(page, base_url, address=None)
    assert page.url == f"{base_url}{START}"
    expect(page.get_by_label("Message")).to_have_value(text)
    expect(page.get_by_text("restored")).to_be_visible()
    page.get_by_role("button", name="Submit", exact=True).click()
    page.goto(f"{base_url}{START}")
    expect(page.get_by_label("Message")).to_have_value("")
    context.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_draft_is_found_on_another_machine_and_discarded(browser, base_url, script):
    first, second = browser.new_context(), browser.new_context(java_script_enabled=script)
    page = first.new_page()
    sign_in(page, base_url)
    page.goto(f"{base_url}{START}")
    page.get_by_label("Message").fill("Begun at hom")
    page.get_by_label("Message").press("e")
    expect(page.locator("[data-draft-state]")).to_contain_text("Saved")
    first.close()
    page = second.new_page()
    sign_in(page, base_url)
    page.goto(f"{base_url}{START}")
    expect(page.get_by_label("Message")).to_have_value("Begun at home")
    page.get_by_role("button", name="Discard draft").click()
    expect(page.get_by_label("Message")).to_have_value("")
    second.close()


def test_a_save_that_fails_is_told(sign_in, page, base_url):
    sign_in("alice")
    page.goto(f"{base_url}{START}")
    page.route("**/draft", lambda route: route.abort())
    page.get_by_label("Message").press("x")
    expect(page.locator("[data-draft-state]")).to_contain_text("Not saved")
    page.unroute("**/draft")
    page.get_by_label("Message").press("y")
    expect(page.locator("[data-draft-state]")).to_contain_text("Saved")
    page.reload()
    page.get_by_role("button", name="Discard draft").click()
