"""Where the portal's templates and static files are, and those of the site that it serves.

In a wheel they lie inside the package; in a checkout, and so in an editable install, beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def _find(name: str) -> Path:
    inside = _PACKAGE / name
    return inside if (inside / "portal").is_dir() else _PACKAGE.parent / name


#: the names in them begin with `portal/`, so that a site's own lie beside them
TEMPLATES = _find("templates")
STATIC = _find("static")
#: where the example flows are in a checkout
EXAMPLES_IN_CHECKOUT = _PACKAGE.parent / "flows"
#: the module of the example flows, which `portal run --demo` brings
EXAMPLES = "portal.examples" if (_PACKAGE / "examples").is_dir() else "flows"


def site() -> Path:
    """The folder of the site: the current one, with its `flows/`, `templates/`, `static/` and `instance/`."""
    return Path.cwd()
