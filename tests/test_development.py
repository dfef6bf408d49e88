"""What an author has at hand: a new site, the page of a site that cannot be loaded, and `portal shell`."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request

import pytest
import yaml
from werkzeug.test import Client

from portal import create_app, models
from portal.__main__ import main
from portal.cli.broken import BrokenSite
from portal.errors import FlowError
from portal.models import db
from tests.ports import free_port

GOOD = """
from portal import flow, this

class GreetFlow(flow.Flow):
    start = flow.StartHandle().Next(this.wait)
    wait = (
        flow.ManualTask()
        .Next(this.end)
    )
    end = flow.End()
"""


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run `portal …` in an empty folder: what it says, and how it ends."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))

    def run(*words):
        monkeypatch.setattr("sys.argv", ["portal", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return "".join(capsys.readouterr()), ended.value.code or 0

    return run


def test_a_new_site_has_what_it_needs(command, tmp_path):
    said, code = command("new", "Corner shop")
    site = tmp_path / "Corner shop"
    assert (code, "cd 'Corner shop'" in said) == (0, True)
    assert tomllib.loads((site / "pyproject.toml").read_text())["project"]["name"] == "corner-shop"
    services = yaml.safe_load((site / "compose.yaml").read_text())["services"]
    assert {"db", "web", "worker"} <= set(services)
    assert services["web"]["environment"] == services["worker"]["environment"]
    assert stat.S_IMODE((site / ".env").stat().st_mode) == 0o600
    for name in ("wsgi.py", "Dockerfile", "README.md", "tests/test_equipment.py"):
        assert (site / name).read_text()


def test_two_sites_have_two_secrets(command, tmp_path):
    command("new", "one")
    command("new", "two")
    assert (tmp_path / "one/.env").read_text() != (tmp_path / "two/.env").read_text()


def test_a_folder_with_something_in_it_is_refused(command, tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/note.txt").write_text("mine")
    said, code = command("new", "shop")
    assert code == 1
    assert said == "Error: shop is not empty; name a folder that is not there yet\n"
    assert [each.name for each in (tmp_path / "shop").iterdir()] == ["note.txt"]


def test_a_folder_that_cannot_be_made_is_refused(command, tmp_path):
    (tmp_path / "file").write_text("")
    said, code = command("new", "file/shop")
    assert code == 1
    assert said.startswith("Error: cannot write file/shop")
    assert said.count("\n") == 1


def page_of(source, file):
    """The answer of a site whose flow is this source."""
    file.write_text(source)
    with pytest.raises(Exception) as raised:
        exec(compile(source, str(file), "exec"), {"__name__": "flows.greet"})
    answer = Client(BrokenSite(raised.value)).get("/inbox")
    assert answer.status_code == 500
    return answer.text


def test_a_wrong_flow_is_a_page_with_class_node_line_and_mend(tmp_path):
    file = tmp_path / "greet.py"
    page = page_of(GOOD.replace(".Next(this.end)\n", ".Next(this.edn)\n"), file)
    assert "<h1>wait: leads to this.edn, which is no node of this flow</h1>" in page
    assert re.search(r"<dt>Class</dt><dd>GreetFlow</dd>", page)
    assert f"{file}:8" in page  # not where the node begins: where the word is
    assert re.search(r'class="marked"[^>]*><td[^>]*>8</td><td>        \.Next\(this\.edn\)', page)
    assert "Did you mean this.end?" in page


def test_further_problems_are_told_beside(tmp_path):
    source = GOOD.replace("(this.wait)", "(this.wiat)").replace(".Next(this.end)\n", ".Next('end')\n")
    page = page_of(source, tmp_path / "greet.py")
    assert "2 problems" in page
    assert "Further problems" in page
    assert page.count("greet.py:") >= 2


def test_any_other_error_is_a_page_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = page_of("class Broken(:\n", tmp_path / "greet.py")
    assert "SyntaxError: invalid syntax" in page
    assert "greet.py:1" in page
    page = page_of("x = 1\n<b>\n".replace("<b>", "{}['<b>']"), tmp_path / "greet.py")
    assert "KeyError: &#39;&lt;b&gt;&#39;" in page
    assert "greet.py:2" in page
    assert "Full traceback" in page


def test_the_page_is_told_apart_from_another_and_brings_its_style():
    def site(name):
        return BrokenSite(FlowError(name))

    assert site("a").version == site("a").version != site("b").version
    client = Client(site("a"))
    assert client.head("/").headers["X-Portal-Version"] == site("a").version
    assert client.post("/tasks/1/execute").status_code == 500
    for name in re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/").text):
        with client.get(name) as file:
            assert file.status_code == 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("flow.Job(this.pay, retry=3)", "did you mean retries?"),
        ("flow.Job(this.pay()).Next(this.end)", "write this.pay"),
        ('flow.ManualTask().permission("x")', "did you mean .Permission()?"),
        ('flow.ManualTask().Annotation(titel="x")', "did you mean title?"),
        ("flow.ManualTask().onTimeout(5, this.end)", "did you mean .OnTimeout?"),
        ('flow.ManualTask().Assign(assign.RoundRobin("clerks"))', "role=…"),
        ("flow.Timer(timedelta(days=1))", "write from datetime import timedelta"),
        ("flow.ManualTask().Due(flow.working(weeks=1))", "days, hours"),
        ("flow.MannualTask()", "did you mean ManualTask?"),
        ("flow.ExternalTask()", "add topic"),
        ('jsonstore.FileField("X", max_size="10 apples")', "'10 apples' is no size; give one"),
        ('jsonstore.StringField("X", maxlength=5)', "did you mean max_length?"),
        ('jsonstore.ChoiceField(choices="van")', 'write choices=["van"]'),
        ("flow.Function(self.later)", "write this.later"),
        ("flow.ManualTask().Next(later)", "write this.later"),
        ("flow.ManualTask().Next(\n            done)", "write this.done"),
    ],
)
def test_what_python_refuses_is_told_with_its_place_and_a_mend(
    command, tmp_path, monkeypatch, request, wrong, words
):
    name = re.sub(r"\W+", "_", request.node.name)  # a package of its own: Python keeps what it has imported
    monkeypatch.setenv("PORTAL_FLOWS", name)
    flows = tmp_path / name
    flows.mkdir()
    source = "from portal import assign, flow, jsonstore, this\n\nclass GreetFlow(flow.Flow):\n    work = (\n        "
    later = "    done = flow.End()\n\n    def later(self, activation): ...\n"
    (flows / "greet.py").write_text(f"{source}{wrong}\n    )\n{later}")
    said, code = command("flows", "check")
    assert code == 1
    assert said.startswith("Error: GreetFlow.work: ")
    assert words in said
    line = 6 if "\n" in wrong else 5
    assert said.endswith(f'File "{flows / "greet.py"}", line {line}\n')


def told(command, folder, monkeypatch, **modules):
    """What `flows check` says of a package of its own with these modules."""
    package = folder / f"site_{len(list(folder.iterdir()))}_{folder.name.replace('-', '_')}"
    package.mkdir()
    for name, source in modules.items():
        (package / f"{name}.py").write_text(source.replace("PACKAGE", package.name))
    monkeypatch.setenv("PORTAL_FLOWS", package.name)
    return command("flows", "check")


def test_a_keyword_on_a_line_of_its_own_is_no_attribute(command, tmp_path, monkeypatch):
    source = """from portal import flow, jsonstore, this, views

