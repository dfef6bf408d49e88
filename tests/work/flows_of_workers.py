"""Flows whose jobs take time, for tests with workers in processes of their own."""

import datetime as dt
import time
from pathlib import Path

from portal import flow, this


class PauseFlow(flow.Flow):
    """A timer, and nothing else"""

    start = flow.StartHandle().Next(this.pause)
    pause = flow.Timer(dt.timedelta(0)).Next(this.end)
    end = flow.End()


class MinuteFlow(flow.Flow):
    """Starts by itself"""

    start = flow.StartTimer(interval=dt.timedelta(minutes=1)).Next(this.end)
    end = flow.End()


class LongFlow(flow.Flow):
    """A job that works until a file is there, at its second try at once"""

    start = flow.StartHandle(this.begin).Next(this.work)
    work = flow.Job(this.do_work).Next(this.end)
    end = flow.End()

    def begin(self, activation, folder):
        activation.process.data["folder"] = folder
        return activation.process

    def do_work(self, activation):
        folder = Path(activation.process.data["folder"])
        (folder / f"began {activation.attempt}").touch()
        while activation.attempt == 1 and not (folder / "go on").exists():
            time.sleep(0.02)
        activation.process.data["done by"] = activation.attempt
        (folder / f"ended {activation.attempt}").touch()
