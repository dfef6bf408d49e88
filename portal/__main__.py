"""The command `portal`, also as `python -m portal`."""

from __future__ import annotations

import gc


def main() -> None:
    """Run a command in the application of this folder."""
    gc.disable()  # while modules are imported nothing is garbage, and to look for it is a tenth of the start
    try:
        from portal.command import group  # all that is heavy

        group().main()
    finally:
        gc.enable()


if __name__ == "__main__":
    main()
