"""Diagrams in: a skeleton of Python for BPMN, which exports to the same graph; and flows told apart and in words."""

import datetime as dt
import itertools

import pytest

from portal import create_app, flow, render, this
from portal.discovery import discover
from portal.errors import FlowError, PortalError
from portal.modeller import read, skeleton
from portal.modeller.names import node_names

EXAMPLES = discover(["flows"])
NUMBERS = itertools.count()


def graph(text):
    """The nodes of a diagram with what they are, and its ways."""
    (diagram,) = read(text)
    names, elements = node_names(diagram), diagram.elements

    def name(key):
        each = elements[key]
        detail = "" if each.event == "timer" else each.detail  # a callable's moment is not in a diagram
        return names.get(key) or (names[each.host], each.event, detail, each.interrupting)

    nodes = {
        names[each.id]: (each.kind, each.event, each.detail, each.loop, each.called, each.name)
        for each in elements.values()
        if each.kind != "boundaryEvent"
    }
    ways = sorted(
        (str(name(way.source)), str(name(way.target)), way.is_default, way.label)
        for each in elements.values()
        for way in each.ways
    )
    return nodes, ways


def made_of(text, tables=False):
    """The flow that the skeleton of a diagram declares."""
    return run(skeleton(read(text), tables))


def run(source, file="skeleton"):
    """The last flow of a module."""
    namespace = {"__name__": f"skeleton_{next(NUMBERS)}"}
    exec(compile(source, str(file), "exec"), namespace)
    return [each for each in namespace.values() if isinstance(each, type) and hasattr(each, "definition")][-1]


@pytest.mark.parametrize("label", sorted(EXAMPLES))
def test_every_example_comes_back_as_the_same_graph(label):
    text = render.bpmn(EXAMPLES[label])
    made = made_of(text)
    assert made.definition.label == label
    (nodes, ways), (nodes_again, ways_again) = graph(text), graph(render.bpmn(made))
    unnamed = {name for name, each in nodes.items() if each[1] in ("timer", "conditional", "message")}
    assert nodes_again.keys() == nodes.keys()
    for name in nodes:  # what a callable decides is not in a diagram
        one, other = nodes[name], nodes_again[name]
        assert (other[:2], other[3:]) == (one[:2], one[3:])
        if name not in unnamed and not one[0].endswith("Gateway"):
            assert other[2] == one[2]
    assert ways_again == ways


GRADE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="D" namespace="n">
<decision id="grade"><decisionTable id="t"><input id="i"><inputExpression id="e"><text>amount</text></inputExpression>
</input><output id="o" name="by"/><rule id="r"><inputEntry id="a"><text>-</text></inputEntry>
<outputEntry id="b"><text>"bob"</text></outputEntry></rule></decisionTable></decision></definitions>"""


@pytest.mark.parametrize(
    ("drawn", "written", "exported"),
    [
        ('camunda:decisionRef="grade"', 'flow.DecisionTable("grade.dmn", decision="grade")', "grade"),
        ('camunda:decisionRef="rates.csv"', 'flow.DecisionTable("rates.csv")', "rates.csv"),
        ('camunda:decisionRef="all.dmn#grade"', 'flow.DecisionTable("all.dmn", decision="grade")', "all.dmn#grade"),
        ("<z:calledDecision decisionId='grade'/>", 'flow.DecisionTable("grade.dmn", decision="grade")', "grade"),
    ],
)  # fmt: skip
def test_a_decision_that_a_diagram_names_is_a_table(tmp_path, drawn, written, exported):
    attribute, inner = (drawn, "") if drawn.startswith("camunda") else ("", drawn)
    text = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
      xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:z="http://camunda.org/schema/zeebe/1.0">
    <process id="p" name="Pay"><startEvent id="s" name="Start"/>
    <businessRuleTask id="r" name="Rates" {attribute}><extensionElements>{inner}</extensionElements></businessRuleTask>
    <endEvent id="e" name="End"/><sequenceFlow id="f1" sourceRef="s" targetRef="r"/>
    <sequenceFlow id="f2" sourceRef="r" targetRef="e"/></process></definitions>"""
    source = skeleton(read(text))
    assert written in source
    assert "TODO: put the file beside this module" in source
    for name in ("grade.dmn", "all.dmn"):
        (tmp_path / name).write_text(GRADE)
    (tmp_path / "rates.csv").write_text("amount,out: by\n,bob\n")
    with pytest.raises(FlowError, match="asks for 'amount', which is no field of PayProcess; declare it"):
        run(source, tmp_path / "pay.py")
    fields = "    amount = jsonstore.IntegerField()\n    by = jsonstore.StringField()\n"
    mended = source.replace("    pass\n", fields).replace("import flow,", "import flow, jsonstore,")
    made = run(mended, tmp_path / "pay.py")
    again = render.bpmn(made)
    assert f'camunda:decisionRef="{exported}"' in again
    assert written in skeleton(read(again))


