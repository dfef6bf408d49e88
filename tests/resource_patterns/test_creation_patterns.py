"""Creation patterns: what is said of a task, before it is there, about who may do it."""

import pytest

from portal import assign, flow, jsonstore, this, views
from portal.errors import PermissionDenied
from portal.models import Event, Process, create_user, db


class DirectFlow(flow.Flow):
    start = flow.StartHandle().Next(this.sign)
    sign = flow.ManualTask().Assign(username="ruth").Next(this.end)
    end = flow.End()


def test_r01_direct_distribution(flow_tester):
    """The design names the one person who does a task.

    `.Assign(username=…)`. Where there is nobody of that name the task waits in the queue, and its history
    says why."""
    run = flow_tester(DirectFlow)
    create_user("ruth")
    run.start()
    assert run.task("sign").owner.username == "ruth"


class RoleFlow(flow.Flow):
    start = flow.StartHandle().Next(this.check)
    check = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()


def test_r02_role_based_distribution(flow_tester):
    """The design names a role, and whoever has it may do the task.

    A role is a set of permissions, and `.Permission()` names the one that the task needs; a rule of
    assignment takes `role=` too."""
    run = flow_tester(RoleFlow)
    clerk = create_user("cleo", roles=["Clerks"])
    clerk.roles[0].permissions = ["role.can_check"]
    db.session.commit()
    run.start()
    run.task("check").assign(clerk).execute()
    assert run.process.status == "DONE"


class DeferredProcess(Process):
    adviser = jsonstore.StringField("Adviser")


class DeferredFlow(flow.Flow):
    process_class = DeferredProcess
    start = flow.StartHandle(this.take).Next(this.advise)
    advise = flow.ManualTask().Assign(lambda activation: activation.process.adviser).Next(this.end)
    end = flow.End()

    def take(self, activation, adviser):
        activation.process.adviser = adviser


def test_r03_deferred_distribution(flow_tester):
    """Who does a task is known only when it is made: the data of the process say so.

    `.Assign()` takes a callable; `.Assign(this.start.owner)` is the most frequent one."""
    run = flow_tester(DeferredFlow)
    create_user("vera")
    run.start(adviser="vera")
    assert run.task("advise").owner.username == "vera"


class VaultFlow(flow.Flow):
    start = flow.StartHandle().Next(this.open)
    open = flow.ManualTask().Permission("vault.can_open").Next(this.end)
    end = flow.End()


def test_r04_authorisation(flow_tester):
    """What somebody may do with a task, beside being given it, is a right of its own.

    Permissions: to take and finish a task (`.Permission()`), to see the processes of a flow
    (`<label>.view`), to manage them (`<label>.manage`: hand over, skip, cancel …). They are checked again
    at each action."""
    run = flow_tester(VaultFlow)
    guard, looker = create_user("gus", permissions=["vault.can_open"]), create_user("lou")
    looker.permissions = ["vault.view"]
    db.session.commit()
    run.start()
    with pytest.raises(PermissionDenied), run.task("open").task.activation(looker) as activation:
        activation.assign(looker)
    with run.task("open").task.activation(guard) as activation:
        activation.assign(guard)
    with pytest.raises(PermissionDenied), run.task("open").task.activation(guard) as activation:
        activation.skip()


class FourEyesFlow(flow.Flow):
    start = flow.StartHandle().Next(this.count)
    count = flow.ManualTask().Permission("four_eyes.count").Next(this.recount)
    recount = flow.ManualTask().Permission("four_eyes.count").NotSameAs(this.count).Next(this.end)
    end = flow.End()


def test_r05_separation_of_duties(flow_tester):
    """Two tasks of a case must be done by different people.

    `.NotSameAs(this.count)`. It binds everybody: superusers, substitutes, whom a rule would choose, who is
    handed it."""
    run = flow_tester(FourEyesFlow)
    run.start()
    run.task("count").assign("amy").execute()
    with pytest.raises(PermissionDenied):
        run.task("recount").assign("amy")
    run.task("recount").assign("ben").execute()
    assert run.process.status == "DONE"


class CaseFlow(flow.Flow):
    start = flow.StartHandle().Next(this.hear)
    hear = flow.ManualTask().Permission("case.work").Next(this.visit)
    visit = flow.ManualTask().Permission("case.work").Next(this.decide)
    decide = flow.ManualTask().Permission("case.work").Assign(assign.CaseOwner()).Next(this.end)
    end = flow.End()


