"""The project as a wheel, built from its sdist, in a place that has never seen the repository."""

import os
import re
import resource
import signal
import subprocess
import sys
import tarfile
import urllib.parse
import urllib.request
import venv
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow
#: a block of a document: its language, what is in it
BLOCK = re.compile(r"^```([\w+]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def build(kind, source, target):
    """Build with the backend itself: what it needs is in the environment of the tests."""
    target.mkdir(exist_ok=True)
    call = f"import sys, hatchling.build as backend; print(backend.build_{kind}(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", call, str(target)], cwd=source, text=True, capture_output=True, check=True
    )
    return target / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("build")
    sdist = build("sdist", ROOT, folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return build("wheel", folder / sdist.name.removesuffix(".tar.gz"), folder)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The commands of an environment with the wheel; its dependencies are those of the tests' environment."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    commands = folder / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(commands / "python")]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    others = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(others))
    pytest_command = commands / "pytest"  # as pip would make it
    pytest_command.write_text(
        f"#!{commands}/python\nimport sys, pytest\nsys.exit(pytest.console_main())\n", "utf-8"
    )
    pytest_command.chmod(0o755)
    return commands


@pytest.fixture
def run(installed, tmp_path):
    """Run something there, in an empty folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "PYTHON"))}

    def start(*words):
        return subprocess.Popen(
            [str(installed / words[0]), *words[1:]],
            cwd=tmp_path, env=clean, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    return start


def said(process):
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0, text
    return text


def test_the_wheel_brings_what_lies_beside_the_package(run):
    script = (
        "import portal; from portal import folders; from pathlib import Path; here = Path(portal.__file__).parent\n"
        "names = ['py.typed', 'templates/portal/form.html', 'templates/portal/mail/notice-mail.txt',\n"
        "         'static/portal/portal.css', 'examples/hello_world.py', 'migrations/env.py',\n"
        "         'cli/site/flows/equipment.py.jinja', 'cli/site/.gitignore.jinja']\n"
        "print(here, folders.EXAMPLES, [name for name in names if not (here / name).is_file()])"
    )
    place, examples, lacking = said(run("python", "-c", script)).split(maxsplit=2)
    assert not Path(place).is_relative_to(ROOT)
    assert (examples, lacking.strip()) == ("portal.examples", "[]")


def test_an_empty_folder_has_no_flows(run, tmp_path):
    assert said(run("portal", "flows", "list")) == ""
    said(run("portal", "init-db"))
    script = (
        "import sqlite3; database = sqlite3.connect('instance/portal.sqlite')\n"
        "print(*(name for (name,) in database.execute('select name from sqlite_master')))"
    )
    tables = said(run("python", "-c", script)).split()
    assert "portal_process" in tables
    assert not {"article", "purchase_order", "shipment"} & set(tables)


def test_the_demo_brings_the_examples(run):
    process = run("portal", "run", "--demo", "--port", "0")
    try:
        line = next(line for line in process.stdout if "runs at" in line or "rror" in line)
        address = re.search(r"http://\S+", line)[0]
        with urllib.request.urlopen(f"{address}/login", timeout=120) as answer:
            page = answer.read().decode()
        style = re.search(r'href="(/static/portal/[^"]*/portal\.css)"', page)[1]
        with urllib.request.urlopen(f"{address}{style}", timeout=120) as answer:
            assert answer.status == 200
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=300)
    assert "Mail to" not in said, "who tries the demo is not told of what was late before"


#: a document that is walked: the part of it, the flow that its server shows, what each run of pytest passes, and the
#: commands
WALKS = {
    "README.md": (
        r"^## A first flow in ten minutes$(.*?)^## ", "Expense", [4, 7],
        ["portal new shop", "pytest", "portal flows check", "pytest"],
    ),
    "docs/tutorial.md": (
        r"(.*)", "Loan of a book", [9, 9],
        [
            "portal new library", "portal flows check", "portal flows describe loan", "pytest --flow-coverage",
            "pytest", "python loans.py", "portal flows export loan --format svg > loan.svg",
            "portal flows export loan > loan.bpmn",
        ],
    ),
}  # fmt: skip


def steps(document, part):
    """The blocks of a document in their order: a file with its path, or the lines of commands."""
    text = re.search(part, (ROOT / document).read_text("utf-8"), re.MULTILINE | re.DOTALL)[1]
    for found in BLOCK.finditer(text):
        named = re.match(r"# (\S+\.py)\n", found[2]) or re.search(
            r"`([\w/.-]+)`[^`\n]*:\n\n$", text[: found.start()]
        )
        yield (named[1], found[2]) if found[1] else (None, found[2])


@pytest.mark.parametrize("document", WALKS)
def test_a_document_is_walked_word_for_word(document, installed, tmp_path, monkeypatch):
    """Commands are typed as they stand, and files saved as the sentence before them says."""
    part, shown, passed, commands = WALKS[document]
    for name in [name for name in os.environ if name.startswith(("PORTAL_", "PYTHON", "FLASK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{installed}{os.pathsep}{os.environ['PATH']}")
    folder, typed, served, counts = tmp_path, [], [], []
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = used.ru_utime + used.ru_stime
    for path, text in steps(document, part):
        if path is not None:
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, "utf-8")
            continue
        for command in text.splitlines():
            if command.startswith("cd "):
                folder /= command.removeprefix("cd ")
            elif command.startswith("portal run"):
                served.append(command)
                in_the_browser(command, folder, shown)
            else:
                typed.append(command)
                done = subprocess.run(command, shell=True, cwd=folder, text=True, capture_output=True)
                assert done.returncode == 0, done.stdout + done.stderr
                if command.startswith("pytest"):
                    counts.append(int(re.search(r"(\d+) passed", done.stdout)[1]))
    assert (typed, counts, len(served)) == (commands, passed, 1)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (
        used.ru_utime + used.ru_stime - began < 300
    )  # the machine's share of ten minutes, whoever else computes on it


def in_the_browser(command, folder, shown):
    """Serve the site, and ask for its first page and the one of the new flow."""
    port = free_port()
    process = subprocess.Popen(
        f"exec {command} --port {port}", shell=True, cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert any("runs at" in line for line in process.stdout)
        people = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        address = f"http://127.0.0.1:{port}"
        page = people.open(f"{address}/login", timeout=120).read().decode()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
        form = {"username": "alice", "password": "portal-demo", "csrf_token": token}
        people.open(f"{address}/login", urllib.parse.urlencode(form).encode(), timeout=120).read()
        page = people.open(f"{address}/flows", timeout=120).read().decode()
        assert shown in page
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=300)