DRAWN = """<?xml version="1.0"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <message id="Message_1" name="Order &quot;changed&quot;"/>
  <process id="Process_0x1" name="Take an order">
    <startEvent id="StartEvent_1" name="Order received"><outgoing>f1</outgoing></startEvent>
    <sequenceFlow id="f1" sourceRef="StartEvent_1" targetRef="Activity_1"/>
    <userTask id="Activity_1" name="Check the order!"/>
    <boundaryEvent id="Event_1" attachedToRef="Activity_1" cancelActivity="false">
      <timerEventDefinition><timeDuration xsi:type="tFormalExpression">PT36H</timeDuration></timerEventDefinition>
    </boundaryEvent>
    <boundaryEvent id="Event_2" attachedToRef="Activity_1">
      <messageEventDefinition messageRef="Message_1"/>
    </boundaryEvent>
    <sequenceFlow id="f2" sourceRef="Activity_1" targetRef="Gateway_1"/>
    <sequenceFlow id="f8" sourceRef="Event_1" targetRef="Activity_4"/>
    <sequenceFlow id="f9" sourceRef="Event_2" targetRef="Gateway_2"/>
    <exclusiveGateway id="Gateway_1" name="In order?" default="f4"/>
    <sequenceFlow id="f3" name="yes" sourceRef="Gateway_1" targetRef="Activity_2">
      <conditionExpression>${inOrder}</conditionExpression>
    </sequenceFlow>
    <sequenceFlow id="f4" name="no" sourceRef="Gateway_1" targetRef="Gateway_2"/>
    <serviceTask id="Activity_2" name="Book it"/>
    <sequenceFlow id="f5" sourceRef="Activity_2" targetRef="Gateway_2"/>
    <exclusiveGateway id="Gateway_2"/>
    <sequenceFlow id="f6" sourceRef="Gateway_2" targetRef="Activity_3"/>
    <callActivity id="Activity_3" name="Ship" calledElement="Shipping"/>
    <sequenceFlow id="f7" sourceRef="Activity_3" targetRef="EndEvent_1"/>
    <sendTask id="Activity_4" name="Ship"/>
    <sequenceFlow id="f10" sourceRef="Activity_4" targetRef="EndEvent_1"/>
    <endEvent id="EndEvent_1" name="Status"/>
  </process>
</definitions>"""


def test_what_another_modeller_drew_becomes_a_flow():
    source = skeleton(read(DRAWN))
    made = made_of(DRAWN)
    nodes = made.definition.nodes
    assert made.__name__ == "TakeAnOrderFlow"
    assert [name for name in nodes if "__" not in name] == [
        "order_received", "check_the_order", "in_order", "book_it", "ship", "ship_2", "status_step",
    ]  # fmt: skip
    assert {name: node.kind for name, node in nodes.items() if node.kind in ("View", "If", "Job", "Subprocess")} == {
        "check_the_order": "View", "in_order": "If", "book_it": "Job", "ship": "Subprocess",
    }  # fmt: skip
    assert nodes["check_the_order__timeout"].delay == dt.timedelta(hours=36)
    assert not nodes["check_the_order__timeout"].interrupting
    assert nodes["check_the_order__message"].message == 'Order "changed"'
    assert (
        nodes["check_the_order__message"].outgoing[0].target is nodes["ship"]
    )  # the gateway that only merges is gone
    assert "# TODO: ${inOrder}" in source
    assert "class ShippingFlow(flow.Flow)" in source


@pytest.mark.parametrize(
    ("text", "words"),
    [("<a", "no XML"), ("<a/>", "no BPMN"), (DRAWN.split("<process")[0] + "</definitions>", "no process")],
)
def test_what_is_no_diagram_is_told(text, words):
    with pytest.raises(PortalError, match=words):
        read(text)


@pytest.mark.parametrize("name", ['x"""\nimport os', "\\", "class", "1. Schritt: prüfen", "", "日本"])
def test_no_word_of_a_diagram_becomes_code(name):
    from xml.sax.saxutils import quoteattr

    text = DRAWN.replace('"Check the order!"', quoteattr(name)).replace('"Take an order"', quoteattr(name))
    made = made_of(text.replace("${inOrder}", "a\nb = 1"))
    assert len(made.definition.nodes) == 9


class FirstFlow(flow.Flow):
    start = flow.StartHandle().Next(this.check)
    check = flow.ManualTask().OnTimeout(dt.timedelta(days=1), this.end).Next(this.old)
    old = flow.ManualTask().Next(this.end)
    end = flow.End()


