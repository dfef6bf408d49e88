"""Ten approvals in about ten clicks, who decides by when, and a manager's levers, in a real browser."""

import re

from playwright.sync_api import expect

from tests.browser.accessible import find_problems


def send(page, text):
    page.goto("/flows/hello_world/start/start")
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile(r"/processes/\d+$"))


def test_ten_approvals_in_about_ten_clicks(person):
    alice, bob = person("alice"), person("bob")
    for number in range(10):
        send(alice, f"Decade {number}")
    expect(alice.get_by_role("status").first).to_contain_text(
        re.compile("Next: Approve. Bob Manager( or .*)? decides")
    )
    clicks = 0

    def click(locator):
        nonlocal clicks
        clicks += 1
        locator.click()

    bob.goto("/queue?q=decade")
    click(bob.get_by_role("button", name="Take next"))
    bob.locator("summary", has_text="Which one is next?").click()  # said once, and remembered
    bob.get_by_label("In the order of the list").check()
    goes_on = bob.get_by_label("then open the next task")
    if not goes_on.is_checked():  # it is remembered: bob may have said so before
        click(goes_on)
    for number in range(10):
        expect(bob.get_by_text(f"Decade {number}").first).to_be_visible()
        click(bob.get_by_role("button", name="Approve", exact=True))
        bob.wait_for_load_state()
    assert clicks <= 12
    bob.wait_for_url(
        re.compile(r"/queue|/tasks/\d+/execute")
    )  # behind the list comes what else the inbox has
    bob.goto("/queue?q=decade")
    expect(bob.get_by_text("No matches")).to_be_visible()


def test_levers_are_accessible_and_fit(person):
    alice, carol = person("alice"), person("carol")
    send(alice, "Lever")
    process = alice.url
    carol.goto(process)
    carol.get_by_role("link", name="Approve", exact=True).first.click()
    carol.get_by_role("button", name="Take and open").click()
    carol.locator(".head-actions").get_by_text("More", exact=True).click()
    carol.get_by_role("link", name="Task details").click()
    task = carol.url.partition("?")[0]
    pages = [f"{task}/{name}" for name in ("skip", "move", "due", "priority", "snooze", "cancel")]
    pages += [
        f"{process}/data",
        f"{process}/cancel",
        "/workload",
        "/workload/redistribute?person=carol",
        task,
    ]
    for address in pages:
        carol.goto(address)
        assert find_problems(carol) == [], address
    carol.goto(f"{task}/skip")
    carol.get_by_label("Reason").fill("Nobody has to look at it.")
    carol.get_by_role("button", name="Skip").click()
    expect(carol.get_by_text("“Approve” is skipped.")).to_be_visible()
    expect(carol.get_by_text("Nobody has to look at it.").first).to_be_visible()


def test_many_are_changed_and_put_back(person):
    alice, carol = person("alice"), person("carol")
    for number in range(3):
        send(alice, f"Trio {number}")
    carol.goto("/queue?q=trio")
    carol.get_by_label("Select all on this page").check()
    carol.get_by_label("all that match, on every page").check()
    expect(carol.get_by_text("All selected")).to_be_visible()
    carol.locator("#bulk").get_by_text("More", exact=True).click()
    carol.get_by_role("button", name="Change priority…").click()
    carol.get_by_role("spinbutton", name="Priority").fill("7")
    carol.get_by_role("dialog").get_by_role("button", name="Change priority").click()
    expect(carol.get_by_text("3 tasks changed.")).to_be_visible()
    expect(carol.locator(".priority")).to_have_count(3)
    carol.get_by_role("button", name="Undo").click()
    expect(carol.get_by_text("3 tasks are as they were.")).to_be_visible()
    expect(carol.locator(".priority")).to_have_count(0)


def test_work_is_handed_over_in_a_dialog_beside_its_rows(person):
    alice, carol = person("alice"), person("carol")
    for number in range(2):
        send(alice, f"Duo {number}")
    carol.goto("/tasks?q=duo")
    carol.get_by_label("Select all on this page").check()
    assign = carol.get_by_role("button", name="Assign to…")
    assign.click()
    dialog = carol.get_by_role("dialog", name="Assign to: 2 tasks")
    expect(dialog.get_by_label("Person")).to_be_focused()
    expect(
        carol.get_by_role("row").filter(has_text="Approve").first
    ).to_be_visible()  # the rows are beside it
    assert find_problems(carol) == []
    carol.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(assign).to_be_focused()
    assign.click()
    dialog.get_by_label("Person").fill("Bob Manager")
    dialog.get_by_role("button", name="Assign", exact=True).click()
    expect(carol.get_by_text("2 tasks assigned.")).to_be_visible()
    carol.get_by_role("button", name="Undo").click()
    expect(carol.get_by_text("2 tasks are as they were.")).to_be_visible()


def test_from_a_row_one_goes_to_the_next_and_keys_select_processes_too(person):
    alice, carol = person("alice"), person("carol")
    for number in range(2):
        send(alice, f"Pair {number}")
    carol.goto("/tasks?q=pair")
    carol.locator("[data-open]").first.click()
    way = carol.get_by_role("navigation", name="In the list")
    expect(way).to_contain_text("1 of 2")
    first = carol.url
    assert find_problems(carol) == []
    way.get_by_role("link", name="Next").click()
    expect(way).to_contain_text("2 of 2")
    carol.keyboard.press("k")
    expect(way).to_contain_text("1 of 2")
    assert carol.url == first
    carol.goto(f"{first}/priority")  # a question about it is no row of a list
    expect(way).to_have_count(0)
    carol.goto("/processes?q=pair")
    expect(way).to_have_count(0)
    carol.keyboard.press("j")
    carol.keyboard.press("x")
    expect(carol.get_by_text("1 selected")).to_be_visible()
