"""Patterns 1 to 11: basic control flow, branching and synchronization, structure."""

from portal import act, flow, this


class SequenceFlow(flow.Flow):
    """Sequence

    A step begins when the step before it is done. `.Next` says so."""

    start = flow.StartHandle().Next(this.pick)
    pick = flow.Handle().Next(this.pack)
    pack = flow.Handle().Next(this.send)
    send = flow.Handle().Next(this.end)
    end = flow.End()


def test_01_sequence(flow_tester):
    run = flow_tester(SequenceFlow)
    run.start("start")
    for name in ("pick", "pack", "send"):
        run.handle(name)
    assert run.path == ["start", "pick", "pack", "send", "end"]
    assert run.process.status == "DONE"


class ParallelSplitFlow(flow.Flow):
    """Parallel split

    One path divides into several that go on side by side. Each branch of a `Split` has a token of its own."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.bill).Next(this.pack)
    bill = flow.Handle().Next(this.end)
    pack = flow.Handle().Next(this.end)
    end = flow.End()


def test_02_parallel_split(flow_tester):
    run = flow_tester(ParallelSplitFlow)
    run.start("start")
    assert [run.task(name).token for name in ("bill", "pack")] == ["start/2_1", "start/2_2"]
    run.handle("pack")
    run.handle("bill")
    assert run.path == ["start", "split", "pack", "end", "bill", "end"]
    assert run.process.status == "DONE"


class SynchronizationFlow(flow.Flow):
    """Synchronization

    Several branches become one again when all of them are in. A `Join` waits for every branch of its split."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.bill).Next(this.pack)
    bill = flow.Handle().Next(this.both)
    pack = flow.Handle().Next(this.both)
    both = flow.Join().Next(this.send)
    send = flow.Handle().Next(this.end)
    end = flow.End()


def test_03_synchronization(flow_tester):
    run = flow_tester(SynchronizationFlow)
    run.start("start")
    run.handle("pack")
    assert run.task("both").status == "STARTED"
    assert run.tasks("send") == []
    run.handle("bill")
    run.handle("send")
    assert run.path == ["start", "split", "pack", "bill", "both", "send", "end"]


class ExclusiveChoiceFlow(flow.Flow):
    """Exclusive choice

    One of several branches is taken, by the data. `If` chooses between two, `Switch` among many."""

    start = flow.StartHandle(this.weigh).Next(this.weight)
    weight = flow.Switch().Case(this.letter, act.process.data["grams"] <= 500).Default(this.parcel)
    letter = flow.Handle().Next(this.end)
    parcel = flow.Handle().Next(this.end)
    end = flow.End()

    def weigh(self, activation, grams):
        activation.process.data["grams"] = grams


def test_04_exclusive_choice(flow_tester):
    for grams, taken, other in ((20, "letter", "parcel"), (900, "parcel", "letter")):
        run = flow_tester(ExclusiveChoiceFlow)
        run.start("start", grams=grams)
        assert run.tasks(other) == []
        run.handle(taken)
        assert run.path == ["start", "weight", taken, "end"]


class SimpleMergeFlow(flow.Flow):
    """Simple merge

    Alternative branches come together, and nobody waits for the others. Two nodes lead to the same next one."""

    start = flow.StartHandle(this.choose).Next(this.by_card)
    by_card = flow.If(act.process.data["card"]).Then(this.charge).Else(this.count_cash)
    charge = flow.Handle().Next(this.receipt)
    count_cash = flow.Handle().Next(this.receipt)
    receipt = flow.Handle().Next(this.end)
    end = flow.End()

    def choose(self, activation, card):
        activation.process.data["card"] = card


def test_05_simple_merge(flow_tester):
    for card, paid in ((True, "charge"), (False, "count_cash")):
        run = flow_tester(SimpleMergeFlow)
        run.start("start", card=card)
        run.handle(paid)
        run.handle("receipt")
        assert run.path == ["start", "by_card", paid, "receipt", "end"]


class MultiChoiceFlow(flow.Flow):
    """Multi-choice

    Any number of branches is taken, each by a condition of its own: a `Split` whose branches have a `case`."""

    start = flow.StartHandle(this.call).Next(this.who)
    who = (
        flow.Split()
        .Next(this.police, case=act.process.data["crime"])
        .Next(this.doctor, case=act.process.data["hurt"])
        .Next(this.firemen, case=act.process.data["fire"])
    )
    police = flow.Handle().Next(this.end)
    doctor = flow.Handle().Next(this.end)
    firemen = flow.Handle().Next(this.end)
    end = flow.End()

    def call(self, activation, crime, hurt, fire):
        activation.process.data.update(crime=crime, hurt=hurt, fire=fire)


def test_06_multi_choice(flow_tester):
    run = flow_tester(MultiChoiceFlow)
    run.start("start", crime=False, hurt=True, fire=True)
    assert run.tasks("police") == []
    run.handle("firemen")
    run.handle("doctor")
    assert run.path == ["start", "who", "firemen", "end", "doctor", "end"]
    assert run.process.status == "DONE"


