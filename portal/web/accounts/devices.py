"""Names a browser and its system, from its `User-Agent`."""

from __future__ import annotations

from portal.language import gettext


def device(agent: str) -> str:
    """`Firefox on Linux`."""
    from ua_parser import parse_os, parse_user_agent  # its table of patterns is large, and rarely needed

    browser, system = parse_user_agent(agent), parse_os(agent)
    names = [found.family for found in (browser, system) if found is not None]
    if len(names) == 2:
        return gettext("%(browser)s on %(system)s", browser=names[0], system=names[1])
    return "".join(names) or gettext("Unknown device")
