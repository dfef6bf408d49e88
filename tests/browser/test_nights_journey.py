"""An administrator's night: a failed job found from its mail, its data mended, retried, the rest in the background."""

import re

import pytest
from playwright.sync_api import expect
from served import served

from portal import create_app, views
from portal.models import create_user, db, init_db
from tests.browser.accessible import find_problems
from tests.browser.night import BANK, PayoutFlow
from tests.ports import free_port

PASSWORD = "correct horse"


@pytest.fixture
def site(tmp_path, smtp):
    """A portal with workers of its own and seven claims; its address."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    app = create_app(
        {
            "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite'}",
            "FLOWS": ["tests.browser.night"],
            "THROTTLE": "off",
            "BASE_URL": base,
            "MAIL_BACKEND": "smtp",
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": smtp.port,
        }
    )
    BANK["away"] = True
    with app.app_context():
        init_db()
        carol = create_user(
            "carol", PASSWORD, is_superuser=True, full_name="Carol Meier", email="carol@example.com"
        )
        for number in range(7):
            views.submit(PayoutFlow.start, carol, title=f"Claim {number + 1}", iban="DE00")
        db.session.remove()
    with served(app, port) as address:
        yield address


def accessible(page):
    assert find_problems(page) == []


def test_a_night(site, smtp, page):
    page.goto(f"{site}/login")  # a request starts the workers
    for _ in range(3000):
        if len(smtp.received) >= 7:
            break
        page.wait_for_timeout(100)
    text = smtp.received[-1].get_body(("plain",)).get_content()
    link = re.search(rf"{re.escape(site)}/admin/incidents/\w+", text).group()

    page.goto(link)
    page.get_by_label("User name").fill("carol")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Payout · Pay")).to_be_visible()
    expect(page.get_by_text("Told by mail or in the portal: Carol Meier.")).to_be_visible()
    expect(page.get_by_text("bank.example timed out after 30 s").first).to_be_visible()
    accessible(page)

    page.get_by_role("link", name="Change data and retry").first.click()
    page.get_by_label("IBAN").fill("CH93")
    accessible(page)
    page.get_by_role("button", name="Save and retry").click()
    expect(page.get_by_text("The data is changed, and “Pay” is retried.")).to_be_visible()
    for _ in range(1000):
        page.goto(link)
        if page.get_by_role("button", name="Retry all 6").count():
            break
        page.wait_for_timeout(100)

    BANK["away"] = False
    page.get_by_role("button", name="Retry all 6").click()
    page.wait_for_url("**/admin/operations/*")
    expect(page.get_by_text("6 of 6")).to_be_visible()  # the page looks again by itself
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    accessible(page)

    page.goto(f"{site}/admin/incidents")
    expect(page.get_by_role("heading", name="No open incidents")).to_be_visible()
    page.get_by_role("link", name="Resolved in the last 7 days").click()
    expect(page.get_by_role("link", name="Payout · Pay")).to_be_visible()
    accessible(page)

    page.goto(f"{site}/admin/jobs")
    expect(page.get_by_role("button", name="Run now")).to_have_count(7)
    accessible(page)
    page.get_by_role("button", name="Run now").first.click()
    expect(page.get_by_role("button", name="Run now")).to_have_count(6)
