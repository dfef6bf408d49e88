"""What CI checks, part by part, each in an environment of its own: `nox`, or `nox -s docs`."""

import nox

nox.options.sessions = ["tests", "lint", "types", "docs"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def tests(session: nox.Session) -> None:
    """The tests; `nox -s tests -- -m ""` runs the slow ones too."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format and the order of the layers."""
    session.install("-e", ".[test]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """The types of the package."""
    session.install("-e", ".[test]")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site, in docs/_build; a warning is an error."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build")


@nox.session
def catalogues(session: nox.Session) -> None:
    """Read the words of pages and code into portal.pot, and bring the catalogues up to date with it."""
    session.install("Babel>=2.17", "Jinja2")
    words = "portal/translations/portal.pot"
    keys = ("-k", "_", "-k", "lazy_gettext", "-k", "pgettext:1c,2", "-k", "lazy_pgettext:1c,2")
    session.run(
        "pybabel", "extract", "-F", "babel.cfg", *keys, "--no-location", "--sort-output", "-o", words, "."
    )
    session.run(
        "pybabel", "update", "-D", "portal", "-i", words, "-d", "portal/translations", "--no-fuzzy-matching"
    )


@nox.session
def benchmarks(session: nox.Session) -> None:
    """How long actions and lists take: `nox -s benchmarks -- engine`; engine, web and inbox without names."""
    session.install("-e", ".[test]")
    for name in session.posargs or ("engine", "web", "inbox"):
        session.run("python", f"benchmarks/{name}.py")
