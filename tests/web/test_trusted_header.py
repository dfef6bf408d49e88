"""A proxy signs people in: its header is believed, and nobody else's."""

from __future__ import annotations

import pytest

from portal import create_app
from portal.models import AuditRow, db, find_user, init_db

PROXY = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture
def app(tmp_path):
    app = create_app(
        {
            "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite'}", "FLOWS": [], "SCHEDULER": "off",
            "TESTING": True, "TRUSTED_PROXIES": 1, "REMOTE_USER_HEADER": "X-Remote-User",
            "REMOTE_NAME_HEADER": "X-Remote-Name", "REMOTE_EMAIL_HEADER": "X-Remote-Email",
            "REMOTE_ROLES_HEADER": "X-Remote-Groups", "LOGIN_URL": "https://login.example.com/",
        }
    )  # fmt: skip
    with app.app_context():
        init_db()
        yield app
        db.session.remove()
        db.engine.dispose()


def get(app, address="/inbox", peer="127.0.0.1", **headers):
    said = {f"X-Remote-{name}": value for name, value in headers.items()}
    said["X-Forwarded-For"] = "192.0.2.9"
    return app.test_client().get(address, headers=said, environ_base={"REMOTE_ADDR": peer})


def test_whom_the_proxy_names_is_signed_in_and_kept_up_to_date(app):
    zoe = "Zoë".encode().decode("latin-1")  # as servers hand over UTF-8
    page = get(app, "/profile", User="zoe", Name=zoe, Email="z@example.com", Groups="Staff, Finance")
    assert page.status_code == 200
    assert "Zoë" in page.text
    assert "Current password" not in page.text
    person = find_user(db.session(), "zoe")
    assert (person.full_name, person.email) == ("Zoë", "z@example.com")
    assert sorted(role.name for role in person.roles) == ["Finance", "Staff"]
    assert get(app, User="zoe", Groups="Staff").status_code == 200
    db.session.rollback()
    assert [role.name for role in find_user(db.session(), "zoe").roles] == ["Staff"]
    rows = db.session.scalars(db.select(AuditRow).order_by(AuditRow.id)).all()
    assert [row.action for row in rows] == ["person.added", "person.roles", "sign-in", "person.roles"]
    assert rows[2].detail["address"] == "192.0.2.9"
    find_user(db.session(), "zoe").is_active = False
    db.session.commit()
    assert get(app, User="zoe").status_code == 403


def test_nobody_else_is_believed(app):
    answer = get(app, User="zoe", peer="192.0.2.1")
    assert (answer.status_code, answer.location) == (303, "https://login.example.com/?next=%2Finbox")
    assert get(app).status_code == 303
    assert get(app, "/login").status_code == 404
    db.session.rollback()
    assert find_user(db.session(), "zoe") is None
