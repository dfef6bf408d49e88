"""A process of ours, followed step by step by SpiffWorkflow on the exported BPMN.

BPMN leaves open which of several ready tasks is next; so the history of our process says which one, and
SpiffWorkflow must have exactly that one to offer, at every step. Choices at gateways, durations and numbers of
items are answered from our history too. In the end both must have the same tasks open.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.parser.BpmnParser import full_tag
from SpiffWorkflow.bpmn.parser.task_parsers import ConditionalGatewayParser
from SpiffWorkflow.bpmn.specs.defaults import EventBasedGateway, ExclusiveGateway, InclusiveGateway
from SpiffWorkflow.bpmn.util import BpmnEvent
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState
from sqlalchemy import select

from portal.models import Event, Process, Task, db
from portal.render import bpmn
from portal.render.bpmn import ncname, process_id
from portal.render.shapes import BOUNDARY_KINDS

#: what only leads a token on; both engines go through it at once
GATEWAYS = frozenset({"If", "Switch", "Split", "SplitFirst", "Join"})
#: they are over when the processes below are
CALLS = frozenset({"Subprocess", "NSubprocess"})


class _ByWay(ConditionalGatewayParser):
    """Asks for a condition by the id of its way: two ways may bear the same words."""

    def parse_condition(self, sequence_flow):
        return sequence_flow.get("id") if super().parse_condition(sequence_flow) is not None else None


class Parser(BpmnParser):
    OVERRIDE_PARSER_CLASSES = {
        full_tag("exclusiveGateway"): (_ByWay, ExclusiveGateway),
        full_tag("inclusiveGateway"): (_ByWay, InclusiveGateway),
    }


def parsed(flow_class: Any) -> tuple[Any, dict[str, Any], dict[str, dict[str, tuple[str, str]]]]:
    """The specification, those of the processes it calls, and the two ends of each way by process and id."""
    parser, ends = Parser(), {}
    for each in _called(flow_class):
        root = etree.fromstring(bpmn(each).encode())
        parser.add_bpmn_xml(root)
        ends[process_id(each.definition.label)] = {
            way.get("id"): (way.get("sourceRef"), way.get("targetRef").replace("merge_", "node_", 1))
            for way in root.iter("{http://www.omg.org/spec/BPMN/20100524/MODEL}sequenceFlow")
        }
    name = process_id(flow_class.definition.label)
    return parser.get_spec(name), parser.get_subprocess_specs(name), ends


def _called(flow_class: Any) -> list[Any]:
    found = [flow_class]
    for each in found:
        for node in each.definition.nodes.values():
            if node.kind in CALLS and node.start_node().flow_class not in found:
                found.append(node.start_node().flow_class)
    return found


class Twin:
    """The process and its children in both engines."""

    def __init__(self, process: Process) -> None:
        self.root = process
        spec, below, self.ends = parsed(process.flow_class)
        self.choices: dict[tuple[int, str], list[frozenset[str]]] = defaultdict(list)
        self.counts: dict[tuple[int, str], int] = {}
        self.answers: dict[Any, frozenset[str]] = {}
        self.processes: dict[Any, int] = {}
        self.called: list[tuple[int, str]] = []
        self.counted: set[Any] = set()
        self.steps = list(self._history())
        self.workflow = BpmnWorkflow(spec, below, script_engine=self)
        self.processes[self.workflow] = process.id

    # -- our history ---------------------------------------------------------------------------------------

    def _history(self) -> Iterator[tuple[int, str]]:
        """(process, node) in the order in which our tasks were done; choices are noted on the way."""
        tree = select(Process.id).where((Process.id == self.root.id) | (Process.root_id == self.root.id))
        done = select(Event.task_id).where(Event.process_id.in_(tree), Event.to_state == "DONE")
        tasks = {task.id: task for task in db.session.scalars(select(Task).where(Task.process_id.in_(tree)))}
        after = defaultdict(set)
        for task in tasks.values():
            for previous in task.previous:
                after[previous.id].add(task.flow_task)
        for task_id in db.session.scalars(done.order_by(Event.id)):
            if task_id is None:
                continue
            task = tasks[task_id]
            key = (task.process_id, task.flow_task)
            if task.flow_task_type in GATEWAYS:
                self.choices[key].append(frozenset(after[task_id]))
            else:
                yield key
        for task in tasks.values():
            if task.flow_task_type == "NSubprocess":
                below = select(Process.id).where(Process.parent_task_id == task.id)
                self.counts[task.process_id, task.flow_task] = len(db.session.scalars(below).all())
        self.open = Counter(
            (task.process_id, task.flow_task)
            for task in tasks.values()
            if task.finished is None and task.flow_task_type not in GATEWAYS | BOUNDARY_KINDS
        )

    # -- what SpiffWorkflow asks a script engine ---------------------------------------------------------------

    def evaluate(self, task: Any, expression: str, external_context: Any = None) -> Any:
        spec = task.task_spec
        if expression in self.ends[task.workflow.spec.name]:
            _, target = self.ends[task.workflow.spec.name][expression]
            return target in self._chosen(task)
        event = getattr(spec, "event_definition", None)
        events = [event, *getattr(event, "event_definitions", ())]
        asking = next((each for each in events if getattr(each, "expression", None) == expression), None)
        match type(asking).__name__:
            case "TimeDateEventDefinition":
                return "2999-01-01"
            case "DurationTimerEventDefinition":
                return "P999D"
            case "CycleTimerEventDefinition":
                return "R1/P999D"
            case "ConditionalEventDefinition":
                return task.id in self.counted
        return self.counts[self._key(task)]

    def execute(self, task: Any, script: str, external_context: Any = None) -> bool:
        """Our engine ran it."""
        return True

    def _chosen(self, task: Any) -> frozenset[str]:
        if task.id not in self.answers:
            names = self.choices[self._key(task)].pop(0)
            self.answers[task.id] = frozenset(f"node_{ncname(name)}" for name in names)
        return self.answers[task.id]

    def _key(self, task: Any) -> tuple[int, str]:
        return self._process(task.workflow), node_name(task)

    # -- driving it ------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Do in SpiffWorkflow what our engine did."""
        self._settle()
        for number, key in enumerate(self.steps):
            kind = self._kind(key)
            if kind in CALLS:
                assert key in self.called, f"{self._told(number)}: its children are not over there"
                self.called.remove(key)
                continue
            task = self._find(key)
            assert task is not None, f"{self._told(number)}: not offered; offered are {self._offered()}"
            self._do(task)
            self._settle()
        assert self._offered() == self.open, "they have other tasks open in the end"

    def _do(self, task: Any) -> None:
        gateway = task.parent
        if isinstance(gateway.task_spec, EventBasedGateway) and gateway.state == TaskState.WAITING:
            definition = gateway.task_spec.event_definition.event_definitions[gateway.children.index(task)]
            self._fire(gateway, definition)
            gateway.run()
            task = next(child for child in gateway.children if child.task_spec is task.task_spec)
        elif task.state == TaskState.WAITING:
            self._fire(task, task.task_spec.event_definition)
        assert task.state == TaskState.READY, f"{node_name(task)} is {TaskState.get_name(task.state)}"
        task.run()
        if task.state == TaskState.STARTED:  # a service that it waits for
            task.complete()

    def _fire(self, task: Any, definition: Any) -> None:
        self.counted.add(task.id)
        task.task_spec.catch(task, BpmnEvent(definition))
        task.task_spec._update(task)

    def _settle(self) -> None:
        """Go through everything that is no task of a person, a program or a clock."""
        moved = True
        while moved:
            moved = False
            for task in self._tasks(TaskState.READY):
                if self._silent(task):
                    task.run()
                    moved = True
                    break
            for flow in self._flows():
                if flow.parent_task_id is not None and flow.completed:
                    caller = self.workflow.get_task_from_id(flow.parent_task_id)
                    if caller.state == TaskState.STARTED:
                        caller.task_spec._update(caller)
                        moved = True

    def _silent(self, task: Any) -> bool:
        name = node_name(task)
        if not name or task.task_spec.bpmn_id is None:
            return True
        key = self._key(task)
        kind = self._kind(key)
        if kind in CALLS:
            if not task.task_spec.name.endswith("[child]"):
                self.called.append(key)
            return True
        return kind in GATEWAYS and (bool(self.choices[key]) or not self._chooses(task))

    def _chooses(self, task: Any) -> bool:
        return (
            isinstance(task.task_spec, ExclusiveGateway | InclusiveGateway)
            and len(task.task_spec.outputs) > 1
        )

    def _kind(self, key: tuple[int, str]) -> str:
        return db.session.get_one(Process, key[0]).flow_class.definition.nodes[key[1]].kind

    def _tasks(self, state: int) -> list[Any]:
        return [task for flow in self._flows() for task in flow.tasks.values() if task.has_state(state)]

    def _flows(self) -> list[Any]:
        """The workflows. SpiffWorkflow keeps those of a cancelled multi-instance call, but nothing leads to them."""
        known = [self.workflow]
        for flow in self.workflow.subprocesses.values():
            if any(flow.parent_task_id in above.tasks for above in known):
                known.append(flow)
        return known

    def _find(self, key: tuple[int, str]) -> Any:
        """The task that stands for a step of ours: ready, waiting, or behind an event-based gateway."""
        found = [task for task in self._tasks(TaskState.READY) if self._key_or_none(task) == key]
        found += [task for task in self._tasks(TaskState.WAITING) if self._key_or_none(task) == key]
        found += [task for task in self._raced() if self._key_or_none(task) == key]
        return found[0] if found else None

    def _raced(self) -> list[Any]:
        gateways = [
            task for task in self._tasks(TaskState.WAITING) if isinstance(task.task_spec, EventBasedGateway)
        ]
        return [child for gateway in gateways for child in gateway.children]

    def _offered(self) -> Counter[tuple[int, str]]:
        tasks = self._tasks(TaskState.READY | TaskState.WAITING | TaskState.STARTED) + self._raced()
        keys = [
            self._key(task)
            for task in tasks
            if node_name(task) and not task.task_spec.name.endswith("[child]")
        ]
        return Counter(key for key in keys if self._kind(key) not in GATEWAYS | BOUNDARY_KINDS)

    def _key_or_none(self, task: Any) -> tuple[int, str] | None:
        return self._key(task) if node_name(task) else None

    def _process(self, workflow: Any) -> int:
        """Our process for a workflow of SpiffWorkflow: children are paired in the order in which they began."""
        if workflow not in self.processes:
            caller = self.workflow.get_task_from_id(workflow.parent_task_id)
            above = self._process(caller.workflow)
            taken = set(self.processes.values())
            query = select(Process.id).join(Task, Process.parent_task_id == Task.id)
            query = query.where(Task.process_id == above, Task.flow_task == node_name(caller))
            self.processes[workflow] = next(
                each for each in db.session.scalars(query.order_by(Process.id)) if each not in taken
            )
        return self.processes[workflow]

    def _told(self, number: int) -> str:
        done = ", ".join(name for _, name in self.steps[:number])
        return f"«{self.steps[number][1]}» after {done or 'nothing'}"


def node_name(task: Any) -> str:
    """The name of our node, empty for what SpiffWorkflow adds of its own."""
    name = task.task_spec.name.removesuffix(" [child]")
    found = _names(task.workflow.spec.name)
    return found.get(name, "")


def _names(process: str) -> dict[str, str]:
    from portal.flow import registry

    for flow_class in registry.values():
        if process_id(flow_class.definition.label) == process:
            return {f"node_{ncname(name)}": name for name in flow_class.definition.nodes}
    return {}
