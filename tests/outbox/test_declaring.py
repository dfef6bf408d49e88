"""What a flow and the settings may say of notices."""

import pytest

from portal import create_app, flow, this
from portal.errors import FlowError
from portal.work.mail import mailman


@pytest.fixture(autouse=True)
def _settings(monkeypatch):
    """No database is needed here."""


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"process_notices": {"asigned": False}}, "the events are: assigned, due, late, failed, finished"),
        ({"process_notices": ["assigned"]}, "the events are"),
        ({"process_webhooks": "https://one.example/"}, "takes a list"),
        ({"process_webhooks": ["ftp://one.example/"]}, "begins with https://"),
        ({"process_webhooks": ["https:///path"]}, "begins with https://"),
        ({"process_webhooks": ["https://one.example/a b"]}, "begins with https://"),
        ({"process_webhooks": [None]}, "begins with https://"),
    ],
)
def test_a_wrong_declaration_is_refused_with_the_mend(attributes, words):
    nodes = {"start": flow.StartHandle().Next(this.end), "end": flow.End()}
    with pytest.raises(FlowError, match=f"ToldFlow.process_.*{words}"):
        type(flow.Flow)("ToldFlow", (flow.Flow,), {**nodes, **attributes})


def test_a_flow_may_have_nodes_of_these_names():
    class ToldFlow(flow.Flow):
        start = flow.StartHandle().Next(this.notify)
        notify = flow.Function(this.webhooks).Next(this.notices)
        notices = flow.End()

        def webhooks(self, activation): ...

    assert list(ToldFlow.definition.nodes) == ["start", "notify", "notices"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"WEBHOOKS": "https://one.example/,two.example"}, "PORTAL_WEBHOOKS: 'two.example'"),
        ({"MAIL_USE_TLS": "perhaps"}, "PORTAL_MAIL_USE_TLS"),
        ({"MAIL_PORT": "smtp"}, "PORTAL_MAIL_PORT is 'smtp'"),
    ],
)
def test_a_wrong_setting_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        create_app({"DATABASE_URL": "sqlite://", "TESTING": True, "FLOWS": [], **settings})


def test_settings_of_the_environment_are_numbers_and_truths(monkeypatch):
    for name, value in {"SERVER": "mail.example", "PORT": "587", "USE_TLS": "true", "USE_SSL": "0"}.items():
        monkeypatch.setenv(f"PORTAL_MAIL_{name}", value)
    app = create_app({"DATABASE_URL": "sqlite://", "TESTING": True, "FLOWS": []})
    with app.app_context():
        state = mailman()
    assert (state.server, state.port, state.use_tls, state.use_ssl, state.timeout) == (
        "mail.example", 587, True, False, 10,
    )  # fmt: skip
    app.extensions["portal_memory"].close()
