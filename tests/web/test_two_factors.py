"""Two factors: set up, asked for at sign-in, lost, and demanded."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from urllib.parse import unquote

import pyotp
import pytest
import time_machine

from portal.administration import second_factors
from portal.models import AuditRow, Outgoing, RecoveryCode, SecondFactor, UserSession, db, find_user

PASSWORD = "correct horse"


@pytest.fixture
def at(app):
    """Be at so many seconds from the start."""
    start = dt.datetime.now(dt.UTC).replace(second=0) + dt.timedelta(minutes=1)
    with time_machine.travel(start, tick=False) as traveller:
        yield lambda seconds: traveller.move_to(start + dt.timedelta(seconds=seconds))


def secret_on(page):
    return re.search(r'<code class="token">([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")


def codes_on(page):
    return re.findall(r"<code>([a-z2-9-]{19})</code>", page)


def set_up(client):
    """Switch on two factors; the app and the recovery codes."""
    totp = pyotp.TOTP(secret_on(client.get("/profile/two-factors").text))
    answer = client.post("/profile/two-factors", data={"code": totp.now(), "current": PASSWORD})
    assert answer.status_code == 200
    return totp, codes_on(answer.text)


def half_in(app, name="bob", onward=""):
    client = app.test_client()
    data = {"username": name, "password": PASSWORD, "next": onward}
    return client, client.post("/login", data=data).location


def audited():
    db.session.rollback()
    return [row.action for row in db.session.scalars(db.select(AuditRow).order_by(AuditRow.id))]


def test_they_are_set_up_with_an_app_and_recovery_codes(bob, people, at):
    page = bob.get("/profile/two-factors").text
    secret = secret_on(page)
    assert secret_on(bob.get("/profile/two-factors").text) == secret, "also after a reload"
    assert unquote(re.search(r'src="(data:image/svg[^"]+)"', page)[1]).count("<path") == 2
    assert re.search(r'<input[^>]*autocomplete="one-time-code"', page)
    right = pyotp.TOTP(secret).now()
    for wrong in ({"code": "000000", "current": PASSWORD}, {"code": right, "current": "no"}, {"code": right}):
        assert bob.post("/profile/two-factors", data=wrong).status_code == 422
    answer = bob.post("/profile/two-factors", data={"code": f"{right[:3]} {right[3:]}", "current": PASSWORD})
    codes = codes_on(answer.text)
    assert len(set(codes)) == second_factors.CODES
    factor = db.session.scalars(db.select(SecondFactor)).one()
    kept = [factor.nonce, *db.session.scalars(db.select(RecoveryCode.code_hash))]
    assert not {secret, *codes, *(code.replace("-", "") for code in codes)} & set(kept)
    assert "10 of 10 recovery codes are left" in bob.get("/profile/two-factors").text
    assert audited()[-1] == "factor.on"
    assert [*db.session.scalars(db.select(Outgoing.payload))] == [{"what": "factor.on"}]


def test_the_password_alone_lets_nobody_in(app, bob, at):
    totp, _codes = set_up(bob)
    at(60)
    client, onward = half_in(app, onward="/queue")
    assert onward == "/login/code"
    assert client.get("/inbox").status_code == 303, "half is not in"
    assert db.session.scalar(db.select(db.func.count(UserSession.id))) == 1
    assert client.post("/login/code", data={"code": "12345x"}).status_code == 422
    answer = client.post("/login/code", data={"code": totp.now()})
    assert (answer.status_code, answer.location) == (303, "/queue")
    assert client.get("/inbox").status_code == 200
    assert audited()[-2:] == ["sign-in.failed", "sign-in"]
    again, _onward = half_in(app)
    assert again.post("/login/code", data={"code": totp.now()}).status_code == 422, "no code is good twice"
    at(90)
    assert again.post("/login/code", data={"code": totp.now()}).status_code == 303
    late, _onward = half_in(app)
    at(90 + 601)
    assert late.post("/login/code", data={"code": totp.now()}).location == "/login", "ten minutes are enough"


def test_the_second_step_is_in_the_persons_language(app, bob, at):
    set_up(bob)
    find_user(db.session(), "bob").language = "de"
    db.session.commit()
    client, place = half_in(app)
    assert '<html lang="de"' in client.get(place, headers={"Accept-Language": "en"}).text


def test_a_link_for_another_password_asks_for_the_code_too(app, bob, people, at):
    from portal.administration import password_links

    set_up(bob)
    link = f"/password/{password_links.token_for(find_user(db.session(), 'bob'))}"
    better = "seven green bicycles"
    client = app.test_client()
    assert client.post(link, data={"password": better, "again": better}).location == "/login/code"


def test_a_recovery_code_is_good_once(app, bob, at):
    _totp, codes = set_up(bob)
    client, _onward = half_in(app)
    page = client.get("/login/code?recovery=1").text
    assert "Recovery code" in page
    typed = codes[3].replace("-", " ").upper()
    assert client.post("/login/code?recovery=1", data={"code": typed}).location == "/inbox"
    other, _onward = half_in(app)
    assert other.post("/login/code", data={"code": codes[3]}).status_code == 422
    assert "9 of 10" in client.get("/profile/two-factors").text
    assert "factor.recovery" in audited()
    assert {"what": "recovery"} in [*db.session.scalars(db.select(Outgoing.payload))]


def test_codes_are_made_anew_and_the_factor_is_switched_off_with_a_code_only(bob, people, at):
    totp, codes = set_up(bob)
    at(60)
    assert bob.post("/profile/two-factors", data={"code": "000000", "off": "1"}).status_code == 422
    fresh = codes_on(bob.post("/profile/two-factors", data={"code": totp.now(), "codes": "1"}).text)
    assert (len(fresh), set(fresh) & set(codes)) == (10, set())
    assert bob.post("/profile/two-factors", data={"code": codes[0], "off": "1"}).status_code == 422
    assert bob.post("/profile/two-factors", data={"code": fresh[0], "off": "1"}).location == "/profile"
    assert (
        db.session.scalars(db.select(SecondFactor)).all()
        == db.session.scalars(db.select(RecoveryCode)).all()
        == []
    )
    assert audited()[-1] == "factor.off"


def test_an_administrator_and_a_command_take_a_lost_factor_away(app, bob, client_of, at):
    erin = client_of("erin")
    for reset in (
        lambda: erin.post("/admin/people/bob/second-factor"),
        lambda: app.test_cli_runner().invoke(args=["people", "edit", "bob", "--reset-second-factor"]),
    ):
        set_up(bob)
        assert half_in(app)[1] == "/login/code"
        assert "Reset second factor" in erin.get("/admin/people/bob").text
        reset()
        assert half_in(app)[1] == "/inbox"
        assert "factor.reset" in audited()


@pytest.mark.parametrize(("rule", "bob_must"), [("admins", False), ("all", True)])
def test_the_portal_demands_two_factors(app, people, at, rule, bob_must):
    app.extensions["portal"] = dataclasses.replace(app.extensions["portal"], two_factors=rule)
    assert half_in(app, "bob")[1] == ("/login/set-up" if bob_must else "/inbox")
    client, onward = half_in(app, "erin", "/flows")
    assert onward == "/login/set-up"
    assert client.get("/inbox").status_code == 303
    totp = pyotp.TOTP(secret_on(client.get(onward).text))
    assert client.post(onward, data={"code": "000000"}).status_code == 422
    answer = client.post(onward, data={"code": totp.now()})
    assert len(codes_on(answer.text)) == 10
    assert 'href="/flows"' in answer.text
    assert client.get("/inbox").status_code == 200
    at(60)
    refused = client.post("/profile/two-factors", data={"code": totp.now(), "off": "1"})
    assert (refused.status_code, "has to sign in by two factors" in refused.text) == (422, True)


def test_codes_that_are_tried_are_slowed_down(app, bob, at):
    _totp, codes = set_up(bob)
    app.extensions["portal"] = dataclasses.replace(app.extensions["portal"], throttle=True)
    client, _onward = half_in(app)
    tries = [client.post("/login/code", data={"code": f"{n:06}"}).status_code for n in range(11)]
    assert tries == [422] * 10 + [429]
    assert client.post("/login/code", data={"code": codes[0]}).status_code == 429


def test_another_key_of_the_portal_keeps_the_factors_while_it_knows_the_old_one(app, bob, at):
    totp, _codes = set_up(bob)
    at(60)
    client, _onward = half_in(app)
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "another one"
    assert client.post("/login/code", data={"code": totp.now()}).status_code == 303