class GreetFlow(flow.Flow):
    work = (
        flow.View(
            views.UpdateProcessView.as_view(
                fields=["text"]
            )
        )
        .Due(days=2)
    )
"""
    said, code = told(command, tmp_path, monkeypatch, greet=source)
    assert code == 1
    assert said.startswith("Error: GreetFlow.work: ")


def test_the_words_of_a_field_are_its_own(command, tmp_path, monkeypatch):
    line = "class Line(jsonstore.Schema):\n    what = jsonstore.StringField(null=True)\n"
    source = f"from portal import jsonstore\n\n{line}"
    said, _code = told(command, tmp_path, monkeypatch, lines=source)
    assert "there are: label, min_length, max_length, required" in said
    assert "fget" not in said


def test_a_flow_that_derives_from_the_module(command, tmp_path, monkeypatch):
    source = "from portal import flow\n\nclass GreetFlow(flow):\n    pass\n"
    said, code = told(command, tmp_path, monkeypatch, greet=source)
    assert (code, "write class GreetFlow(flow.Flow)" in said) == (1, True)


def test_modules_that_import_each_other(command, tmp_path, monkeypatch):
    said, code = told(
        command,
        tmp_path,
        monkeypatch,
        one="from PACKAGE.two import b\na = 1\n",
        two="from PACKAGE.one import a\nb = 1\n",
    )
    assert (code, "put both into one module" in said) == (1, True)


STEPS = """from portal import flow, this

class {name}{base}:
    start = flow.StartHandle().Next(this.end)
    end = flow.End()
