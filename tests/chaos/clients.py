"""People who start, take, do, give back, cancel, undo, revive, suspend and resume; a program that starts and
sends messages.

Each notes what the portal has acknowledged, and what it has refused.
"""

from __future__ import annotations

import random
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from flask import Flask

from portal.errors import TransientError, Uncertain

from .errand import LetterFlow

PASSWORD = "a long password"
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
TASK = re.compile(r'href="/tasks/(\d+)(?:/execute)?[?"]')  # the inbox leads to the form itself
#: a row of a list: a message above it may lead to a process that the list would not show
PROCESS = re.compile(r'class="row-title" href="/processes/(\d+)"')


@dataclass
class Acknowledged:
    """What was said to be done. What ended without an answer may have been done or not."""

    started: list[str] = field(default_factory=list)
    assigned: list[tuple[int, str]] = field(default_factory=list)
    executed: list[tuple[int, str]] = field(default_factory=list)
    canceled: list[int] = field(default_factory=list)
    #: processes with what was done to them, and by whom
    held: list[tuple[int, str, str]] = field(default_factory=list)
    #: tasks with what a manager did to them, and who it was
    managed: list[tuple[int, str, str]] = field(default_factory=list)
    #: letters that a program has started
    written: list[str] = field(default_factory=list)
    #: letters that a program has answered
    replied: list[str] = field(default_factory=list)
    #: texts of starts of which the portal said that nothing was changed
    refused: list[str] = field(default_factory=list)
    #: what a program met that is no answer of the portal
    surprises: list[str] = field(default_factory=list)
    #: answers by code, and requests that had none
    answers: Counter[str] = field(default_factory=Counter)


