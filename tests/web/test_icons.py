"""The icons of our pages are in one file, each of them."""

import re

from portal import folders
from portal.web import navigation
from portal.web.display import actions, icons

NAMED = re.compile(r"""\bicon\(['"]([\w-]+)['"]\)""")


def test_every_icon_that_is_named_is_in_the_file():
    named = {
        name for path in folders.TEMPLATES.rglob("*.html") for name in NAMED.findall(path.read_text("utf-8"))
    }
    named |= {entry.icon for entry in navigation._entries.values()}
    # a question that is asked beside a list brings no drawings of its own
    named |= {action.icon for action in [*actions.ACTIONS.values(), *actions.PROCESS_ACTIONS.values()]}
    assert named <= set(icons.NAMES)
    assert all(f'<symbol id="{name}"'.encode() in icons.sheet() for name in icons.NAMES)


def test_the_file_is_kept_for_ever_and_another_icon_is_drawn_into_the_page(app):
    with app.test_request_context():
        known, other = icons.icon("bell"), icons.icon("alarm")
        address = re.search(r'href="([^#"]+)#bell"', known)[1]
        assert 'href="#icon-alarm"' in other
        assert 'id="icon-alarm"' in icons.icon_drawings()
    answer = app.test_client().get(address)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert "immutable" in answer.headers["Cache-Control"]
