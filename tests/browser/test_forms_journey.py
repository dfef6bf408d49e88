"""A trip is planned on two pages, with files, and decided by two people; every page as a browser shows it."""

import os
import re
from pathlib import Path

import pytest
from accessible import find_problems
from playwright.sync_api import expect

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0500000030101004bb0f2d20000000049454e44ae426082"
)
#: where the pictures of the pages go, for who wants to look at them
PICTURES = os.environ.get("PORTAL_PICTURES")


@pytest.fixture
def look(page):
    def look(name):
        if PICTURES:
            for width in (1280, 390):
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme)
                    page.set_viewport_size({"width": width, "height": 900})
                    page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png", full_page=True)
        assert find_problems(page) == []

    return look


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def test_a_trip_from_plan_to_booking(sign_in, page, base_url, look, tmp_path):
    photo = tmp_path / "map.png"
    photo.write_bytes(PNG)
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"%PDF-1.7 offer")

    sign_in("alice")
    page.goto(f"{base_url}/flows/trip/start/start")
    expect(page.get_by_label("Which one")).to_be_hidden()
    page.get_by_label("Kind of trip").select_option("other")
    expect(page.get_by_label("Which one")).to_be_visible()
    expect(page.get_by_text("Only if")).to_be_hidden()
    look("trip-1")
    button(page, "Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Purpose: This field is required.")
    look("trip-1-refused")
    page.get_by_label("Purpose").fill("Fair in Basel")
    page.get_by_label("Which one").fill("With the whole team")
    page.get_by_label("First day").fill("2026-12-01")
    button(page, "Continue").click()

    page.locator("input[name=papers]").set_input_files([photo, offer])
    expect(page.get_by_role("link", name="offer.pdf")).to_be_visible()
    expect(page.locator("#papers-kept img")).to_be_visible()
    row = page.get_by_role("group", name="Tickets 1", exact=True)
    row.get_by_label("Day").fill("2026-12-01")
    row.get_by_label("Where to").fill("Basel")
    page.get_by_role("button", name="Add a row").click()
    row = page.get_by_role("group", name="Tickets 2", exact=True)
    row.get_by_label("Day").fill("2026-12-03")
    row.get_by_label("Where to").fill("Bern")
    row.get_by_role("button", name="Move up").click()
    expect(page.get_by_role("group", name="Tickets 1", exact=True).get_by_label("Where to")).to_have_value(
        "Bern"
    )
    look("trip-2")
    button(page, "Back").click()
    expect(page.get_by_label("Purpose")).to_have_value("Fair in Basel")
    button(page, "Continue").click()
    expect(page.get_by_role("link", name="offer.pdf")).to_be_visible()
    button(page, "Submit").click()
    page.wait_for_url("**/processes/*")
    number = page.url.rpartition("/")[2]

    page.context.clear_cookies()
    sign_in("bob")
    page.goto(f"{base_url}/queue")
    mine = page.get_by_role("row").filter(has_text=re.compile(rf"#{number}\b"))
    mine.get_by_role("link", name="Approve trip").click()
    if button(page, "Take and open").count():
        button(page, "Take and open").click()
    expect(page.get_by_role("heading", name="Request")).to_be_visible()
    expect(page.get_by_role("link", name="offer.pdf")).to_be_visible()
    expect(page.get_by_text("Bern · ")).to_have_count(0)
    look("approve")
    page.set_viewport_size({"width": 1280, "height": 900})
    button(page, "Decline").click()
    expect(page.get_by_role("alert")).to_contain_text("Remark")
    look("approve-refused")
    page.get_by_label("Remark").fill("Take the train.")
    page.get_by_label("then open the next task").check()
    button(page, "Approve").click()
    expect(page.get_by_role("heading", name="Book trip")).to_be_visible()
    expect(page.get_by_text("Approve trip: Approve")).to_be_visible()
    expect(page.get_by_text("Take the train.")).to_be_visible()
    look("book")


def test_a_form_without_scripts_shows_everything(browser, base_url):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{base_url}/login")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("portal-demo")
    button(page, "Sign in").click()
    page.goto(f"{base_url}/flows/trip/start/start")
    expect(page.get_by_label("Which one")).to_be_visible()
    expect(page.get_by_text("Only if “Kind of trip” is “Another”.")).to_be_visible()
    page.get_by_label("Purpose").fill("Fair")
    page.get_by_label("Kind of trip").select_option("fair")
    button(page, "Continue").click()
    row = page.get_by_role("group", name="Tickets 1", exact=True)
    row.get_by_label("Day").fill("2026-12-01")
    row.get_by_label("Where to").fill("Basel")
    page.get_by_role("button", name="Add a row").click()
    row = page.get_by_role("group", name="Tickets 2", exact=True)
    row.get_by_label("Day").fill("2026-12-02")
    row.get_by_label("Where to").fill("Bern")
    row.get_by_role("button", name="Move up").click()
    expect(page.get_by_role("group", name="Tickets 1", exact=True).get_by_label("Where to")).to_have_value(
        "Bern"
    )
    button(page, "Submit").click()
    page.wait_for_url(lambda url: "/start/" not in url)
    context.close()
