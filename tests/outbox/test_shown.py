"""In development nothing is sent: the log shows it."""

import logging

import pytest


@pytest.fixture(autouse=True)
def _development(_settings, monkeypatch):
    monkeypatch.delenv("PORTAL_MAIL_SERVER")
    monkeypatch.delenv("PORTAL_WEBHOOK_SECRET")


def test_mails_and_hooks_are_shown(hooked, bill, act, send, smtp, http, caplog):
    act(bill().task("check"), "assign", "carol", to="bob")
    with caplog.at_level(logging.INFO):
        send()
    assert "Subject: To do: Check – Bill for Paper" in caplog.text
    assert "carol has assigned a task to you." in caplog.text
    assert '"event": "assigned"' in caplog.text
    assert "PORTAL_MAIL_SERVER" in caplog.text
    assert "PORTAL_WEBHOOK_SECRET" in caplog.text
    for secret in ("bob@example.com", "sesame"):
        assert secret not in caplog.text
    assert smtp.received == http.received == []