"""


def test_a_class_with_steps_that_is_no_flow_is_told(command, tmp_path, monkeypatch):
    said, code = told(command, tmp_path, monkeypatch, greet=STEPS.format(name="GreetFlow", base=""))
    assert code == 0
    assert "greet.GreetFlow has steps and is no flow; write class GreetFlow(flow.Flow)" in said


def test_steps_that_a_flow_inherits_are_its_own(command, tmp_path, monkeypatch):
    common = STEPS.format(name="Common", base="")
    imports = "from PACKAGE.common import Common\nfrom portal import flow\n"
    greet = f"{imports}\nclass GreetFlow(Common, flow.Flow):\n    pass\n"
    said, code = told(command, tmp_path, monkeypatch, common=common, greet=greet)
    assert (code, said) == (0, "greet: 2 nodes, sound\n")


def test_debugging_is_for_this_machine_alone(command):
    said, code = command("run", "--debug", "--host", "0.0.0.0")
    assert (code, said.count("\n")) == (1, 1)
    assert "127.0.0.1" in said


def test_the_shell_has_flows_and_models_at_hand(capsys):
    app = create_app({"DATABASE_URL": "sqlite://", "TESTING": True, "FLOWS": ["flows.hello_world"]})
    with app.app_context():
        names = app.make_shell_context()
        assert {"HelloWorldFlow", "HelloWorldProcess", "Process", "Task", "User", "db", "select"} <= set(
            names
        )
        models.init_db()
        process = names["HelloWorldFlow"].start.flow_class.process_class(flow_label="hello_world")
        db.session.add(process)
        db.session.commit()
        names["explain"](process.id)
        names["explain"](99)
    said = capsys.readouterr().out
    assert said == "process 1 of hello_world is NEW\nThere is no process 99.\n"


def answer(port, path="/login", **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as found:
            return found.status, found.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def awaits(port, status):
    """The page, once it has this status."""
    until = time.monotonic() + 300
    while (found := answer(port))[0] != status:
        assert time.monotonic() < until, f"{status} did not come: {found}"
        time.sleep(0.25)
    return found[1]


@pytest.mark.slow
def test_a_mistake_is_a_page_until_it_is_mended(tmp_path):
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "__init__.py").touch()
    (flows / "greet.py").write_text(GOOD)
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    env["PYTHONDONTWRITEBYTECODE"] = "1"  # both versions of the file have one length, and perhaps one second
    served = subprocess.Popen(
        [sys.executable, "-m", "portal", "run", "--reload", "--debug", "--port", str(port)],
        cwd=tmp_path, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        awaits(port, 200)
        (flows / "greet.py").write_text(GOOD.replace("this.wait", "this.wiat"))
        assert "this.wiat" in awaits(port, 500)
        (flows / "greet.py").write_text(GOOD)
        awaits(port, 200)
    finally:
        os.killpg(served.pid, signal.SIGTERM)
        said, _ = served.communicate(timeout=300)
    assert (
        "GreetFlow.start: leads to this.wiat, which is no node of this flow; did you mean this.wait?" in said
    )


EMPTY = '{% extends "portal/form.html" %}'
#: pages of a site with the flow `equipment`, and what is said of them
PAGES = {
    "equipment/aprove.html": (
        EMPTY,
        "is of no node of equipment; did you mean portal/equipment/approve.html?",
    ),
    "equipments/approve.html": (EMPTY, "is of no flow; did you mean portal/equipment/approve.html?"),
    "equipment/form.html": (
        EMPTY + "{% block field %}{% endblock %}",
        "has a block `field`, which nothing shows; did you mean fields?",
    ),
    "equipment/order.html": (EMPTY + "{% block fields %}{% block rows %}{% endblock %}{% endblock %}", None),
    "equipment/_parts.html": ("{% block rows %}{% endblock %}", None),
    "shop/news.html": (EMPTY, None),
    "../base.html": ("<html>{% block page %}{% endblock %}</html>", None),
    "inbox.html": ('{% extends "ours/portal/inbox.html" %}', None),
}


def test_a_page_that_nobody_sees_is_told(command, tmp_path, monkeypatch):
    command("new", "shop")
    monkeypatch.chdir(tmp_path / "shop")
    for name, (text, _words) in PAGES.items():
        page = tmp_path / "shop" / "templates" / "portal" / name
        page.parent.mkdir(exist_ok=True)
        page.write_text(text)
    said, code = command("flows", "check")
    told = sorted(line for line in said.splitlines() if line.startswith("the page "))
    assert code == 0
    assert told == sorted(
        f"the page portal/{name} {words}" for name, (_text, words) in PAGES.items() if words
    )
