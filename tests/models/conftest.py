"""Every test of the models runs on each database."""

from on_each_database import _on_each_database, app

__all__ = ["_on_each_database", "app"]