def test_r06_case_handling(flow_tester):
    """One person does all tasks of a case.

    `assign.CaseOwner()`: who did its first task gets the others; for all of them, say it at each."""
    run = flow_tester(CaseFlow)
    run.start()
    run.task("hear").assign("amy").execute()
    run.task("visit").assign("ben").execute()
    assert run.task("decide").owner.username == "amy"


class FamiliarFlow(flow.Flow):
    start = flow.StartHandle().Next(this.hear)
    hear = flow.ManualTask().Permission("familiar.work").Next(this.write)
    write = flow.ManualTask().Permission("familiar.work").Assign(assign.Familiar()).Next(this.end)
    end = flow.End()


def test_r07_retain_familiar(flow_tester):
    """A task goes to who did the one before it.

    `assign.Familiar()`, or `.Assign(this.hear.owner)` for a task that is named."""
    run = flow_tester(FamiliarFlow)
    run.start()
    run.task("hear").assign("amy").execute()
    assert run.task("write").owner.username == "amy"


class FrenchFlow(flow.Flow):
    start = flow.StartHandle().Next(this.translate)
    translate = (
        flow.ManualTask().Permission(auto_create=True).Assign(assign.Capability("french")).Next(this.end)
    )
    end = flow.End()


def test_r08_capability_based_distribution(flow_tester):
    """A task goes to somebody who can do something.

    `assign.Capability("french", then=…)`: people have `skills`, and the second rule chooses among those who
    have this one. What is no skill (a limit of money, a language of the customer) is a callable's business,
    or a permission's for one object: `.Permission(…, obj=…)`."""
    run = flow_tester(FrenchFlow)
    create_user("amy", permissions=["french.can_translate"])
    create_user("ben", permissions=["french.can_translate"]).skills = ["french"]
    db.session.commit()
    run.start()
    assert run.task("translate").owner.username == "ben"


class CataractFlow(flow.Flow):
    start = flow.StartHandle().Next(this.operate)
    operate = (
        flow.ManualTask()
        .Permission(auto_create=True)
        .Assign(assign.First(assign.Experienced(), assign.ShortestQueue()))
        .Next(this.end)
    )
    end = flow.End()


def test_r09_history_based_distribution(flow_tester):
    """A task goes to whom their history recommends.

    `assign.Experienced(within=…)`: who did this step most often of late. Other histories are a callable's
    business: it may ask `Task` and `Event`."""
    run = flow_tester(CataractFlow)
    create_user("amy", permissions=["cataract.can_operate"])
    ben = create_user("ben", permissions=["cataract.can_operate"])
    run.start()
    assert run.task("operate").owner.username == "amy"  # nobody has experience: the shortest queue
    run.task("operate").reassign(ben).execute()
    run.start()
    assert run.task("operate").owner.username == "ben"


class ChiefFlow(flow.Flow):
    process_class = Process
    start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.approve)
    approve = (
        flow.ManualTask()
        .Permission("chief.approve")
        .Assign(assign.ManagerOf(this.start.owner))
        .Next(this.end)
    )
    end = flow.End()


def test_r10_organisational_distribution(flow_tester):
    """A task goes to somebody by their place in the organisation.

    People have a `manager` and a `department`; `assign.ManagerOf(person)` is the one rule that is ready, a
    callable reads the rest (`this.start.owner` has a `department`). `First(ManagerOf(…),
    RoundRobin(role="Head office"))` knows what to do where nobody is above."""
    run = flow_tester(ChiefFlow)
    chief, amy = create_user("chief", permissions=["chief.approve"]), create_user("amy")
    amy.manager = chief
    db.session.commit()
    run.start("start", user="amy")
    assert run.task("approve").owner.username == "chief"
    assert db.session.scalars(db.select(Event).where(Event.action == "assign")).unique().one().detail == {
        "to": "chief",
        "rule": "manager of amy",
    }


class RobotFlow(flow.Flow):
    start = flow.StartHandle().Next(this.archive)
    archive = flow.Job(lambda activation: None).Next(this.end)
    end = flow.End()


def test_r11_automatic_execution(flow_tester):
    """A task needs nobody.

    `Function`, `Job`, `BusinessRule`, `SendHandle` … are code."""
    run = flow_tester(RobotFlow)
    run.start()
    run.jobs()
    assert run.process.status == "DONE"
