"""python -m tests.chaos --minutes 30 [--kills 900] [--seed 42] [--break fence|lease|lock]"""

from __future__ import annotations

import argparse
import sys

from .breaks import BREAKS
from .run import run

parser = argparse.ArgumentParser(
    prog="python -m tests.chaos", description="End processes at random, and audit."
)
parser.add_argument("--minutes", type=float, default=1.0)
parser.add_argument("--kills", type=int, help="30 a minute unless told")
parser.add_argument("--seed", default="", help="repeat what was chosen at random in another run")
parser.add_argument(
    "--break", dest="broken", choices=sorted(BREAKS), default="", help="what the auditor must notice"
)
chosen = parser.parse_args()

report = run(chosen.minutes * 60, chosen.kills or int(chosen.minutes * 30), chosen.seed, chosen.broken)
print("\n".join(report.lines()[1:]))
sys.exit(1 if report.faults else 0)
