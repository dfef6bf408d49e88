"""An administrator's day: a stuck process moved, a running flow migrated, a person who leaves, a report read."""

import types
from pathlib import Path

import pytest
from playwright.sync_api import expect
from served import served

from portal import create_app, flow, jsonstore, this, views
from portal.engine import actions, declarations
from portal.models import Process, Task, create_user, db, find_user, init_db
from tests.browser.accessible import find_problems

PASSWORD = "correct horse"


class OrderProcess(Process):
    title = jsonstore.StringField("Title", required=True)


def order(**nodes):
    """The flow `order`, as it is declared at some time."""
    body = {
        "__doc__": "Order",
        "process_class": OrderProcess,
        "process_summary_template": "{{ process.title }}",
        "start": flow.Start(views.CreateProcessView.as_view(fields=["title"])).Next(this.bank),
        "bank": flow.MessageCatch().Annotation(title="Wait for the bank").Next(this.ship),
        "end": flow.End(),
        **nodes,
    }
    return types.new_class("OrderFlow", (flow.Flow,), exec_body=lambda namespace: namespace.update(body))


@pytest.fixture
def site(tmp_path):
    """A portal of its own: its address, and its application."""
    app = create_app(
        {"DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite'}", "FLOWS": [], "THROTTLE": "off"}
    )
    first = order(ship=flow.ManualTask().Next(this.end))
    app.extensions["portal_flows"]["order"] = first
    with app.app_context():
        init_db()
        declarations.keep(db.session())
        carol = create_user("carol", PASSWORD, is_superuser=True, full_name="Carol Meier")
        create_user("bob", PASSWORD, is_superuser=True, full_name="Bob Steiner")
        create_user("alice", PASSWORD, full_name="Alice Keller")
        for title in ("Chairs", "Tables"):
            views.submit(first.start, carol, title=title)
        db.session.remove()
    with served(app) as address:
        yield address, app


def sign_in(page, base, username):
    page.goto(f"{base}/login")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_the_days_work_of_an_administrator(site, page, browser):
    base, app = site
    sign_in(page, base, "carol")
    page.wait_for_url("**/inbox")

    # a stuck process is moved
    page.goto(f"{base}/processes/1")
    page.locator("#open-now, .open-now").first.get_by_role("link", name="Wait for the bank").click()
    page.locator("main summary", has_text="More").first.click()
    page.get_by_role("link", name="Move…").first.click()
    page.get_by_label("Step").select_option("ship")
    page.get_by_label("Reason").fill("They paid in cash.")
    assert find_problems(page) == []
    page.get_by_role("button", name="Move").last.click()
    page.goto(f"{base}/processes/1")
    expect(page.get_by_text("They paid in cash.").first).to_be_visible()
    expect(page.get_by_role("link", name="Ship", exact=True).first).to_be_visible()

    # the flow changes under it, and the process is migrated
    app.extensions["portal_flows"]["order"] = order(
        bank=flow.MessageCatch().Annotation(title="Wait for the bank").Next(this.pack),
        pack=flow.ManualTask().Next(this.send),
        send=flow.ManualTask().Next(this.end),
    )
    page.goto(f"{base}/flows/order")
    page.get_by_role("link", name="What changed since").click()
    expect(page.get_by_role("heading", name="As it was then")).to_be_visible()
    expect(page.get_by_text("Manual task “Pack”").last).to_be_visible()
    assert find_problems(page) == []
    page.goto(f"{base}/processes/1")
    page.locator("main summary", has_text="More").first.click()
    page.get_by_role("link", name="Move to the flow as it is now…").first.click()
    before = page.get_by_role("region", name="As it runs")
    after = page.get_by_role("region", name="As the flow is now")
    expect(before.locator(".flow-removed.flow-is-current[data-node=ship]")).to_be_visible()
    expect(before.get_by_text("removed", exact=True)).to_be_visible()
    expect(after.locator(".flow-is-current")).to_have_count(0)
    page.get_by_label("Ship ship").select_option("send")
    page.get_by_role("button", name="Show what will happen").click()
    expect(page.get_by_text("“Ship” is cancelled, and the process continues at “Send”.")).to_be_visible()
    expect(after.locator(".flow-added.flow-is-current[data-node=send]")).to_be_visible()
    assert find_problems(page) == []
    page.get_by_label("Reason").fill("New rules")
    page.get_by_role("button", name="Move to the flow as it is now").last.click()
    expect(page.get_by_text("1 step moved.")).to_be_visible()
    expect(page.get_by_role("link", name="Send", exact=True).first).to_be_visible()

    # a person leaves, and her work goes to another
    with app.app_context():
        task = db.session.scalar(db.select(Task.id).where(Task.flow_task == "send"))
        with actions.activation(db.session(), task) as activation:
            activation.assign(find_user(db.session(), "alice"))
        db.session.remove()
    page.goto(f"{base}/admin/people/alice")
    assert find_problems(page) == []
    page.get_by_role("link", name="Deactivate…").click()
    expect(page.get_by_text("1 open task", exact=True)).to_be_visible()
    page.get_by_role("button", name="Deactivate").click()
    expect(page).to_have_url(f"{base}/admin/people/alice/deactivate")  # what becomes of it has to be said
    page.get_by_label("Assign all to one person").check()
    page.get_by_placeholder("Choose a person").first.fill("bob")
    assert find_problems(page) == []
    page.get_by_role("button", name="Deactivate").click()
    page.wait_for_url(f"{base}/admin/people/alice")
    expect(page.get_by_text("Deactivated").first).to_be_visible()
    other = browser.new_context()
    gone = other.new_page()
    sign_in(gone, base, "alice")
    expect(gone).to_have_url(f"{base}/login")
    sign_in(gone, base, "bob")
    gone.wait_for_url("**/inbox")
    expect(gone.get_by_role("link", name="Chairs").or_(gone.get_by_text("Chairs")).first).to_be_visible()
    other.close()
    page.goto(f"{base}/admin/people/alice")
    page.get_by_role("link", name="Erase…").click()
    assert find_problems(page) == []

    # a report is read
    page.goto(f"{base}/tasks/{task}/skip")
    page.get_by_role("button", name="Skip").click()
    page.goto(f"{base}/reports")
    page.get_by_role("link", name="Order", exact=True).click()
    expect(page.locator(".glance").get_by_text("Finished")).to_be_visible()
    page.get_by_text("As a table").click()
    expect(page.get_by_role("table", name="Cumulative flow")).to_be_visible()
    assert find_problems(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV of steps").first.click()
    rows = Path(download.value.path()).read_text("utf-8")
    assert "Send,1," in rows
