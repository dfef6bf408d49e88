"""Renders comments from Markdown as safe HTML, and finds whom they mention."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Any

from portal import usernames

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_inline import StateInline

#: a user name behind an @: it ends in a letter or a digit, so that a full stop behind it is none of it
_NAME = re.compile(r"\w(?:[\w.+@-]*\w)?")
_TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "span"}


def html(text: str, named: Collection[str] = ()) -> str:
    """A remark as HTML without scripts, images, headings and tags of its author's.

    Args:
        text: Markdown.
        named: the keys (see `usernames`) of those who are marked where they are named.
    """
    import nh3  # as of the parser

    made = str(_parser().render(text, {"named": frozenset(named)}))
    return nh3.clean(
        made,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        allowed_classes={"span": {"mention"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )


def mentions(text: str) -> list[str]:
    """The names behind an @, each once, in the order of the text; not what stands in code."""
    found = [
        child.content
        for token in _parser().parse(text)
        for child in token.children or ()
        if child.type == "mention"
    ]
    return list(dict.fromkeys(found))


@cache
def _parser() -> MarkdownIt:
    from linkify_it import LinkifyIt  # 2.5 MB and 150 modules, which only remarks need
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": True})
    parser.enable(["strikethrough", "linkify"])
    parser.disable(["heading", "lheading", "image", "html_block", "html_inline"])
    links: Any = LinkifyIt().set({"fuzzy_email": False, "fuzzy_link": False, "fuzzy_ip": False})
    parser.linkify = links
    parser.inline.ruler.push("mention", _mention)
    parser.add_render_rule("mention", _marked)
    return parser


def _mention(state: StateInline, silent: bool) -> bool:
    """A rule of the parser: an @ that begins a word, and the name behind it."""
    at = state.pos
    before = state.src[at - 1] if at else " "
    found = _NAME.match(state.src, at + 1, state.posMax) if state.src[at] == "@" else None
    if found is None or before.isalnum() or before in "._+-@/":
        return False
    if not silent:
        state.push("mention", "", 0).content = found[0]
    state.pos = found.end()
    return True


def _marked(self: RendererHTML, tokens: Any, index: int, _options: Any, env: Any) -> str:
    name = tokens[index].content  # letters, digits and . + @ - _: nothing that HTML would read
    return f'<span class="mention">@{name}</span>' if usernames.key(name) in env["named"] else f"@{name}"
