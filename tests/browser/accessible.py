"""What is asked of every page as a browser shows it."""

from axe_playwright_python.sync_playwright import Axe

#: the rules that axe asks
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
_AXE = Axe().axe_script


def violations(page):
    """What axe finds: a page is sent the half megabyte of axe once, and the long list of what is right stays there."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    return page.evaluate("rules => axe.run(rules).then(found => found.violations)", RULES)


def find_problems(page):
    """What axe finds on a page as it stands, light and dark, and whether a phone scrolls it sideways."""
    found = []
    for scheme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        for each in violations(page):
            found.append((scheme, each["id"], [node["html"][:120] for node in each["nodes"][:3]]))
        page.wait_for_function("document.documentElement !== null")  # the page may just be coming anew
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append((width, "scrolls sideways"))
    page.set_viewport_size({"width": 1280, "height": 900})
    return found
