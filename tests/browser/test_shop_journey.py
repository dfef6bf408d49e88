"""The example shop in a browser: from its own sign-in into the portal, and back to its own page."""

import pytest
import shop
from accessible import find_problems
from playwright.sync_api import expect
from served import served
from shop.models import db
from shop.setup import fill


@pytest.fixture(scope="module")
def shop_url(tmp_path_factory):
    path = tmp_path_factory.mktemp("shop") / "shop.sqlite"
    app = shop.create_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})
    with app.app_context():
        fill()
        db.session.remove()
    with served(app) as address:
        yield address


def enter(page, name):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill("shop")
    page.get_by_role("button", name="Sign in").click()


def test_a_refund_from_the_shop_through_the_portal_and_back(page, shop_url):
    page.goto(f"{shop_url}/work/flows/refund/start/start")
    expect(page).to_have_url(f"{shop_url}/login?next=%2Fwork%2Fflows%2Frefund%2Fstart%2Fstart")
    enter(page, "claire")
    expect(page).to_have_url(f"{shop_url}/work/flows/refund/start/start")
    page.get_by_label("Amount").fill("12.50")
    page.get_by_label("Reason").fill("It fell apart")
    page.get_by_label("Order").select_option(label="A-100, Ada")
    assert find_problems(page) == []
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page).to_have_url(f"{shop_url}/work/processes/1")
    page.goto(shop_url)
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{shop_url}/work/queue")
    enter(page, "max")
    page.get_by_role("button", name="Take", exact=False).first.click()
    page.goto(f"{shop_url}/work/inbox")
    page.get_by_role("link", name="Approve the refund").first.click()
    if "/execute" not in page.url:
        page.goto(page.url.rstrip("/") + "/execute")
    page.get_by_label("Remark").fill("Too late")
    page.get_by_role("button", name="Decline", exact=True).click()
    expect(page.get_by_role("status").get_by_text("is done")).to_be_visible()
    expect(page.get_by_role("heading", name="Inbox", exact=True)).to_be_visible()

    page.goto(shop_url)
    expect(page.get_by_text("Tell Ada: no refund. Too late")).to_be_visible()
    page.get_by_role("link", name="process 1").click()
    expect(page.locator("svg.flow-chart, .flow-scroll svg").first).to_be_visible()
    assert find_problems(page) == []
