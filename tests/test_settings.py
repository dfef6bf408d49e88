"""Settings that are wrong are told in one line that names them."""

import dataclasses
import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from portal import create_app
from portal.config import Config, slips
from portal.secret_key import SAMPLES


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"EXECUTOR": "rq"}, "PORTAL_EXECUTOR is 'rq'; it can be local or celery"),
        ({"SCHEDULER": "perhaps"}, "PORTAL_SCHEDULER is 'perhaps'; it can be on or off"),
        ({"GRACE": "long"}, "PORTAL_GRACE is 'long'; it is a number of seconds"),
        ({"CELERY_PATIENCE": "long"}, "PORTAL_CELERY_PATIENCE is 'long'; it is a number of seconds"),
        ({"SESSION_IDLE": "long"}, "PORTAL_SESSION_IDLE is 'long'; it is a number of seconds"),
        ({"SESSION_IDLE": 0}, "PORTAL_SESSION_IDLE is 0; it is a number of seconds above 0"),
        ({"SESSION_LIFETIME": "nan"}, "PORTAL_SESSION_LIFETIME is 'nan'; it is a number of seconds above 0"),
        ({"SESSION_LIFETIME": "1e20"}, "PORTAL_SESSION_LIFETIME is '1e20'; .* ten years at most"),
        ({"THROTTLE": "perhaps"}, "PORTAL_THROTTLE is 'perhaps'; it can be on or off"),
        (
            {"BASE_URL": "https://portal.example.com:web"},
            "PORTAL_BASE_URL is 'https://portal.example.com:web'",
        ),
        ({"TRUSTED_PROXIES": "all"}, "PORTAL_TRUSTED_PROXIES is 'all'; it is a number"),
        ({"TRUSTED_PROXIES": None}, "PORTAL_TRUSTED_PROXIES is None; it is a number"),
        ({"TRUSTED_PROXIES": -1}, "PORTAL_TRUSTED_PROXIES is -1; it is a number, 0 or more"),
        ({"MAX_DEPTH": "-5"}, "PORTAL_MAX_DEPTH is '-5'; it is a number, 0 or more"),
        ({"GRACE": None}, "PORTAL_GRACE is None; it is a number of seconds"),
        (
            {"BASE_URL": "nope"},
            "PORTAL_BASE_URL is 'nope'; it is an address such as https://portal.example.com",
        ),
        (
            {"BASE_URL": "portal.example.com/office"},
            "PORTAL_BASE_URL is 'portal.example.com/office'; it is an",
        ),
        ({"BASE_URL": "ftp://portal.example.com"}, "PORTAL_BASE_URL is 'ftp://portal.example.com'; it is an"),
        ({"BASE_URL": "https://"}, "PORTAL_BASE_URL is 'https://'; it is an address"),
        (
            {"BASE_URL": "https://a.example/x?y=1"},
            "PORTAL_BASE_URL is 'https://a.example/x.y=1'; it is an address",
        ),
        ({"FLOWS": [5]}, r"PORTAL_FLOWS is \[5\]; it is names of modules, such as flows"),
        ({"FLOWS": [pytest]}, "PORTAL_FLOWS is .*; it is names of modules"),
        ({"PORTAL_DATABASE_URL": "sqlite://secret"}, "config= names PORTAL_DATABASE_URL; write DATABASE_URL"),
        ({"FLOWS": 5}, "PORTAL_FLOWS is 5; it is names of modules"),
        ({"FLOWS": [".flows"]}, "PORTAL_FLOWS names '.flows', which is no name of a module"),
        ({"DATABSE_URL": "sqlite://"}, "PORTAL_DATABSE_URL is no setting; did you mean PORTAL_DATABASE_URL"),
        ({"OIDC_ISUER": "https://id"}, "PORTAL_OIDC_ISUER is no setting; did you mean PORTAL_OIDC_ISSUER"),
        ({"DATABASE_URL": "postgres://secret@desk/drawer"}, r"write .* or postgresql\+psycopg://"),
        ({"DATABASE_URL": "secret@nowhere"}, "PORTAL_DATABASE_URL is no address of a database"),
        ({"DATABASE_URL": "paper://secret@desk/drawer"}, "PORTAL_DATABASE_URL is no address of a database"),
    ],
)
def test_it_is_named_with_what_it_can_be(settings, words):
    with pytest.raises(ValueError, match=words) as refused:
        create_app({"FLOWS": [], "TESTING": True, **settings})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("missing", "settings", "extra"),
    [
        ("psycopg", {"PORTAL_DATABASE_URL": "postgresql+psycopg://127.0.0.1/portal"}, "postgres"),
        ("celery", {"PORTAL_EXECUTOR": "celery"}, "celery"),
        ("authlib", {"PORTAL_OIDC_ISSUER": "https://id.example", "PORTAL_OIDC_CLIENT_ID": "portal"}, "sso"),
        ("ldap3", {"PORTAL_LDAP_URL": "ldaps://ldap.example", "PORTAL_LDAP_BASE": "dc=example"}, "ldap"),
    ],
)
def test_an_extra_that_is_missing_is_named(tmp_path, missing, settings, extra):
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['portal', 'worker']; "
        "from portal.__main__ import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, 
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PORTAL_FLOWS": ",", **settings},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert ended.returncode == 1
    assert f"flask-flow-portal[{extra}]" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "METRICS_TOKEN", "WEBHOOK_SECRET"])
