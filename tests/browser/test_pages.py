"""Every page, wide and narrow, light and dark: nothing that axe finds, no sideways scrolling, a quiet console."""

import pytest

from tests.browser.accessible import violations

PAGES = [
    "/inbox",
    "/queue",
    "/archive",
    "/flows",
    "/flows/purchase_order",
    "/flows/leave_request/start/start",
    "/processes",
    "/processes?mine=1",
    "/requests",
    "/requests?show=finished",
    "/requests?show=drafts",
    "/processes/1",
    "/tasks/2",
    "/tasks/2/assign",
    "/tasks/2/help",
    "/profile",
    "/notices",
    "/tasks",
    "/tasks?group=step",
    "/tasks?group=due&flow=leave_request&columns=flow,data.first_day,data.last_day,owner,due",
    "/workload",
    "/reports",
    "/reports/purchase_order",
    "/processes/1/data",
    "/processes/1/send",
    "/processes/1/migrate",
    "/admin/",
    "/admin/people",
    "/admin/people/bob",
    "/admin/roles",
    "/admin/incidents",
    "/admin/jobs",
    "/admin/audit",
    "/admin/retention",
    "/admin/tokens",
    "/processes/999999",
]
#: ids that are there more than once: what they name would be another's
_TWICE = """() => {
  const ids = Array.from(document.querySelectorAll("[id]"), (each) => each.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""
#: the rules of axe are asked once in each colour and once at each width
WAYS = [(1280, "light", True), (1280, "dark", False), (390, "light", False), (390, "dark", True)]


@pytest.mark.parametrize(
    ("width", "scheme", "asks"), WAYS, ids=[f"{width}-{scheme}" for width, scheme, _ in WAYS]
)
def test_pages_are_accessible_and_fit(sign_in, page, base_url, width, scheme, asks):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    sign_in("carol")
    found = {}
    for path in PAGES:
        page.goto(base_url + path)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found[path] = "scrolls sideways"
        twice = page.evaluate(_TWICE)
        if twice:
            found[path] = twice
        problems = violations(page) if asks else []
        if problems:
            found[path] = [
                (each["id"], [node["html"][:120] for node in each["nodes"][:3]]) for each in problems
            ]
    assert not found
    answers = ("404", "409")  # of a page that is not there, and of levers that this process has no use for
    assert [text for text in said if not any(each in text for each in answers)] == []


def test_no_page_is_too_wide_for_a_small_phone_in_german(sign_in, page, base_url):
    page.set_viewport_size({"width": 320, "height": 700})
    sign_in("carol")
    page.set_extra_http_headers({"Accept-Language": "de"})
    page.goto(f"{base_url}/inbox")
    assert page.locator("html").get_attribute("lang") == "de"
    wide = {}
    for path in PAGES:
        page.goto(base_url + path)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 320:
            wide[path] = width
    assert not wide


#: pairs of cells of a row whose words lie on each other
_OVERLAPS = """() => [...document.querySelectorAll('.lines > tbody > tr')].flatMap((row) => {
  const boxes = [...row.cells].map((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const cut = cell.querySelector(".line") || getComputedStyle(cell).overflow === "hidden";
    const edge = cut ? cell.getBoundingClientRect().right : Infinity;
    const words = [...range.getClientRects()].map(({ left, top, bottom, right }) =>
      ({ left, top, bottom, right: Math.min(right, edge) }));
    return [cell.className, words.filter((box) => box.right - box.left > 1 && box.bottom - box.top > 1)];
  });
  const meet = (a, b) =>
    a.left < b.right - 2 && b.left < a.right - 2 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  return boxes.flatMap(([name, mine], place) => boxes.slice(place + 1)
    .filter(([, others]) => mine.some((a) => others.some((b) => meet(a, b)))).map(([other]) => `${name}/${other}`));
})"""


@pytest.mark.parametrize("width", [1280, 390])
def test_no_cell_of_a_list_lies_on_another(sign_in, page, base_url, width):
    page.set_viewport_size({"width": width, "height": 900})
    sign_in("carol")
    fields = "data.first_day,data.last_day,data.kind"
    for language in ("en", "de"):
        page.set_extra_http_headers({"Accept-Language": language})
        for path in (
            f"/tasks?flow=leave_request&columns=flow,{fields},due,age",
            f"/processes?flow=leave_request&columns={fields},state,now,finished,flow",
            "/processes?state=attention",
            "/archive?columns=flow,outcome,finished",
        ):
            page.goto(base_url + path)
            assert page.evaluate(_OVERLAPS) == [], (language, path)


def test_the_sign_in_page_is_accessible(page, base_url):
    page.goto(f"{base_url}/login")
    assert not violations(page)
    page.get_by_role("button", name="Sign in").click()
    assert not violations(page)


def test_what_is_printed_reads_on_white_paper_from_a_dark_screen_too(sign_in, page, base_url):
    sign_in("carol")
    page.emulate_media(media="print", color_scheme="dark")
    for path in ("/processes/1", "/flows/purchase_order", "/inbox", "/tasks/2"):
        page.goto(base_url + path)
        problems = violations(page)
        assert [(each["id"], each["nodes"][0]["html"][:120]) for each in problems] == [], path
        assert page.locator(".btn:visible").count() == 0, "nobody presses a button on paper"
    page.goto(f"{base_url}/reports/purchase_order")
    assert page.locator(".figures-chart .tick text:visible").count() > 1, (
        "a chart without numbers says nothing"
    )


def test_moments_are_told_in_the_language_of_the_page(sign_in, page, base_url):
    sign_in("carol")
    page.set_extra_http_headers({"Accept-Language": "de"})  # the browser's own words stay English
    page.goto(f"{base_url}/processes/1")
    told, weekday = page.locator("time[title]").first.evaluate(
        "time => [time.title, new Date(time.dateTime).toLocaleDateString('de', { weekday: 'short' })]"
    )
    assert told.startswith(f"{weekday}.,")


def test_the_filters_of_a_phone_open_below_the_button_that_was_pressed(sign_in, page, base_url):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in("carol")
    for path in ("/tasks", "/processes"):
        page.goto(base_url + path)
        button = page.locator("label.btn", has_text="Filter")
        before = button.bounding_box()
        button.click()
        page.get_by_placeholder("Filter by number or text").wait_for()
        assert button.bounding_box() == before