class SynchronizingMergeFlow(flow.Flow):
    """Structured synchronizing merge

    The branches that a multi-choice took are waited for, the others are not. It is the same `Join`: it waits for what
    can still arrive."""

    start = flow.StartHandle(this.plan).Next(this.needed)
    needed = (
        flow.Split()
        .Next(this.hotel, case=act.process.data["nights"] > 0)
        .Next(this.flight, case=act.process.data["far"])
        .Always(this.insurance)
    )
    hotel = flow.Handle().Next(this.booked)
    flight = flow.Handle().Next(this.booked)
    insurance = flow.Handle().Next(this.booked)
    booked = flow.Join().Next(this.pay)
    pay = flow.Handle().Next(this.end)
    end = flow.End()

    def plan(self, activation, nights, far):
        activation.process.data.update(nights=nights, far=far)


def test_07_structured_synchronizing_merge(flow_tester):
    for nights, far, taken in ((2, True, ["hotel", "flight"]), (2, False, ["hotel"]), (0, False, [])):
        run = flow_tester(SynchronizingMergeFlow)
        run.start("start", nights=nights, far=far)
        for name in ("insurance", *taken):
            assert run.tasks("pay") == []
            run.handle(name)
        run.handle("pay")
        assert run.path == ["start", "needed", "insurance", *taken, "booked", "pay", "end"]


class MultiMergeFlow(flow.Flow):
    """Multi-merge

    Branches come together without waiting, and what follows runs once for each of them. Lead them to one node that is
    no `Join`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.foundation).Next(this.permit)
    foundation = flow.Handle().Next(this.file)
    permit = flow.Handle().Next(this.file)
    file = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()


def test_08_multi_merge(flow_tester):
    run = flow_tester(MultiMergeFlow)
    run.start("start")
    run.handle("permit")
    run.handle("foundation")
    assert run.path == ["start", "split", "permit", "file", "end", "foundation", "file", "end"]
    assert run.path.count("file") == 2


class DiscriminatorFlow(flow.Flow):
    """Structured discriminator

    The first branch in lets the path go on; the others finish their work, and nothing starts twice. A join of `count=1`
    that leaves the others alive. In a loop the next run of the split has a fresh join."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.breathing).Next(this.pulse)
    breathing = flow.Handle().Next(this.first)
    pulse = flow.Handle().Next(this.first)
    first = flow.Join(count=1, cancel_active=False).Next(this.triage)
    triage = flow.Handle().Next(this.end)
    end = flow.End()


def test_09_structured_discriminator(flow_tester):
    run = flow_tester(DiscriminatorFlow)
    run.start("start")
    run.handle("pulse")
    run.handle("triage")
    assert run.process.status == "NEW"
    run.handle("breathing")
    assert run.path == ["start", "split", "pulse", "first", "triage", "end", "breathing"]
    assert run.process.status == "DONE"


class CyclesFlow(flow.Flow):
    """Arbitrary cycles

    A cycle with more than one way in or out. Any node may lead to any other; here one cycle can be entered at `write`
    and at `check`, and left at two places."""

    start = flow.StartHandle(this.note).Next(this.is_new)
    is_new = flow.If(act.process.data["new"]).Then(this.write).Else(this.check)
    write = flow.Handle(this.note).Next(this.given_up)
    given_up = flow.If(act.process.data["stop"]).Then(this.end).Else(this.check)
    check = flow.Handle(this.note).Next(this.good)
    good = flow.If(act.process.data["ok"]).Then(this.end).Else(this.write)
    end = flow.End()

    def note(self, activation, **news):
        activation.process.data.update(stop=False, ok=False)
        activation.process.data.update(news)


def test_10_arbitrary_cycles(flow_tester):
    run = flow_tester(CyclesFlow)
    run.start("start", new=False)
    run.handle("check")
    run.handle("write")
    run.handle("check", ok=True)
    assert run.path == ["start", "is_new", "check", "good", "write", "given_up", "check", "good", "end"]
    other = flow_tester(CyclesFlow)
    other.start("start", new=True)
    other.handle("write", stop=True)
    assert other.path == ["start", "is_new", "write", "given_up", "end"]


class ImplicitTerminationFlow(flow.Flow):
    """Implicit termination

    A process is over when nothing is left to do in it, whichever of its ends was reached last. So it is with `End`."""

    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.news).Next(this.archive)
    news = flow.Handle().Next(this.told)
    archive = flow.Handle().Next(this.kept)
    told = flow.End()
    kept = flow.End()


def test_11_implicit_termination(flow_tester):
    run = flow_tester(ImplicitTerminationFlow)
    run.start("start")
    run.handle("archive")
    assert run.process.status == "NEW"
    run.handle("news")
    assert run.process.status == "DONE"
    assert run.path == ["start", "split", "archive", "kept", "news", "told"]
