"""When the conditions of a tree are asked."""

from portal import flow, this
from portal.engine import actions
from portal.models import Process, Task, db


class GateFlow(flow.Flow):
    start = flow.StartHandle().Next(this.gate)
    gate = flow.ConditionalCatch(this.is_open).Next(this.end)
    end = flow.End()

    def is_open(self, activation):
        return activation.process.parent_task.process.data.get("open")


class HouseFlow(flow.Flow):
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.child).Next(this.knock)
    child = flow.Subprocess(GateFlow.start).Next(this.join)
    knock = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


class PlainFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.ManualTask().Next(this.end)
    end = flow.End()


def do(session, process, node, alice):
    task = session.scalars(db.select(Task).filter_by(process_id=process.id, flow_task=node)).one()
    with actions.activation(session, task.id, alice.id) as activation:
        activation.assign(alice)
    with actions.activation(session, task.id, alice.id) as activation:
        activation.process.data["open"] = True
        activation.execute()


def test_an_action_of_the_parent_asks_the_condition_of_its_child(register, session, make_user):
    for each in (GateFlow, HouseFlow):
        register(each)
    house = HouseFlow.start.run()
    do(session, house, "knock", make_user("alice", is_superuser=True))
    assert session.get_one(Process, house.id).status == "DONE"


def test_a_flow_without_conditions_asks_none_though_others_have_them(register, session, make_user, count):
    for each in (GateFlow, HouseFlow, PlainFlow):
        register(each)
    alice = make_user("alice", is_superuser=True)
    plain = PlainFlow.start.run()
    with count() as statements:
        do(session, plain, "work", alice)
    wheres = [" ".join(sql.split()).partition(" WHERE ")[2] for sql in statements]
    assert len(wheres) > 5
    assert not [where for where in wheres if "task.awaits" in where], statements
