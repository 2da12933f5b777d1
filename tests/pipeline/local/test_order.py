import pytest

from pipeline.local import order
from pipeline.node import Node

DIAMOND = {
    "examples": [],
    "sequences": ["examples"],
    "statistics": ["examples"],
    "transform": ["examples"],
    "trainer": ["transform"],
    "evaluator": ["trainer"],
    "pusher": ["sequences", "statistics", "evaluator"],
}


class Machine:
    """Steps that end in the order in which they began, one at a time."""

    def __init__(self, failing: str = "") -> None:
        self.failing, self.running, self.events = failing, [], []

    def start(self, name: str) -> None:
        self.running.append(name)
        self.events.append(f"+{name}")

    def wait(self) -> tuple[str, Node | Exception]:
        name = self.running.pop(0)
        self.events.append(f"-{name}")
        return name, ValueError(f"{name} failed") if name == self.failing else Node({}, reused=False)


def test_steps_run_side_by_side_and_the_longest_chain_comes_first():
    machine = Machine()
    done = order.run_all(DIAMOND, 2, machine.start, machine.wait)
    assert done.keys() == DIAMOND.keys()
    assert machine.events == [
        *("+examples", "-examples"),
        *("+transform", "+sequences", "-transform", "+trainer", "-sequences", "+statistics"),
        *("-trainer", "+evaluator", "-statistics", "-evaluator", "+pusher", "-pusher"),
    ]


def test_with_one_job_there_is_one_step_at_a_time():
    machine = Machine()
    order.run_all(DIAMOND, 1, machine.start, machine.wait)
    assert [event[0] for event in machine.events] == ["+", "-"] * 7
    ended: set[str] = set()
    for event in machine.events:
        if event[0] == "-":
            ended.add(event[1:])
        else:
            assert ended >= set(DIAMOND[event[1:]])


def test_after_a_failure_nothing_starts_and_what_runs_ends():
    machine = Machine(failing="transform")
    with pytest.raises(ValueError, match="transform failed"):
        order.run_all(DIAMOND, 3, machine.start, machine.wait)
    assert machine.events[2:] == ["+transform", "+sequences", "+statistics", "-transform", "-sequences", "-statistics"]


def test_of_two_failures_the_first_one_counts():
    machine = Machine()
    machine.wait = lambda: (name := machine.running.pop(0), ValueError(name))
    with pytest.raises(ValueError, match=r"^a$"):
        order.run_all({"a": [], "b": []}, 2, machine.start, machine.wait)
