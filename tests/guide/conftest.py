"""Every sample of the guide runs on each database."""

from on_each_database import _on_each_database, app

__all__ = ["_on_each_database", "app"]
