"""Colleagues in real browsers: one is away and another does the work; one is mentioned, and answers."""

import datetime as dt
import re

from playwright.sync_api import expect

from tests.browser.accessible import find_problems


def ask(page, text):
    """Start a message to the world; the address of its process."""
    page.goto("/flows/hello_world/start/start")
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Submit", exact=True).click()
    address = page.get_by_role("status").get_by_role("link").get_attribute("href")
    assert address is not None
    return address


def test_a_sick_colleagues_work_is_done_by_a_substitute(person):
    carol, bob, alice = person("carol"), person("bob"), person("alice")
    process = ask(carol, "The lift is out of order")
    bob.goto(process)
    bob.get_by_role("link", name="Approve", exact=True).first.click()
    bob.get_by_role("button", name="Take and open").click()
    expect(bob.get_by_role("heading", name="Approve")).to_be_visible()

    bob.goto("/profile")
    bob.get_by_role("link", name="Absences and substitute").click()
    today = dt.datetime.now(dt.UTC).date()
    bob.get_by_label("First day away").fill(today.isoformat())
    bob.get_by_label("Last day away").fill((today + dt.timedelta(days=2)).isoformat())
    bob.get_by_label("Substitute").fill("alice")
    assert find_problems(bob) == []
    bob.get_by_role("button", name="Save").click()
    expect(bob.get_by_text("Substitute: Alice Employee")).to_be_visible()

    alice.goto("/inbox")
    row = alice.get_by_role("row").filter(has_text=f"#{process.rpartition('/')[2]}")
    expect(row).to_contain_text("for Bob Manager")
    assert find_problems(alice) == []
    row.get_by_role("link", name="Approve").first.click()
    expect(alice.get_by_text("for Bob Manager")).to_be_visible()
    alice.get_by_role("button", name="Approve").click()
    expect(alice.get_by_role("status").get_by_text("is done")).to_be_visible()

    carol.goto(process)
    event = carol.get_by_role("listitem").filter(has_text="Alice Employee finished")
    expect(event).to_contain_text("for Bob Manager")

    bob.goto("/profile/absences")
    bob.get_by_role("button", name="End now").click()
    expect(bob.get_by_text("No absence is planned.")).to_be_visible()


def test_whoever_is_mentioned_reads_it_and_answers(person):
    alice, bob = person("alice"), person("bob", viewport={"width": 390, "height": 800})
    process = ask(alice, "A canteen for the ground floor")
    bob.goto(process)
    bob.get_by_role("textbox", name="Comment").fill("@alice for how **many** people?")
    bob.get_by_role("button", name="Comment", exact=True).click()
    expect(bob.locator(".comment-text")).to_contain_text("for how many people?")
    assert find_problems(bob) == []

    alice.goto("/inbox")  # with what the demo has told her, and this
    bell = alice.get_by_role("link", name=re.compile("Notices"))
    unread = int(re.sub(r"\D", "", bell.inner_text()))
    bell.click()
    assert find_problems(alice) == []
    alice.get_by_role("link", name="Bob Manager mentioned you").first.click()
    alice.wait_for_url("**/processes/*#comment-*")
    expect(alice.locator(".mention")).to_have_text("@alice")
    alice.get_by_role("textbox", name="Comment").fill("@bob about sixty")
    alice.get_by_role("button", name="Comment", exact=True).click()
    expect(bell).to_contain_text(
        f"{unread - 1} unread" if unread > 1 else "Notices"
    )  # a notice that is followed is read

    bob.goto("/notices")
    expect(bob.get_by_role("link", name="Alice Employee mentioned you")).to_be_visible()
