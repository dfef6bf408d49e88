"""A new colleague gets a link, chooses a password, sets up two factors and signs in by them, in German."""

import pyotp
import pytest

from tests.browser.accessible import find_problems

PASSWORD = "sieben grüne Fahrräder"


@pytest.fixture
def newcomer(browser):
    """The browser of somebody else: German, and without JavaScript."""
    context = browser.new_context(locale="de-CH", java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_a_colleague_is_added_and_signs_in_by_two_factors(page, sign_in, newcomer, base_url):
    sign_in("carol")
    page.goto(f"{base_url}/admin/add-person")
    page.get_by_label("User name").fill("nadia")
    page.get_by_role("button", name="Add person").click()
    link = page.locator('a[href*="/password/"]').get_attribute("href")
    assert find_problems(page) == []

    newcomer.goto(link)
    newcomer.get_by_label("Neues Passwort", exact=True).fill("password1234")
    newcomer.get_by_label("Neues Passwort, noch einmal").fill("password1234")
    newcomer.locator("main .btn-primary").click()
    assert "gehört zu den ersten" in newcomer.content()
    newcomer.get_by_label("Neues Passwort", exact=True).fill(PASSWORD)
    newcomer.get_by_label("Neues Passwort, noch einmal").fill(PASSWORD)
    newcomer.locator("main .btn-primary").click()
    newcomer.wait_for_url("**/inbox")

    newcomer.goto(f"{base_url}/profile/two-factors")
    totp = pyotp.TOTP(newcomer.locator("code.token").inner_text().replace(" ", ""))
    newcomer.get_by_label("Code").fill(totp.now())
    newcomer.get_by_label("Aktuelles Passwort").fill(PASSWORD)
    newcomer.get_by_role("button", name="Zwei Faktoren einschalten").click()
    code = newcomer.locator(".recovery-codes code").first.inner_text()

    newcomer.context.clear_cookies()
    newcomer.goto(f"{base_url}/login")
    newcomer.get_by_label("Benutzername oder E-Mail-Adresse").fill("nadia")
    newcomer.get_by_label("Passwort").fill(PASSWORD)
    newcomer.get_by_role("button", name="Anmelden").click()
    newcomer.get_by_label("Code").fill("000000")
    newcomer.get_by_role("button", name="Anmelden").click()
    assert "Dieser Code stimmt nicht" in newcomer.content()
    newcomer.get_by_role("link", name="Notfallcode verwenden").click()
    newcomer.get_by_label("Notfallcode").fill(code)
    newcomer.get_by_role("button", name="Anmelden").click()
    newcomer.wait_for_url("**/inbox")
