"""Decision tables: rows of a CSV or a DMN file as a business rule."""

import datetime as dt
from decimal import Decimal

import pytest

from portal import act, flow, jsonstore, render, this
from portal.errors import FlowError
from portal.flow.decisions import ANY, DecisionError, Kind, TableError, cells, dmn, read
from portal.models import Process

RATES = """kind,amount,urgent,since,# why,out: rate,out: by
travel,< 100,-,,small,0.5,alice
"travel, food",100..500,no,>= 2026-01-01,,0.25,bob
"not(travel, food)",]500..1000],,,,0.1,
,,,,the rest,0,carol
"""

DMN = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="D" namespace="n">
<decision id="grade" name="Grade"><decisionTable id="t" hitPolicy="{policy}">
<input id="i" label="Amount"><inputExpression id="e" typeRef="number"><text>{asks}</text></inputExpression></input>
<output id="o" name="by" typeRef="string"/>
<rule id="r1"><inputEntry id="a"><text>&lt; 20.10</text></inputEntry>
<outputEntry id="b"><text>"alice"</text></outputEntry></rule>
<rule id="r2"><inputEntry id="c"><text>{cell}</text></inputEntry>
<outputEntry id="x"><text>{result}</text></outputEntry></rule>
</decisionTable></decision>{more}</definitions>"""

#: a decision that asks for the grade
TOP = """<decision id="top" name="Top"><informationRequirement id="q"><requiredDecision href="#grade"/>
</informationRequirement><decisionTable id="t2" hitPolicy="COLLECT" aggregation="SUM">
<input id="i2"><inputExpression id="e2"><text>by</text></inputExpression></input><output id="o2" name="rate"/>
<rule id="r3"><inputEntry id="f"><text>"alice"</text></inputEntry>
<outputEntry id="g"><text>0.5</text></outputEntry></rule>
<rule id="r4"><inputEntry id="h"><text>-</text></inputEntry><outputEntry id="j"><text>0.25</text></outputEntry></rule>
</decisionTable></decision>"""


class RateProcess(Process):
    kind = jsonstore.ChoiceField("Kind", choices=["travel", "food", "books"])
    amount = jsonstore.DecimalField("Amount")
    urgent = jsonstore.BooleanField("Urgent", default=False)
    since = jsonstore.DateField("Since")
    rate = jsonstore.DecimalField("Rate", max_digits=4, decimal_places=2)
    by = jsonstore.ChoiceField("By", choices=["alice", "bob", "carol"])


def dmn_text(policy="UNIQUE", asks="amount", cell="&gt;= 20.10", result='"bob"', more=""):
    return DMN.format(policy=policy, asks=asks, cell=cell, result=result, more=more)


def ranked(text, values):
    """The same table, whose results have these values, the most important one first."""
    output = '<output id="o" name="by" typeRef="string"/>'
    listed = f'{output[:-2]}><outputValues id="v"><text>{values}</text></outputValues></output>'
    return text.replace(output, listed)


@pytest.fixture
def table(tmp_path):
    def write(text, name="rates.csv", **kinds):
        file = tmp_path / name
        file.write_text(text, "utf-8")
        return read(file, {key: Kind(kind) for key, kind in kinds.items()})

    return write


@pytest.fixture
def rate_flow(tmp_path):
    """A flow that goes by a table of this text."""

    def make(text, name="rates.csv", **options):
        (tmp_path / name).write_text(text, "utf-8")

        class RateFlow(flow.Flow):
            process_class = RateProcess
            start = flow.StartHandle(this.take).Next(this.rates)
            rates = flow.DecisionTable(tmp_path / name, **options).Next(this.end)
            end = flow.End()

            def take(self, activation, **values):
                for key, value in values.items():
                    setattr(activation.process, key, value)

            def twice(self, activation):
                return activation.process.amount * 2

        return RateFlow

    return make


def test_a_process_goes_by_the_first_row_that_fits(rate_flow, flow_tester):
    made = rate_flow(RATES)
    run = flow_tester(made)
    run.start(kind="travel", amount=Decimal("99.99"))
    assert (run.process.rate, run.process.by) == (Decimal("0.5"), "alice")
    [task] = run.tasks("rates")
    assert task.data["_decision"] == {"table": "rates.csv", "rows": ["line 2"]}
    decided = {
        (kind, amount, urgent, since): made.rates.table.decide(
            {"kind": kind, "amount": amount, "urgent": urgent, "since": since}
        ).places
        for kind, amount, urgent, since in [
            ("food", 100, False, dt.date(2026, 1, 1)),
            ("food", 100, True, dt.date(2026, 1, 1)),
            ("food", 100, False, None),
            ("books", Decimal(500), None, None),
            ("books", 1000.0, None, None),
            (None, Decimal(900), None, None),
        ]
    }
    lines = [place for (place,) in decided.values()]
    assert lines == ["line 3", "line 5", "line 5", "line 5", "line 4", "line 4"]


def test_no_row_that_fits_fails_the_task_in_words(rate_flow, flow_tester):
    run = flow_tester(rate_flow("amount,out: rate\n< 5,0.5\n"))
    run.start(amount=Decimal(7))
    assert "rates.csv: no row fits amount=Decimal('7'); add a row for the rest" in run.failures()[0]


def test_it_is_drawn_described_and_exported(rate_flow):
    made = rate_flow(RATES)
    assert "by rates.csv" in render.svg(made)
    assert "Goes by kind, amount, urgent, since: sets rate, by (4 rows)." in render.describe(made)
    assert "<bpmn:businessRuleTask" in render.bpmn(made)


def test_dmn_with_a_condition_of_its_own(rate_flow, flow_tester):
    made = rate_flow(
        dmn_text(cell="$ &gt;= limit and $ &lt; 1000"), "grade.dmn", inputs={"limit": act.process.amount - 1}
    )
    run = flow_tester(made)
    run.start(amount=Decimal("20.10"))
    assert run.process.by == "bob"
    assert made.rates.table.decide({"amount": Decimal("20.09"), "limit": 30}).values == {"by": "alice"}


def test_dmn_policies_and_decisions_that_ask_others(table):
    assert table(dmn_text(), "a.dmn").decide({"amount": 20.1}).places == ("rule 2",)
    with pytest.raises(DecisionError, match="rule 1 and rule 2 fit amount=5"):
        table(dmn_text(cell="&lt; 30"), "a.dmn").decide({"amount": 5})
    assert table(dmn_text("FIRST", cell="-"), "a.dmn").decide({"amount": 5}).values == {"by": "alice"}
    assert table(dmn_text("ANY", cell="-", result='"alice"'), "a.dmn").decide({"amount": 5}).values == {
        "by": "alice"
    }
    assert table(dmn_text("RULE ORDER", cell="-"), "a.dmn").decide({"amount": 5}).values == {
        "by": ["alice", "bob"]
    }
    both = table(dmn_text(more=TOP), "a.dmn")
    assert both.needs == ["amount"]
    assert both.decide({"amount": 5}).values == {"rate": Decimal("0.75")}
    assert table(dmn_text(asks="amount * 2"), "a.dmn").decide({"amount": Decimal("10.05")}).values == {
        "by": "bob"
    }
    worked_out = table(dmn_text("FIRST", result="amount * 0.1"), "a.dmn").decide({"amount": 33})
    assert worked_out.values == {"by": Decimal("3.3")}


@pytest.mark.parametrize("kind", ["rates.csv", "rates.dmn"])
def test_without_the_extra_only_expressions_are_refused(kind, table, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zen", None)
    if kind.endswith("csv"):
        assert table(RATES).decide({"kind": "x", "amount": 1, "urgent": None, "since": None}).places == (
            "line 5",
        )
    else:
        assert table(dmn_text(), kind).decide({"amount": 5}).values == {"by": "alice"}
        with pytest.raises(TableError, match=r"pip install 'flask-flow-portal\[dmn\]'"):
            table(dmn_text(result="amount * 2"), kind)


@pytest.mark.parametrize(
    ("cell", "yes", "no"),
    [
        ('"a", "b,c"', ["a", "b,c"], ["b", None]),
        ("not(1, 2)", [3, None], [1, 2.0]),
        ("[1..2), > 5", [1, 1.5, 6], [2, 5, None]),
        ("(1..2]", [2, 1.5], [1]),
        ("true", [True], [1, False, None]),
        ("null", [None], [0, False, ""]),
        ("!= 3", [4, None], [3]),
        ('> date("2026-01-01")', [dt.date(2026, 1, 2)], [dt.date(2026, 1, 1), None]),
    ],
)
def test_cells(cell, yes, no):
    passes = cells.test(cell, ANY, strict=True)
    assert [value for value in yes if not passes(value, {})] == []
    assert [value for value in no if passes(value, {})] == []


#: what is wrong: the text, its file, words of the message
WRONG = {
    "no such field": ("amuont,out: rate\n1,2\n", "rates.csv", ["'amuont'", "did you mean amount?"]),
    "no such result": ("amount,out: raet\n1,2\n", "rates.csv", ["'raet'", "did you mean rate?"]),
    "no result": ("amount,rate\n1,2\n", "rates.csv", ["line 1", "`out: name`"]),
    "a word for a number": (
        "amount,out: rate\nmany,2\n",
        "rates.csv",
        ["line 2, column amount", "'many' is no number"],
    ),
    "no choice": ("kind,out: rate\ntravle,2\n", "rates.csv", ["line 2, column kind", "travel, food, books"]),
    "a size of words": ("kind,out: rate\n< travel,2\n", "rates.csv", ["< travel", "size"]),
    "an empty range": ("amount,out: rate\n9..1,2\n", "rates.csv", ["9..1 is empty"]),
    "a result that its field refuses": ("amount,out: rate\n1,2.345\n", "rates.csv", ["line 2, column rate"]),
    "rows without use": (
        "amount,out: rate\n,2\n1,3\n",
        "rates.csv",
        ["line 2: fits everything", "move it to the end"],
    ),
    "a comma too many": ("amount,out: rate\n1,2,3\n", "rates.csv", ["line 2", "3 cells", "the head 2"]),
    "a comma for a decimal point": (
        "amount;out: rate\n< 100,50;2\n",
        "rates.csv",
        ["line 2, column amount", "write 100.50"],
    ),
    "a head alone": ("amount,out: rate\n", "rates.csv", ["no row"]),
    "nothing": ("", "rates.csv", ["empty", "amount,out: rate"]),
    "no table": ("", "rates.txt", [".csv or .dmn"]),
    "no XML": ("rates", "rates.dmn", ["no XML"]),
    "no DMN": ("<html/>", "rates.dmn", ["no DMN", "html"]),
    "a text without quotes": (dmn_text(result="bbo"), "rates.dmn", ["rule 2, by", "bbo", "quotes"]),
    "a text without quotes in a test": (dmn_text(cell="&lt; much"), "rates.dmn", ["rule 2, amount", "much"]),
    "half an expression": (dmn_text(cell="$ &gt;= amount and"), "rates.dmn", ["rule 2, amount"]),
    "an unknown policy": (dmn_text("BEST"), "rates.dmn", ["BEST", "FIRST", "PRIORITY"]),
    "a priority of nothing": (dmn_text("PRIORITY"), "rates.dmn", ["PRIORITY", "order of their importance"]),
    "a result without a rank": (
        ranked(dmn_text("PRIORITY"), '"alice"'),
        "rates.dmn",
        ["rule 2, by", "'bob'", "add it to them"],
    ),
    "ranks that are no values": (
        ranked(dmn_text("OUTPUT ORDER"), "alice, bob"),
        "rates.dmn",
        ["values of by", "quotes"],
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_table_is_told_at_import(fault, rate_flow):
    text, name, words = WRONG[fault]
    with pytest.raises(FlowError) as refused:
        rate_flow(text, name)
    message = str(refused.value)
    assert message.startswith("RateFlow.rates: ") or "RateFlow.rates" in message
    assert name in message
    for word in words:
        assert word in message, message


def test_a_circle_and_a_decision_by_its_name():
    text = dmn_text(more=TOP)
    assert dmn.read("a.dmn", text, {}, "Grade").sets == ["by"]
    with pytest.raises(TableError, match="it has: grade, top"):
        dmn.read("a.dmn", text, {}, "none")
    with pytest.raises(TableError, match="top requires top, a circle"):
        dmn.read("a.dmn", text.replace("#grade", "#top"), {}, "top")


def test_the_most_important_result_of_those_that_fit(table):
    text = dmn_text("PRIORITY", cell="-")  # fits everything, as the first row does small amounts
    for values, decided, place in (
        ('"bob", "alice"', "bob", "rule 2"),
        ('"alice", "bob"', "alice", "rule 1"),
    ):
        found = table(ranked(text, values), "rates.dmn").decide({"amount": 5})
        assert (found.values, found.places) == ({"by": decided}, (place,))
        assert table(ranked(text, values), "rates.dmn").decide({"amount": 50}).values == {"by": "bob"}


def test_all_results_in_the_order_of_their_importance(table):
    text = ranked(dmn_text("OUTPUT ORDER", cell="-"), '"bob", "alice"')
    found = table(text, "rates.dmn").decide({"amount": 5})
    assert (found.values, found.places) == ({"by": ["bob", "alice"]}, ("rule 2", "rule 1"))


def test_the_rank_of_what_an_expression_works_out(table):
    pytest.importorskip("zen")
    text = ranked(dmn_text("PRIORITY", cell="-", result='amount &gt; 1 ? "bob" : "carol"'), '"bob", "alice"')
    worked_out = table(text, "rates.dmn")
    assert worked_out.decide({"amount": 5}).values == {"by": "bob"}
    with pytest.raises(DecisionError, match=r"rule 2: .*'carol'.* is not among the values"):
        worked_out.decide({"amount": 1})