class SecondFlow(flow.Flow):
    start = flow.StartHandle().Next(this.check)
    check = flow.ManualTask().Annotation(title="Look").Next(this.new)
    new = flow.ManualTask().Next(this.end)
    end = flow.End()


class ThirdFlow(flow.Flow):
    start = flow.StartHandle().Next(this.book)
    book = flow.Function(this.note).CompensateWith(this.note).Next(this.ask)
    ask = flow.Split().Next(this.answer, task_data_source=lambda activation: [{}, {}])
    answer = (
        flow.ManualTask()
        .OnTimeout(dt.timedelta(days=14), this.remind, interrupting=False, repeat=dt.timedelta(days=7))
        .OnTimeout(flow.working(days=2), this.remind, interrupting=False, repeat=flow.working(days=1))
        .Next(this.enough)
    )
    enough = flow.Join(lambda activation, active_tasks: True).Next(this.end)
    remind = flow.Function(this.note).Next(this.end)
    end = flow.End()

    def note(self, activation): ...


@pytest.mark.parametrize("flow_class", [FirstFlow, SecondFlow, ThirdFlow, *EXAMPLES.values()])
def test_a_flow_does_not_differ_from_what_it_is_exported_to(flow_class):
    assert list(render.compare(made_of(render.bpmn(flow_class)), flow_class).lines()) == []


def test_two_versions_are_told_apart():
    found = render.compare(FirstFlow, SecondFlow)
    assert list(found.lines()) == [
        "changed  check: Manual task, Look",
        "removed  check__timeout: When it takes too long, After 1 day",
        "added    new: Manual task, New",
        "removed  old: Manual task, Old",
        "added    check → new",
        "removed  check → old",
        "removed  check__timeout → end",
        "added    new → end",
        "removed  old → end",
    ]
    picture = found.svg()
    for name, change in (
        ("new", "added"),
        ("old", "removed"),
        ("check", "changed"),
        ("check__timeout", "removed"),
    ):
        assert f'flow-{change}" data-node="{name}"' in picture
    assert FirstFlow.definition.nodes["check"].flow_class is FirstFlow  # what was compared is as it was


def test_a_flow_in_words():
    text = render.describe(EXAMPLES["expense_claim"])
    assert text.startswith("Expense claim\n=============\n\nGet back what you paid for work")
    for line in (
        "Task, for who holds the permission expense_claim.can_approve.",
        "Fills in: Remark, Receipts in order.",
        "Not by the person of: Claim expenses.",
        "Due after 5 working days.",
        "Any error: Fix payment details.",
        "Tried again up to 3 times.",
    ):
        assert f"   {line}\n" in text


def test_columns_are_called_in_words_as_their_forms_call_them():
    assert "   Fills in: Order number, Destination, Worth.\n" in render.describe(EXAMPLES["shipment"])


@pytest.mark.parametrize("label", sorted(EXAMPLES))
def test_every_example_can_be_said_in_words(label):
    text = render.describe(EXAMPLES[label])
    for node in EXAMPLES[label].definition.nodes.values():
        assert node.host is not None or node.title in text


@pytest.fixture
def flows_command(tmp_path):
    """`portal flows …` in an application with the flow `hello_world`."""
    app = create_app({"DATABASE_URL": "sqlite://", "TESTING": True, "FLOWS": ["flows.hello_world"]})
    return lambda *words: app.test_cli_runner().invoke(args=["flows", *words])


def test_the_commands(flows_command, tmp_path):
    stored = tmp_path / "hello.bpmn"
    stored.write_text(flows_command("export", "hello_world").output, "utf-8")
    assert flows_command("diff", str(stored), "hello_world").output == "No node and no way differs.\n"
    stored.write_text(stored.read_text("utf-8").replace('name="Send message"', 'name="Shout"'), "utf-8")
    picture = tmp_path / "both.svg"
    done = flows_command("diff", str(stored), "hello_world", "--svg", str(picture))
    assert done.output == "changed  send: Job, Send message\n"
    assert "flow-changed" in picture.read_text("utf-8")
    assert flows_command("describe", "hello_world").output.startswith("Hello world\n")
    assert "class HelloWorldFlow" in flows_command("import", str(stored)).output
    target = tmp_path / "made.py"
    assert flows_command("import", str(stored), "--output", str(target)).exit_code == 0
    again = flows_command("import", str(stored), "--output", str(target))
    assert (again.exit_code, "is there already" in again.output) == (1, True)


@pytest.mark.parametrize(
    "words", [("describe", "nothing"), ("diff", "nothing", "hello_world"), ("import", __file__)]
)
def test_what_a_command_cannot_do_is_one_line(flows_command, words):
    done = flows_command(*words)
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
