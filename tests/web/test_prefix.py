"""The portal below a path: as a WSGI server mounts it (SCRIPT_NAME), and as a proxy says it (X-Forwarded-Prefix)."""

import re
from html import unescape
from urllib.parse import urlsplit

import pytest

from portal.web.urls import safe_path
from portal.work.addresses import address

PREFIX = "/portal"
#: what leads somewhere on a page, in a picture, or in a form that says where to go on
ADDRESS = re.compile(
    r"""\b(?:href|src|action|formaction|data-draft)="([^"]*)"|name="next" value="([^"]*)"|[?&;]next=([^"&]*)"""
)


class Below:
    """A browser that knows the portal below the prefix, and notes every address that is shown."""

    def __init__(self, client):
        self.client, self.stray = client, []

    def open(self, where, **sent):
        assert where.startswith(PREFIX), where
        path = where.removeprefix(PREFIX) or "/"
        with self.client.open(path, base_url=f"http://localhost{PREFIX}", **sent) as answer:
            self.text = answer.get_data(as_text=True) if "html" in answer.content_type else ""
            self.note(where, answer.location or "", *self.found())
            return answer

    def found(self):
        return [unescape("".join(each)) for each in ADDRESS.findall(self.text)]

    def note(self, where, *addresses):
        for each in addresses:
            outside = each.startswith("/") and not f"{urlsplit(each).path}/".startswith(f"{PREFIX}/")
            if outside or each.startswith(("http:", "//")):
                self.stray.append(f"{where}: {each}")


@pytest.fixture
def below(client_of):
    return lambda username: Below(client_of(username))


def links(browser):
    return {each.partition("#")[0] for each in browser.found() if each.startswith(f"{PREFIX}/")}


@pytest.mark.parametrize(("who", "pages"), [("erin", 40), ("bob", 25), ("dave", 12)])
def test_no_address_on_any_page_leads_out(below, submit, take, people, who, pages):
    submit()
    take(submit(), "bob")
    done = take(submit(), "erin")
    browser = below(who)
    browser.open(f"{PREFIX}/tasks/{done}/execute", method="POST", data={"accepted": "y"})
    waiting, seen = [f"{PREFIX}/", f"{PREFIX}/nothing", f"{PREFIX}/queue?q=nothing"], set()
    while waiting:
        where = waiting.pop()
        if where not in seen and len(seen) < 150:
            seen.add(where)
            answer = browser.open(where)
            assert answer.status_code in (200, 302, 303, 403, 404, 405, 409), (where, answer.status_code)
            waiting += sorted(links(browser) - seen)
    assert browser.stray == []
    assert len(seen) > pages


def test_every_action_leads_back_inside(below, submit, open_task, people):
    browser = below("erin")
    process_id = submit()
    task = f"{PREFIX}/tasks/{open_task(process_id).id}"
    inbox = f"{PREFIX}/inbox?flow=paper"
    for path, sent, code, target in [
        ("/assign", {"next": f"{task}/execute"}, 303, f"{task}/execute"),
        ("/draft", {"accepted": "y"}, 200, None),
        ("/draft", {"discard": "1"}, 303, f"{task}/execute"),
        ("/unassign", {"next": inbox}, 303, inbox),
        ("/assign", {"next": "/elsewhere"}, 303, task),
        ("/reassign", {"user": "nobody"}, 422, None),
        ("/execute", {"accepted": "y", "_seen": ""}, 303, f"{PREFIX}/inbox"),
        ("/execute", {}, 409, None),
    ]:
        answer = browser.open(f"{task}{path}", method="POST", data=sent)
        assert (answer.status_code, answer.location) == (code, target), path
    browser.open(f"{PREFIX}/inbox")  # says what was done, with links
    for path in ("/tasks/assign", "/profile/sessions", f"/processes/{process_id}/cancel", "/logout"):
        assert browser.open(f"{PREFIX}{path}", method="POST").status_code == 303
    assert browser.stray == []


def test_one_who_is_not_signed_in_comes_back_inside(app, people, submit, take):
    task_id = take(submit(), "bob")
    browser = Below(app.test_client())
    form = f"{PREFIX}/tasks/{task_id}/execute"
    for method in ("GET", "POST"):
        answer = browser.open(form, method=method, data={"title": "Typed"} if method == "POST" else None)
        assert answer.location.startswith(f"{PREFIX}/login?next=")
    onward = {"username": "bob", "password": "correct horse", "next": form}
    assert browser.open(answer.location, method="POST", data=onward).location == form
    browser.open(form)
    assert "Draft of" in browser.text
    assert browser.stray == []


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("/portal/queue?q=a", True),
        ("/portal", True),
        ("/portal/", True),
        ("/queue", False),
        ("/portals/queue", False),
        ("/portal/../admin", False),
        ("/portal/%2e%2E/admin", False),
        ("//portal/queue", False),
        ("https://elsewhere.example/portal/queue", False),
        ("/portal/\\elsewhere", False),
    ],
)
def test_next_stays_below_the_prefix(app, given, taken):
    with app.test_request_context("/login", base_url="http://localhost/portal"):
        assert safe_path(given) == (given if taken else "/portal/inbox")


@pytest.mark.parametrize("given", ["/../..//elsewhere.example", "/%2e%2e/queue", "/a/../../b"])
def test_dots_lead_nowhere_without_a_prefix_either(app, given):
    with app.test_request_context("/login"):
        assert safe_path(given) == "/inbox"


def test_a_list_that_one_came_from_is_known_by_its_whole_path(below, submit, take):
    task_id = take(submit(), "bob")
    browser = below("bob")
    for path, known in [("/portal/inbox?q=bees", True), ("/inbox?q=bees", False)]:
        browser.open(f"{PREFIX}/tasks/{task_id}/execute", headers={"Referer": f"http://localhost{path}"})
        assert (f'href="{path}"' in browser.text) is known


@pytest.mark.parametrize(
    ("base", "path"),
    [("https://work.example/portal", "/portal/tasks/7"), ("http://work.example:81", "/tasks/7")],
)
def test_mail_leads_below_the_path_of_the_base_url(app, base, path):
    assert address(base, "tasks.detail", task_id=7) == f"{base.removesuffix('/portal')}{path}"


@pytest.mark.parametrize(("proxies", "target"), [(0, "/inbox"), (1, "/portal/inbox")])
def test_a_proxy_that_is_trusted_says_the_prefix(applications, database_url, proxies, target):
    with applications.lend(DATABASE_URL=database_url, FLOWS=[], TRUSTED_PROXIES=proxies) as app:
        answer = app.test_client().get("/", headers={"X-Forwarded-Prefix": "/portal"})
        assert answer.location == target
