"""People who start, take, do, give back and cancel, and note what the portal has acknowledged."""

from __future__ import annotations

import random
import re
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests

PASSWORD = "a long password"
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
TASK = re.compile(r'href="/tasks/(\d+)"')
PROCESS = re.compile(r'href="/processes/(\d+)"')


@dataclass
class Acknowledged:
    """What was said to be done. What ended without an answer may have been done or not."""

    started: list[str] = field(default_factory=list)
    assigned: list[tuple[int, str]] = field(default_factory=list)
    executed: list[tuple[int, str]] = field(default_factory=list)
    canceled: list[int] = field(default_factory=list)
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
        """Do one task of those that are left. False if there are none."""
        tasks = self._listed("/queue", TASK) + self._listed("/inbox", TASK)
        for task in tasks[:10]:
            self._take(task)
            self._do(task)
        return bool(tasks)

    def _step(self) -> None:
        what = self.random.random()
        if what < 0.3:
            text = uuid.uuid4().hex
            if self._post("/flows/errand/start/start", text=text):
                self.acknowledged.started.append(text)
        elif what < 0.95:
            # From the few first ones, so that people meet over one task.
            tasks = self._listed("/queue", TASK)[:3] + self._listed("/inbox", TASK)[:2]
            if tasks:
                task = self.random.choice(tasks)
                self._take(task)
                if self.random.random() < 0.9:
                    self._do(task)
                else:
                    self._post(f"/tasks/{task}/unassign")
        elif processes := self._listed("/processes?status=NEW", PROCESS)[:5]:
            process = self.random.choice(processes)
            if self._post(f"/processes/{process}/cancel"):
                self.acknowledged.canceled.append(process)

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
        answer = self._request("POST", path, data=values)
        return answer.status_code == 303 and "/login" not in answer.headers["Location"]

    def _request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        if not self.token:
            self._sign_in()
        if "data" in kwargs:
            kwargs["data"] = kwargs["data"] | {"csrf_token": self.token}
        address = self.random.choice(self.addresses)
        answer = self.session.request(method, address + path, timeout=8, allow_redirects=False, **kwargs)
        self.acknowledged.answers[str(answer.status_code)] += 1
        return answer

    def _sign_in(self) -> None:
        address = self.random.choice(self.addresses)
        self.session.cookies.clear()
        page = self.session.get(f"{address}/login", timeout=8)
        data = {"username": self.username, "password": PASSWORD, "csrf_token": self._token(page)}
        self.session.post(f"{address}/login", data=data, timeout=8, allow_redirects=False)
        self.token = self._token(self.session.get(f"{address}/profile", timeout=8))

    def _token(self, page: requests.Response) -> str:
        found = TOKEN.search(page.text)
        if found is None:
            raise LookupError(f"no form on {page.url}: {page.status_code}")
        return found[1]
