"""Tokens for programs, in one's profile: made, shown once, revoked."""

import re

from portal.models import AuditRow, Token, db


def make(client, name="nightly", scopes=("read",), days="90"):
    data = {"name": name, "days": days, **{f"scopes-{scope}": "y" for scope in scopes}}
    return client.post("/profile/tokens", data=data)


def secret_in(answer):
    [secret] = re.findall(r'<code class="token">(portal_[\w-]+)</code>', answer.text)
    return secret


def test_a_token_is_shown_once_and_only_its_hash_is_kept(app, alice):
    secret = secret_in(make(alice))
    again = alice.get("/profile/tokens").text
    assert secret not in again
    assert "nightly" in again
    db.session.rollback()
    token = db.session.scalars(db.select(Token)).one()
    assert secret not in str(vars(token))
    headers = {"Authorization": f"Bearer {secret}"}
    assert app.test_client().get("/api/v1/tasks", headers=headers).status_code == 200
    assert app.test_client().post("/api/v1/signals/x", json={}, headers=headers).status_code == 403


def test_a_token_is_revoked_by_its_owner_alone(app, alice, bob):
    headers = {"Authorization": f"Bearer {secret_in(make(alice))}"}
    [number] = re.findall(r"/profile/tokens/(\d+)/revoke", alice.get("/profile/tokens").text)
    bob.post(f"/profile/tokens/{number}/revoke")
    assert app.test_client().get("/api/v1/tasks", headers=headers).status_code == 200
    assert alice.post(f"/profile/tokens/{number}/revoke").status_code == 303
    assert app.test_client().get("/api/v1/tasks", headers=headers).status_code == 401
    assert "nightly" not in alice.get("/profile/tokens").text


def test_administrators_see_and_revoke_all(app, alice, bob, client_of, people):
    headers = {"Authorization": f"Bearer {secret_in(make(alice))}"}
    make(bob, name="weekly")
    erin = client_of("erin")
    page = erin.get("/admin/tokens").text
    assert "nightly" in page
    assert "weekly" in page
    found = erin.get("/admin/tokens?q=alice+AUTHOR").text
    assert "nightly" in found
    assert "weekly" not in found
    assert (
        erin.get("/admin/tokens?format=csv&q=night").text.splitlines()[1].startswith("alice,nightly,portal_")
    )
    [number] = re.findall(r"/admin/tokens/(\d+)/revoke", found)
    assert bob.post(f"/admin/tokens/{number}/revoke").status_code == 403
    assert erin.post(f"/admin/tokens/{number}/revoke").location == "/admin/tokens"
    assert "nightly" not in erin.get("/admin/tokens").text
    assert app.test_client().get("/api/v1/tasks", headers=headers).status_code == 401
    erin.post(f"/admin/tokens/{number}/revoke")
    assert "There is no such token any more." in erin.get("/admin/tokens").text
    rows = db.session.scalars(
        db.select(AuditRow).where(AuditRow.action.like("token.%")).order_by(AuditRow.id)
    )
    assert [(each.action, each.user_id) for each in rows] == [
        ("token.made", people["alice"].id), ("token.made", people["bob"].id), ("token.revoked", people["erin"].id),
    ]  # fmt: skip


def test_a_token_has_a_name_a_scope_and_an_end(alice):
    for wrong in ({"name": ""}, {"name": "x" * 101}, {"scopes": ()}, {"days": "9999"}, {"name": "a\0b"}):
        answer = make(alice, **wrong)
        assert answer.status_code == 422
        assert "There is a problem" in answer.text
    assert "portal_" not in alice.get("/profile/tokens").text
