"""Lines of an expense claim, in a real browser."""

from playwright.sync_api import expect


def test_rows_are_added_without_leaving_the_form(sign_in, page, base_url):
    sign_in("alice")
    page.goto(f"{base_url}/flows/expense_claim/start/start")
    page.get_by_label("Purpose").fill("Trade fair")
    page.get_by_label("IBAN").fill("CH93 0076 2011 6238 5295 7")
    for number, (what, amount) in enumerate([("Train", "51.00"), ("Ticket", "30.00"), ("Lunch", "24.50")], 1):
        if number > 1:
            page.get_by_role("button", name="Add a row").click()
        row = page.get_by_role("group", name=f"Receipts {number}")
        expect(row.get_by_label("What for")).to_have_value("")
        row.get_by_label("Day").fill("2026-07-01")
        row.get_by_label("What for").fill(what)
        row.get_by_label("Amount").fill(amount)
    page.get_by_role("button", name="Start", exact=True).click()
    page.goto(f"{base_url}/processes?q=fair")
    expect(page.get_by_text("Trade fair: 105.50")).to_be_visible()
