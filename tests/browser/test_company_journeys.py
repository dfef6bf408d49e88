"""What colleagues do with each other's requests, each in a browser of their own: from the request to its end."""

import re

from playwright.sync_api import expect

from tests.browser.accessible import find_problems


def claim(page, purpose, iban="CH93 0076 2011 6238 5295 7"):
    """Claim expenses with one receipt; the address of the process."""
    page.goto("/flows/expense_claim/start/start")
    page.get_by_label("Purpose").fill(purpose)
    page.get_by_label("IBAN").fill(iban)
    if not page.get_by_label("What for").count():
        page.get_by_role("button", name=re.compile("Add")).first.click()
    page.get_by_label("Day").first.fill("2026-11-20")
    page.get_by_label("What for").first.fill("Train")
    page.get_by_label("Amount").first.fill("48.20")
    page.get_by_role("button", name="Submit", exact=True).click()
    address = page.get_by_role("status").get_by_role("link").first.get_attribute("href")
    assert address is not None
    return address


def decide(page, process, step, answer):
    """Take a step of a process and answer it."""
    page.goto(process)
    page.get_by_role("link", name=step, exact=True).first.click()
    page.get_by_role("button", name="Take and open").click()
    page.get_by_role("button", name=answer, exact=True).click()
    expect(page.get_by_role("status").get_by_text("is done")).to_be_visible()


def request_of(page, purpose):
    """The row of a request."""
    page.goto("/requests")
    return page.get_by_role("listitem").filter(has_text=purpose).first


def test_a_request_goes_by_three_people_and_its_line_tells_how_far_it_is(person):
    alice, bob, carol = person("alice"), person("bob"), person("carol")
    process = claim(alice, "Fair in Olten")
    row = request_of(alice, "Fair in Olten")
    expect(row.locator(".is-current")).to_contain_text("Manager")
    decide(bob, process, "Check the receipts", "Approve")
    row = request_of(alice, "Fair in Olten")
    expect(row.locator(".is-current")).to_contain_text("Finance")
    assert find_problems(alice) == []
    decide(carol, process, "Countersign", "Countersign")
    for _ in range(1000):  # the bank is a job
        alice.goto("/requests?show=finished")
        if alice.get_by_text("Paid CHF 48.20").count():
            break
        alice.wait_for_timeout(100)
    expect(alice.get_by_role("listitem").filter(has_text="Fair in Olten")).to_contain_text("Paid CHF 48.20")


def test_the_work_of_a_sick_colleague_is_given_away(person):
    alice, carol, dave = person("alice"), person("carol"), person("dave")
    for purpose in ("Sick leave one", "Sick leave two"):
        claim(alice, purpose)
        dave.goto("/queue?flow=expense_claim&sort=-created")
        dave.get_by_role("row").filter(has_text=re.compile("Alice")).first.get_by_role(
            "button", name="Take"
        ).click()
    carol.goto("/workload?flow=expense_claim")
    row = carol.get_by_role("row").filter(has_text="Dave Deputy")
    expect(row).to_contain_text("2")
    assert find_problems(carol) == []
    row.get_by_role("link", name=re.compile("Redistribute")).click()
    carol.get_by_role("button", name=re.compile("Assign 2 tasks")).click()
    expect(carol.get_by_role("status").first).to_be_visible()
    carol.goto("/workload?flow=expense_claim")
    expect(carol.get_by_role("row").filter(has_text="Dave Deputy")).to_have_count(0)
    dave.goto("/inbox")
    expect(dave.get_by_role("main")).to_be_visible()
    expect(dave.get_by_role("link", name="Check the receipts")).to_have_count(0)