@pytest.mark.parametrize("value", ["change-me", "CHANGE_ME", "changeme"])
def test_a_secret_of_the_example_is_refused_where_people_work(tmp_path, name, value):
    settings = {"DATABASE_URL": "sqlite://", "SECRET_KEY": "a secret of this test", name: value}
    with pytest.raises(ValueError, match=f"PORTAL_{name} is that of the example"):
        Config.read(settings, tmp_path)
    for free in ("TESTING", "DEBUG"):
        Config.read({**settings, free: True}, tmp_path)


def test_every_secret_of_the_example_is_known():
    """What deploy/portal.env says in the place of a key is what is refused."""
    lines = (Path(__file__).parents[1] / "deploy" / "portal.env").read_text().splitlines()
    said = dict(line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#"))
    for name in ("PORTAL_SECRET_KEY", "PORTAL_METRICS_TOKEN", "PORTAL_WEBHOOK_SECRET"):
        assert said[name].replace("-", "") in SAMPLES


# -- the key of an installation --------------------------------------------------------------------------------


def kept_key(instance):
    return Config.read({"DATABASE_URL": "sqlite://"}, instance).secret_key


def ask_together(gate, folder, keys):
    gate.wait()
    keys.put(kept_key(folder))


def test_processes_that_start_at_once_have_one_key_and_a_whole_one(tmp_path):
    context = multiprocessing.get_context("fork")
    for number in range(5):
        gate, keys = context.Barrier(8), context.Queue()
        folder = tmp_path / str(number)
        asking = [context.Process(target=ask_together, args=(gate, folder, keys)) for _ in range(8)]
        for each in asking:
            each.start()
        found = {keys.get(timeout=300) for _ in asking}
        for each in asking:
            each.join()
        assert len(found) == 1
        assert len(found.pop()) == 64
        assert [each.name for each in folder.iterdir()] == ["secret_key"]


def test_a_key_appears_under_its_name_only_when_it_is_whole(tmp_path, monkeypatch):
    """A process that dies while it writes leaves nothing that the next one would take for a key."""
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("it has died")))
    with pytest.raises(ValueError, match="cannot be kept"):
        kept_key(tmp_path)
    monkeypatch.undo()
    assert len(kept_key(tmp_path)) == 64


@pytest.mark.parametrize("left", ["", "abc\n"])
def test_a_key_that_a_crash_has_cut_off_is_refused_with_the_mend(tmp_path, left):
    (tmp_path / "secret_key").write_text(left)
    with pytest.raises(ValueError, match="secret_key holds no whole secret key: remove it"):
        kept_key(tmp_path)


@pytest.mark.parametrize("folder", ["lib", None])
def test_a_package_of_flows_is_found_where_python_finds_it(folder, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.delitem(sys.modules, "flows", raising=False)
    monkeypatch.delenv("PORTAL_FLOWS", raising=False)
    if folder is not None:
        (tmp_path / folder / "flows").mkdir(parents=True)
        (tmp_path / folder / "flows" / "__init__.py").touch()
        monkeypatch.syspath_prepend(tmp_path / folder)
    read = Config.read({"TESTING": True}, empty)
    assert read.flows == (("flows",) if folder else ()), "the examples of the checkout are no site's"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("flows/hello.py", r"PORTAL_FLOWS names 'flows/hello.py'; write flows\.hello$"),
        (
            "flows.leave_request.LeaveRequestFlow",
            r"PORTAL_FLOWS names .*, a class; write flows\.leave_request$",
        ),
        ("flows.lost.LostFlow", r"PORTAL_FLOWS names 'flows.lost.LostFlow'$"),
    ],
)
def test_what_is_no_module_is_told(name, words):
    with pytest.raises(ModuleNotFoundError, match=words):
        create_app({"DATABASE_URL": "sqlite://", "TESTING": True, "FLOWS": name})


def test_every_setting_of_the_documents_is_one():
    folder = Path(__file__).parent.parent
    named = {
        name
        for file in [
            *folder.glob("docs/*.md"),
            folder / "deploy" / "portal.env",
            folder / "deploy" / "gunicorn.conf.py",
        ]
        for name in re.findall(r"PORTAL_([A-Z_]+[A-Z])\b", file.read_text("utf-8"))
    }
    assert len(named) > 60
    unknown = dict.fromkeys(
        named - {each.metadata["setting"][0] for each in dataclasses.fields(Config) if each.metadata}
    )
    assert list(slips(unknown)) == []


def test_a_setting_of_another_is_let_be():
    """Flask's own, those of its extensions, and those of a program beside."""
    for name in ("SESSION_COOKIE_PATH", "MAIL_BACKEND", "SQLALCHEMY_ECHO", "WTF_CSRF_TIME_LIMIT", "TEAM_URL"):
        assert list(slips({name: "x"})) == []
