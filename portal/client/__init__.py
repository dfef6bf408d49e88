"""Calls a portal from another program: `Client("https://portal.example.com", token)`. Needs the extra `client`.

::

    with Client(address, token) as portal:
        process = portal.start("hello_world", "start", {"text": "Hello"})
        for task in portal.tasks(flow="hello_world", list="queue"):
            portal.act(task["id"], "assign")
            portal.act(task["id"], "execute", data={"approved": True})
"""

from .answers import (
    Comment,
    Event,
    ExternalTask,
    Flow,
    Person,
    Process,
    ProcessDetail,
    Refused,
    Start,
    StartForm,
    Task,
    TaskDetail,
)
from .calls import Client, ProcessAction, TaskAction

__all__ = [
    "Client", "Comment", "Event", "ExternalTask", "Flow", "Person", "Process", "ProcessAction", "ProcessDetail",
    "Refused", "Start", "StartForm", "Task", "TaskAction", "TaskDetail",
]  # fmt: skip
