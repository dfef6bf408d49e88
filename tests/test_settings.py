"""Settings that are wrong are told in one line that names them."""

import os
import subprocess
import sys

import pytest

from portal import create_app


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
    ],
)
def test_an_extra_that_is_missing_is_named(tmp_path, missing, settings, extra):
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['portal', 'worker']; "
        "from portal.cli import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, 
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PORTAL_FLOWS": ",", **settings},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert f"flask-flow-portal[{extra}]" in ended.stderr
    assert "Traceback" not in ended.stderr