def test_of_two_who_race_for_a_task_one_gets_it_and_the_other_is_told(person):
    alice, bob, dave = person("alice"), person("bob"), person("dave")
    process = claim(alice, "A race")
    bob.goto(process)
    bob.get_by_role("link", name="Check the receipts", exact=True).first.click()
    bob.wait_for_url("**/tasks/*")
    dave.goto(bob.url)
    bob.get_by_role("button", name="Take and open").click()
    expect(bob.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    dave.get_by_role("button", name="Take and open").click()
    expect(dave.get_by_role("heading", name="Taken by Bob Manager")).to_be_visible()
    assert find_problems(dave) == []


def test_a_request_is_found_and_sent_by_the_keyboard_alone(person):
    alice = person("alice")
    alice.keyboard.press("g")
    alice.keyboard.press("s")
    alice.wait_for_url("**/flows")
    search = alice.get_by_label("Search requests")
    for _ in range(30):
        if search.evaluate("element => element === document.activeElement"):
            break
        alice.keyboard.press("Tab")
    alice.keyboard.type("announcement")
    expect(alice.get_by_role("link", name="Hello world", exact=True)).to_be_visible()
    catalogue = alice.locator("[data-catalogue-group]")  # beside what she often uses
    expect(catalogue.get_by_role("link", name="Leave request", exact=True)).to_be_hidden()
    start = alice.get_by_role("link", name="Start Hello world")
    for _ in range(10):
        alice.keyboard.press("Tab")
        if start.evaluate("element => element === document.activeElement"):
            break
    alice.keyboard.press("Enter")
    alice.wait_for_url("**/start/start")
    message = alice.get_by_label("Message")
    for _ in range(30):
        if message.evaluate("element => element === document.activeElement"):
            break
        alice.keyboard.press("Tab")
    alice.keyboard.type("By keys alone")
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("status").first).to_be_visible()
    alice.goto("/requests")
    expect(alice.get_by_text("By keys alone")).to_be_visible()


def test_a_request_is_sent_and_withdrawn_on_a_phone(person):
    alice = person("alice", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    alice.get_by_role("button", name="Menu").tap()
    alice.get_by_role("link", name="New request").first.tap()
    alice.get_by_role("link", name="Start Leave request").tap()
    alice.get_by_label("First day").fill("2027-03-01")
    alice.get_by_label("Last day").fill("2027-03-05")
    alice.get_by_role("button", name="Submit", exact=True).tap()
    expect(alice.get_by_role("status").first).to_be_visible()
    row = request_of(alice, "5 days off from 1 Mar 2027")
    withdraw = row.get_by_role("link", name=re.compile("Withdraw"))
    assert withdraw.bounding_box()["height"] >= 44
    assert alice.evaluate("document.documentElement.scrollWidth") <= 390
    withdraw.tap()
    alice.get_by_role("button", name="Withdraw request").tap()
    expect(alice.get_by_role("status").get_by_text("is withdrawn")).to_be_visible()
    alice.goto("/requests?show=finished")
    row = alice.get_by_role("listitem").filter(has_text="5 days off from 1 Mar 2027").first
    expect(row).to_contain_text("Cancelled")


def test_the_catalogue_and_ones_requests_need_no_script(person):
    alice = person("alice", java_script_enabled=False)
    alice.goto("/flows")
    alice.get_by_label("Search requests").fill("vacation")
    alice.get_by_label("Search requests").press("Enter")
    expect(alice.get_by_role("link", name="Purchase order", exact=True)).to_have_count(0)
    alice.get_by_role("link", name="Start Leave request").click()
    alice.get_by_label("First day").fill("2027-04-05")
    alice.get_by_label("Last day").fill("2027-04-06")
    alice.get_by_role("button", name="Submit", exact=True).click()
    row = request_of(alice, "2 days off from 5 Apr 2027")
    row.get_by_role("link", name=re.compile("Withdraw")).click()
    alice.get_by_role("button", name="Withdraw request").click()
    alice.goto("/requests")
    expect(alice.locator(".finished").get_by_text("2 days off from 5 Apr 2027")).to_be_visible()


ABOVE_THE_FOLD = """
() => [...document.querySelectorAll("[data-rows-list] > tbody > tr")]
    .filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length
"""


def test_five_cards_stand_above_the_fold_of_a_phone_and_twelve_rows_on_a_laptop(person):
    carol = person("carol", viewport={"width": 390, "height": 844})
    carol.goto("/processes")
    assert carol.evaluate(ABOVE_THE_FOLD) >= 5
    right = carol.locator("td.col-started").evaluate_all(
        "cells => cells.map((cell) => Math.round(cell.getBoundingClientRect().right))"
    )
    assert len(set(right)) == 1, "what stands at the right stands in line"
    carol.set_viewport_size({"width": 1280, "height": 800})
    assert carol.evaluate(ABOVE_THE_FOLD) >= 12
