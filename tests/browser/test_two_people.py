"""Two people at one process, in real browsers: one field, one task, and what has failed below it."""

import re

from playwright.sync_api import expect

from tests.browser.accessible import find_problems


def start_offer(page, title):
    """Start an offer; the address of its process."""
    page.goto("/flows/offer/start/start")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Amount").fill("1450.00")
    page.get_by_role("button", name="Submit", exact=True).click()
    address = page.get_by_role("status").get_by_role("link").get_attribute("href")
    assert address is not None
    return address


def open_form(page, process, step):
    """Take a step of a process and open its form."""
    page.goto(process)
    page.get_by_role("link", name=step, exact=True).first.click()
    page.get_by_role("button", name="Take and open").click()
    expect(page.get_by_role("heading", name=step)).to_be_visible()


def test_both_change_one_field_and_the_second_decides(person):
    bob, carol = person("bob"), person("carol")
    process = start_offer(bob, "Forklift")
    open_form(bob, process, "Check offer")
    open_form(carol, process, "Check price")
    carol.get_by_label("Amount").fill("1620.00")
    carol.get_by_role("button", name="Submit", exact=True).click()
    expect(carol.get_by_role("status").get_by_text("is done")).to_be_visible()
    bob.get_by_label("Amount").fill("1500.00")
    bob.get_by_label("Note").fill("Theirs is dearer")
    bob.get_by_role("button", name="Submit", exact=True).click()
    expect(bob.get_by_role("alert")).to_be_focused()
    expect(bob.get_by_label("Amount")).to_have_value("1500.00")
    assert find_problems(bob) == []
    bob.get_by_role("button", name="Use this for Amount").click()
    expect(bob.get_by_label("Amount")).to_have_value("1620.00")
    expect(bob.get_by_label("Note")).to_have_value("Theirs is dearer")
    bob.get_by_role("button", name="Submit", exact=True).click()
    bob.goto(process)
    expect(bob.get_by_text("Forklift: 1620.00")).to_be_visible()


def test_a_task_that_was_taken_over_shows_what_was_typed(person):
    bob, carol = person("bob"), person("carol")
    process = start_offer(bob, "Crane")
    open_form(bob, process, "Check offer")
    task = re.sub(r"/execute.*", "", bob.url)
    carol.goto(f"{task}/reassign")
    carol.get_by_label("Person").fill("carol")
    carol.get_by_role("button", name="Assign").click()
    bob.get_by_label("Note").fill("It lifts two tonnes")
    bob.get_by_role("button", name="Submit", exact=True).click()
    expect(bob.get_by_role("heading", name="Taken by Carol Admin")).to_be_visible()
    expect(bob.get_by_text("It lifts two tonnes")).to_be_visible()
    assert find_problems(bob) == []


def test_what_failed_below_is_told_on_a_phone_too(person):
    bob = person("bob")
    process = start_offer(bob, "Lorry")
    bob.goto(process)
    expect(bob.get_by_text("Needs attention").first).to_be_visible()
    for _ in range(1000):  # the job runs in a thread of the portal
        if bob.get_by_text("Attempt 1 of 4 failed").count():
            break
        bob.wait_for_timeout(100)
        bob.reload()
    expect(bob.get_by_text("Attempt 1 of 4 failed")).to_be_visible()
    assert find_problems(bob) == []
    bob.get_by_role("link", name="Open process").click()
    expect(bob.get_by_text("The bank's certificate has expired").first).to_be_visible()
    assert find_problems(bob) == []