class Client:
    """One person with a browser, at whichever web server answers."""

    def __init__(
        self, addresses: list[str], username: str, acknowledged: Acknowledged, seed: str, pace: float = 0
    ) -> None:
        self.addresses, self.username, self.acknowledged = addresses, username, acknowledged
        self.random = random.Random(seed)
        #: seconds between two steps
        self.pace = pace
        self.session = requests.Session()
        self.token = ""

    def work(self, done: threading.Event) -> None:
        while not done.wait(self.pace):
            try:
                self._step()
            except (requests.RequestException, LookupError):
                self.acknowledged.answers["no answer"] += 1
                done.wait(0.1)

    def finish(self) -> bool:
        """Resume what is suspended, and do some tasks of those that are left. False if there are none."""
        for process in self._listed("/processes?status=SUSPENDED", PROCESS):
            self._hold(process, "resume")
        tasks = self._listed("/queue", TASK) + self._listed("/inbox", TASK)
        for task in tasks[:10]:
            self._take(task)
            self._do(task)
        return bool(tasks)

    def _step(self) -> None:
        what = self.random.random()
        if what < 0.2:
            text = uuid.uuid4().hex
            answer = self._answer("/flows/errand/start/start", text=text)
            if _is_done(answer):
                self.acknowledged.started.append(text)
            elif answer.status_code == 503 and "nothing was changed" in answer.text:
                self.acknowledged.refused.append(text)
        elif what < 0.3:
            self._post("/flows/tangle/start/start")
        elif what < 0.5:
            self._manage()
        elif what < 0.9:
            # From the few first ones, so that people meet over one task.
            tasks = self._listed("/queue", TASK)[:3] + self._listed("/inbox", TASK)[:2]
            if tasks:
                task = self.random.choice(tasks)
                self._take(task)
                if self.random.random() < 0.9:
                    self._do(task)
                else:
                    self._post(f"/tasks/{task}/unassign")
        elif what < 0.95:
            if (process := self._any_process("NEW")) and self._post(f"/processes/{process}/cancel"):
                self.acknowledged.canceled.append(process)
        elif what < 0.97:
            self._hold(self._any_process("NEW"), "suspend")
        else:
            self._hold(self._any_process("SUSPENDED"), "resume")

    def _manage(self) -> None:
        """Cancel, undo or revive a few tasks of one process, as their pages offer it."""
        processes = self._listed("/processes?flow=tangle", PROCESS)[:5]
        if not processes:
            return
        tasks = self._listed(f"/processes/{self.random.choice(processes)}", TASK)
        for task in self.random.sample(tasks, min(4, len(tasks))):
            page = self._request("GET", f"/tasks/{task}").text
            actions = [
                name for name in ("cancel", "undo", "revive") if f'href="/tasks/{task}/{name}"' in page
            ]
            # somebody else may be faster; now and then it is asked for what is not offered
            action = self.random.choice(actions or ["revive"])
            if self._post(f"/tasks/{task}/{action}"):
                self.acknowledged.managed.append((task, action, self.username))

    def _any_process(self, status: str) -> int | None:
        processes = self._listed(f"/processes?status={status}", PROCESS)[:5]
        return self.random.choice(processes) if processes else None

    def _hold(self, process: int | None, action: str) -> None:
        if process is not None and self._post(f"/processes/{process}/{action}"):
            self.acknowledged.held.append((process, action, self.username))

    def _take(self, task: int) -> None:
        if self._post(f"/tasks/{task}/assign"):
            self.acknowledged.assigned.append((task, self.username))

    def _do(self, task: int) -> None:
        if self._post(f"/tasks/{task}/execute", approved="y"):
            self.acknowledged.executed.append((task, self.username))

    def _listed(self, path: str, pattern: re.Pattern[str]) -> list[int]:
        answer = self._request("GET", path)
        return list(dict.fromkeys(int(number) for number in pattern.findall(answer.text)))

    def _post(self, path: str, **values: str) -> bool:
        """Send a form. True if the portal said that it is done."""
        return _is_done(self._answer(path, **values))

    def _answer(self, path: str, **values: str) -> requests.Response:
        return self._request("POST", path, data=values)

    def _request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        if not self.token:
            self._sign_in()
        if "data" in kwargs:
            kwargs["data"] = kwargs["data"] | {"csrf_token": self.token}
        address = self.random.choice(self.addresses)
        answer = self.session.request(method, address + path, timeout=8, allow_redirects=False, **kwargs)
        self.acknowledged.answers[str(answer.status_code)] += 1
        if "/login" in answer.headers.get("Location", ""):
            self.token = ""
        return answer

    def _sign_in(self) -> None:
        address = self.random.choice(self.addresses)
        self.session.cookies.clear()
        page = self.session.get(f"{address}/login", timeout=8)
        data = {"username": self.username, "password": PASSWORD, "csrf_token": self._token(page)}
        self.session.post(f"{address}/login", data=data, timeout=8, allow_redirects=False)
        self.token = self._token(self.session.get(f"{address}/profile", timeout=8, allow_redirects=False))

    def _token(self, page: requests.Response) -> str:
        found = TOKEN.search(page.text)
        if found is None:
            raise LookupError(f"no form on {page.url}: {page.status_code}")
        return found[1]


def _is_done(answer: requests.Response) -> bool:
    return answer.status_code == 303 and "/login" not in answer.headers["Location"]


class Program:
    """Starts letters and answers them, from code: sometimes the answer is there before its letter."""

    def __init__(self, app: Flask, acknowledged: Acknowledged, seed: str, pace: float = 0.2) -> None:
        self.app, self.acknowledged, self.pace = app, acknowledged, pace
        self.random = random.Random(seed)

    def work(self, done: threading.Event) -> None:
        while not done.wait(self.pace):
            text = uuid.uuid4().hex
            steps = [self._start, self._reply]
            self.random.shuffle(steps)
            for step in steps:
                step(text)

    def _start(self, text: str) -> None:
        error = self._call(lambda: LetterFlow.start.run(text=text))
        if error is None:
            self.acknowledged.written.append(text)
        elif isinstance(error, TransientError):
            self.acknowledged.refused.append(text)

    def _reply(self, text: str) -> None:
        """Until it is acknowledged: a message with a key may be sent again."""
        for _ in range(600):
            if self._call(lambda: LetterFlow.answer.run(_where={"text": text}, _key=text)) is None:
                self.acknowledged.replied.append(text)
                return
            time.sleep(0.2)
        self.acknowledged.surprises.append(f"the answer to {text} was not taken in two minutes")

    def _call(self, call: Callable[[], Any]) -> Exception | None:
        try:
            with self.app.app_context():
                call()
        except (TransientError, Uncertain) as error:
            return error
        except Exception as error:
            self.acknowledged.surprises.append(f"{type(error).__name__}: {error}")
            return error
        return None
