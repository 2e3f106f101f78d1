"""Restarts and exits of services, from two states."""

from aiserver_tray.features.monitoring.history import Mark
from aiserver_tray.features.monitoring.statistics import restart_marks
from aiserver_tray.state.facts import ContainerSeen, ContainersListed, OperationChanged
from aiserver_tray.state.reduce import State, reduce
from tests.support.made import BEGIN, UP, at, container, ended, operation

APP = container("web/app")
BEGUN = reduce(reduce(State(), ContainersListed((APP, container("web/db")))), UP)


def after(*facts: ContainerSeen | OperationChanged) -> list[Mark]:
    found: list[Mark] = []
    state = BEGUN
    for fact in facts:
        new = reduce(state, fact)
        found += restart_marks(state, new)
        state = new
    return found


def test_a_restart_and_an_exit_without_an_operation_are_marked() -> None:
    second = round(BEGIN.timestamp())
    died = ended("web/app", exit_code=1, finished_at=at(20))
    again = container("web/app", started_at=at(30), restart_count=1)
    assert after(ContainerSeen(died), ContainerSeen(again)) == [
        Mark(second + 20, "web", "app", "exit"),
        Mark(second + 30, "web", "app", "restart"),
    ]


def test_restart_by_an_operation_is_not_marked() -> None:
    again = container("web/app", started_at=at(30))
    begun = OperationChanged(operation("restart"))
    assert after(begun, ContainerSeen(again)) == []
    other = container("web/app", id="another", started_at=at(30))
    assert after(ContainerSeen(other)) == [], "it was recreated"
