"""What the people of the demo do, in a real browser."""

import re

from playwright.sync_api import expect


def test_a_request_goes_from_its_form_to_its_history(sign_in, page, base_url):
    sign_in("alice")
    page.goto(f"{base_url}/flows/hello_world/start/start")
    page.get_by_label("Message").fill("Cake in the kitchen")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("status").or_(page.get_by_role("alert")).first).to_be_visible()
    page.context.clear_cookies()

    sign_in("bob")
    page.goto(f"{base_url}/queue?q=Cake")
    page.get_by_role("button", name=re.compile("Take #")).click()
    page.goto(f"{base_url}/inbox?q=Cake")
    page.get_by_role("link", name="Approve").first.click()
    if "/execute" not in page.url:
        page.goto(page.url.rstrip("/") + "/execute")
    expect(page.get_by_text("Cake in the kitchen").first).to_be_visible()
    page.get_by_role("button", name="Approve", exact=True).click()

    page.goto(f"{base_url}/processes?q=Cake")
    page.get_by_role("link", name=re.compile("Hello world")).first.click()
    expect(page.locator("svg.flow-chart, .flow-scroll svg").first).to_be_visible()
    expect(page.get_by_text("Bob Manager").first).to_be_visible()


def test_a_decision_is_made_by_the_keyboard_and_not_by_enter_in_an_input(sign_in, page, base_url):
    sign_in("bob")
    page.goto(f"{base_url}/queue?flow=leave_request")
    page.get_by_role("button", name="Take next").click()
    remark = page.get_by_label("Remark")
    approve = page.get_by_role("button", name="Approve", exact=True)
    decline = page.get_by_role("button", name="Decline", exact=True)
    remark.focus()
    page.keyboard.press("Tab")
    expect(approve).to_be_focused()
    page.keyboard.press("Tab")
    expect(decline).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link").press("Enter")
    expect(remark).to_be_focused()
    page.keyboard.type("Too many are away then")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("status").get_by_text("is done")).to_be_visible()


def test_an_invalid_form_comes_back_whole(sign_in, page, base_url):
    sign_in("alice")
    page.goto(f"{base_url}/flows/leave_request/start/start")
    page.get_by_label("Anything your manager should know").fill("A wedding")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_label("Anything your manager should know")).to_have_value("A wedding")
    assert "Error" in page.title()


def test_a_draft_survives_leaving_the_page(sign_in, page, base_url):
    sign_in("alice")
    page.goto(f"{base_url}/flows/hello_world/start/start")
    page.get_by_label("Message").fill("Not finished ye")
    page.get_by_label("Message").press("t")
    expect(page.locator("[data-draft-state]")).to_contain_text("Saved")
    page.goto(f"{base_url}/inbox")
    page.goto(f"{base_url}/flows/hello_world/start/start")
    expect(page.get_by_label("Message")).to_have_value("Not finished yet")


def test_keys_lead_to_the_inbox_and_tell_themselves(sign_in, page, base_url):
    sign_in("bob")
    page.goto(f"{base_url}/processes")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/inbox")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_portal_works_without_javascript(browser, base_url):
    from portal.demo import DEMO_PASSWORD

    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{base_url}/login")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{base_url}/flows/hello_world/start/start")
    page.get_by_label("Message").fill("Plain")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.goto(f"{base_url}/processes?mine=1&q=Plain")
    expect(page.get_by_text("Plain").first).to_be_visible()
    page.context.close()
