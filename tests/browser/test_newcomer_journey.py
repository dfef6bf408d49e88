"""A new colleague comes, is given work in turn, goes away, and a substitute does it; in German, without JavaScript."""

import datetime as dt
import re
import time

import pyotp
import pytest
import requests
from eventually import eventually
from playwright.sync_api import expect
from served import served

from portal import create_app, views
from portal.models import Role, create_user, db, init_db
from tests.browser.parcel import ParcelFlow
from tests.ports import free_port

PASSWORD = "sieben grüne Fahrräder"
ROOM = "Post room"


@pytest.fixture
def office(tmp_path, smtp, provider):
    """A portal with an administrator, and with Ernst in the post room, who has a parcel; its address."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    app = create_app(
        {
            "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite'}", "FLOWS": ["tests.browser.parcel"],
            "THROTTLE": "off", "BASE_URL": base,
            "MAIL_BACKEND": "smtp", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": smtp.port,
            "OIDC_ISSUER": provider, "OIDC_CLIENT_ID": "portal", "OIDC_CLIENT_SECRET": "secret",
            "OIDC_TITLE": "Firmenkonto", "OIDC_LINK": "username",
            "OIDC_ROLES_CLAIM": "groups", "OIDC_ROLES": f"post -> {ROOM}",
        }
    )  # fmt: skip
    with app.app_context():
        init_db()
        db.session.add(Role(name=ROOM, permissions=["parcel.deliver"]))
        carol = create_user("carol", PASSWORD, is_superuser=True, full_name="Carol Meier")
        create_user("ernst", PASSWORD, roles=[ROOM], full_name="Ernst Alt")
        views.submit(ParcelFlow.start, carol, recipient="The cellar")
        db.session.remove()
    with served(app, port) as address:
        yield address


@pytest.fixture
def somebody(browser, office):
    """A browser of somebody's own: German, and without JavaScript."""
    contexts = []

    def somebody():
        contexts.append(browser.new_context(base_url=office, locale="de-CH", java_script_enabled=False))
        return contexts[-1].new_page()

    yield somebody
    for context in contexts:
        context.close()


def sign_in(page, name):
    page.goto("/login")
    page.get_by_label("Benutzername oder E-Mail-Adresse").fill(name)
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    return page


def by_company_account(page, provider, sub, **claims):
    requests.put(
        f"{provider}/users/{sub}", json={**claims, "groups": ["post"]}, timeout=60
    ).raise_for_status()
    page.goto("/login")
    page.get_by_role("link", name="Anmelden mit Firmenkonto").click()
    page.get_by_placeholder("sub").fill(sub)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url("**/inbox")
    return page


def send_parcel(page, recipient):
    page.goto("/flows/parcel/start/start")
    page.get_by_label("Recipient").fill(recipient)
    page.get_by_role("button", name="Absenden", exact=True).click()
    page.wait_for_url(re.compile(r"/processes/\d+$"))


def work_while_away(carol, newcomer, ernst, name):
    """The turn is the newcomer's, who goes away: Ernst does it for them, and both read so."""
    send_parcel(carol, "The attic")
    carol.goto(f"{carol.url}?tab=events")
    expect(carol.locator("main")).to_contain_text(f"an {name} nach der Regel: reihum")
    newcomer.goto("/inbox")
    expect(newcomer.get_by_role("heading", name="Eingang")).to_be_visible()
    expect(newcomer.locator("tbody tr")).to_contain_text("Parcel for The attic")

    newcomer.goto("/profile/absences")
    today = dt.datetime.now(dt.UTC).date()
    newcomer.get_by_label("Erster Tag der Abwesenheit").fill(today.isoformat())
    newcomer.get_by_label("Letzter Tag der Abwesenheit").fill((today + dt.timedelta(days=7)).isoformat())
    newcomer.get_by_label("Vertretung").fill("ernst")
    newcomer.get_by_role("button", name="Speichern").click()
    expect(newcomer.locator(".session-list")).to_contain_text("Ernst Alt")
    for recipient in ("The garden", "The roof"):  # Ernst's turn, and then the newcomer's
        send_parcel(carol, recipient)

    ernst.goto("/inbox")
    rows = ernst.locator("tbody tr")
    expect(rows).to_have_count(4)
    expect(ernst.locator(".for-whom")).to_have_text([f"für {name}"])
    rows.filter(has_text="The attic").get_by_role("link", name="Deliver parcel").click()
    ernst.get_by_label("Note").fill("Beside the stairs")
    ernst.get_by_role("button", name="Absenden", exact=True).click()

    newcomer.goto("/processes?q=attic")
    newcomer.locator("tbody a").first.click()
    done = newcomer.get_by_role("listitem").filter(has_text="Ernst Alt hat abgeschlossen")
    expect(done).to_contain_text(f"für {name}")


def test_a_colleague_is_invited_signs_in_by_two_factors_and_is_stood_in_for(somebody, smtp):
    carol, nadia, ernst = sign_in(somebody(), "carol"), somebody(), sign_in(somebody(), "ernst")
    carol.goto("/admin/add-person")
    carol.get_by_label("Benutzername").fill("nadia")
    carol.get_by_label(re.compile("^Name")).fill("Nadia Neu")
    carol.get_by_label("E-Mail-Adresse").fill("nadia@example.com")
    carol.get_by_label(ROOM).check()
    carol.locator("main .btn-primary").click()
    expect(carol.get_by_text("eine Einladung ist unterwegs")).to_be_visible()

    eventually(lambda: smtp.received)
    text = smtp.received[0].get_body(("plain",)).get_content()
    nadia.goto(re.search(r"http://127\S+/password/\S+", text).group())
    for password in ("password1234", PASSWORD):
        nadia.get_by_label("Neues Passwort", exact=True).fill(password)
        nadia.get_by_label("Neues Passwort, noch einmal").fill(password)
        nadia.locator("main .btn-primary").click()
        if password != PASSWORD:
            assert "gehört zu den ersten" in nadia.content()
    nadia.wait_for_url("**/inbox")
    nadia.goto("/profile/two-factors")
    totp = pyotp.TOTP(nadia.locator("code.token").inner_text().replace(" ", ""))
    nadia.get_by_label("Code").fill(totp.now())
    nadia.get_by_label("Aktuelles Passwort").fill(PASSWORD)
    nadia.get_by_role("button", name="Zwei Faktoren einschalten").click()
    expect(nadia.locator(".recovery-codes code")).to_have_count(10)

    nadia.context.clear_cookies()
    sign_in(nadia, "nadia")
    for code in ("000000", None):
        code = code or totp.at(time.time() + 30)  # no code is taken twice
        nadia.get_by_label("Code").fill(code)
        nadia.get_by_role("button", name="Anmelden").click()
        if code == "000000":
            assert "Dieser Code stimmt nicht" in nadia.content()
    nadia.wait_for_url("**/inbox")
    work_while_away(carol, nadia, ernst, "Nadia Neu")


def test_a_colleague_comes_by_single_sign_on_and_is_stood_in_for(somebody, provider):
    carol = sign_in(somebody(), "carol")
    selma = by_company_account(somebody(), provider, "s-1", preferred_username="selma", name="Selma Frisch")
    ernst = by_company_account(somebody(), provider, "e-1", preferred_username="ernst", name="Ernst Alt")
    work_while_away(carol, selma, ernst, "Selma Frisch")
