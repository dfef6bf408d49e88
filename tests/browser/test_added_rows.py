"""Lines of an expense claim, in a real browser."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def claim(sign_in, page, base_url):
    sign_in("alice")
    page.goto(f"{base_url}/flows/expense_claim/start/start")
    return page


@pytest.fixture
def line(claim):
    """Fill one line in, or look at it."""

    def line(number, what=None, amount="10.00"):
        row = claim.get_by_role("group", name=f"Receipts {number}", exact=True)
        if what is not None:
            row.get_by_label("Day").fill("2026-07-01")
            row.get_by_label("What for").fill(what)
            row.get_by_label("Amount").fill(amount)
        return row

    return line


def add(page):
    page.get_by_role("button", name="Add a row").click()


def test_rows_are_added_without_leaving_the_form(claim, line, page, base_url):
    page.get_by_label("Purpose").fill("Trade fair")
    page.get_by_label("IBAN").fill("CH93 0076 2011 6238 5295 7")
    for number, (what, amount) in enumerate([("Train", "51.00"), ("Ticket", "30.00"), ("Lunch", "24.50")], 1):
        if number > 1:
            add(page)
        expect(line(number).get_by_label("What for")).to_have_value("")
        line(number, what, amount)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.goto(f"{base_url}/processes?q=fair")
    expect(page.get_by_text("Trade fair").first).to_be_visible()


def test_a_row_is_removed_and_comes_back(claim, line, page):
    line(1, "Train")
    add(page)
    line(2, "Ticket")
    line(1).get_by_role("button", name="Remove").click()
    expect(line(1).get_by_label("What for")).to_have_value("Ticket")
    expect(page.get_by_text("Receipts 1 is removed.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(line(1).get_by_label("What for")).to_have_value("Train")
    expect(line(2).get_by_label("What for")).to_have_value("Ticket")


def test_a_draft_has_its_rows(claim, line, page):
    line(1, "Train")
    add(page)
    line(2, "Ticket")
    add(page)
    line(3, "Lunch")
    line(2).get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    page.reload()
    expect(page.get_by_text("restored")).to_be_visible()
    expect(line(1).get_by_label("What for")).to_have_value("Train")
    expect(line(2).get_by_label("What for")).to_have_value("Lunch")
    page.get_by_role("button", name="Discard draft").click()
    expect(line(1).get_by_label("What for")).to_have_value("")
    expect(line(2)).to_have_count(0)


def test_all_rows_removed_is_told_as_such(claim, line, page):
    page.get_by_label("Purpose").fill("Nothing")
    page.get_by_label("IBAN").fill("x")
    line(1).get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("alert").get_by_text("Receipts: At least one entry is needed.")).to_be_visible()
    expect(page.get_by_label("Purpose")).to_have_value("Nothing")
