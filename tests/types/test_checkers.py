"""mypy and basedpyright read what authors write against the package, installed from a wheel and editable.

Both are strict. For basedpyright that is every rule of the level `strict`, with all that tell of unknown types, and a
warning fails like an error. Its level `recommended` also wants each attribute of a class annotated, which is each node
and field, each result used, and no `Any`, which `process.artifact` and a `JSONField` are: those rules are off.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SAMPLE = re.compile(r"^```python\n# (flows/\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
STRICT = {
    "typeCheckingMode": "strict",
    "failOnWarnings": True,
    "reportUnnecessaryTypeIgnoreComment": "error",
    "reportUnusedExpression": False,  # lines of `authors.py` that are only there to be refused
}


def run(*command: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MYPY"))
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def environment(folder: Path) -> str:
    """The interpreter of a new environment with the libraries of this one, but not the package."""
    venv.create(folder, with_pip=False)
    libraries = [path for path in sys.path if path.endswith("-packages")]
    for site in folder.glob("lib/python*/site-packages"):
        (site / "libraries.pth").write_text("\n".join(libraries))
    return str(folder / "bin" / "python")


@pytest.fixture(scope="module", params=["wheel", "editable"])
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment in which the package is installed."""
    folder = tmp_path_factory.mktemp(request.param)
    made = environment(folder / "environment")
    # a wheel is built by the backend that is here; an editable one wants more of it, which pip fetches
    source = ["--no-build-isolation", str(ROOT)] if request.param == "wheel" else ["--editable", str(ROOT)]
    done = run(*PIP, "--python", made, "install", "--no-deps", *source)
    if done.returncode and not os.environ.get("CI") and "No matching distribution" in done.stderr:
        pytest.skip("the build needs its backend, which cannot be fetched")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an author has: flows, those of the project and the README's, and the code of `authors.py`."""
    scratch = tmp_path_factory.mktemp("author")
    shutil.copytree(ROOT / "flows", scratch / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).parent / "authors.py", scratch)
    samples = SAMPLE.findall((ROOT / "README.md").read_text("utf-8"))
    assert samples, "the README shows no flow"
    for name, source in samples:
        (scratch / name).write_text(source, "utf-8")
    (scratch / "pyrightconfig.json").write_text(json.dumps(STRICT))
    return scratch


def test_the_package_is_the_installed_one(python, folder):
    done = run(python, "-c", "import portal; print(portal.__file__)", folder=folder)
    where = "site-packages" if "wheel" in python else "portal/__init__.py"
    assert where in done.stdout, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wrong(folder):
    """A mistake that a checker tells of: without types in the package it would find everything right."""
    wrong = folder / "wrong.py"
    wrong.write_text(
        "from flows.hello_world import HelloWorldProcess\nprocess = HelloWorldProcess()\nprocess.text = 5\n"
    )
    return wrong.name


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """What mypy has read of the libraries, which are the same in both environments."""
    return tmp_path_factory.mktemp("mypy")


def test_mypy_sees_the_mistake_alone(python, folder, wrong, cache):
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(cache),
        "--python-executable",
        python,
    ]
    done = run(*command, "flows", "authors.py", wrong, folder=folder)
    assert re.findall(r"^(\S+?:\d+): error", done.stdout, re.MULTILINE) == [f"{wrong}:3"], (
        done.stdout + done.stderr
    )


def test_basedpyright_sees_the_mistake_alone(python, folder, wrong):
    done = run(sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", python, folder=folder)
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert [(Path(each["file"]).name, each["range"]["start"]["line"]) for each in found] == [(wrong, 2)], (
        done.stdout
    )
