"""The command line works with the owner's core as with one of its own."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from threading import Event, Thread, current_thread, main_thread
from typing import Any

import pytest

from aiserver_tray.base.errors import BusyError, CancelledError, NotRunningError, OwnerEndedError
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.cli import remote
from aiserver_tray.cli.operate import follow_operation
from aiserver_tray.cli.remote import RemoteCore, RemoteState
from aiserver_tray.features.monitoring.events import WATCHED
from aiserver_tray.features.monitoring.samples import Load, Sample, sample_json
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.message import Envelope, answer
from aiserver_tray.state.facts import OperationChanged
from aiserver_tray.state.views import EngineView, OperationView
from aiserver_tray.system.paths import Home
from tests.support import made
from tests.support.limits import LIMIT
from tests.support.store_contract import OPERATION, StoreContract
from tests.support.waiting import eventually


@pytest.fixture
def core(home: Home, server: Server, contract: StoreContract) -> Iterator[RemoteCore]:
    contract.start_stack()
    with RemoteCore(Client.connect(home, "command")) as core:
        yield core


def until(states: SimpleQueue[RemoteState], is_it: Callable[[RemoteState], bool]) -> None:
    """Take the states up to the first one that *is_it*."""
    while not is_it(states.get(timeout=LIMIT)):
        pass


def has_step(status: str, state: RemoteState) -> bool:
    return any(view.steps[0].status == status for view in state.operations)


def has_operation(id: str, state: RemoteState) -> bool:
    return any(view.id == id for view in state.operations)


def going(*steps: Any, **changes: Any) -> OperationView:  # noqa: ANN401
    return replace(made.operation("up", *steps, id=OPERATION), **changes)


def test_an_operation_is_followed_to_its_end(core: RemoteCore, contract: StoreContract) -> None:
    operation = core.operations.start(Request("up", ("web",), detach=True, wait=False))
    error = BusyError("web", 5, "up")

    def go_on() -> None:
        contract.show(going(("wait", "web/app", "running")))
        contract.show(going(("wait", "web/app", "failed"), status="failed", error=error))

    host = Thread(target=go_on)
    host.start()
    view = follow_operation(core.store, operation, "en")  # sets a signal handler: main thread only
    host.join()
    assert (view.status, [step.status for step in view.steps]) == ("failed", ["failed"])
    assert view.error
    assert (view.error.code, view.error.data) == (error.code, error.data)
    assert operation.wait().status == "failed"
    asked = {
        "kind": "up", "modules": ["web"], "services": [], "all": False, "cascade": False,
        "volumes": [], "recreate": False, "detach": True, "wait": False,
    }  # fmt: skip
    assert contract.asked == [("ai/operation/start", asked)]


def test_every_step_of_the_way_is_seen(core: RemoteCore, contract: StoreContract) -> None:
    states: SimpleQueue[RemoteState] = SimpleQueue()
    leave = core.store.observe(states.put)
    assert states.get(timeout=LIMIT).snapshot() == core.store.snapshot
    for status in ("pending", "running", "done"):
        contract.show(going(("wait", "web/app", status)))
        until(states, partial(has_step, status))
    leave()


def test_running_operations_and_the_last_ended_one_are_listed(
    core: RemoteCore, contract: StoreContract
) -> None:
    states: SimpleQueue[RemoteState] = SimpleQueue()
    leave = core.store.observe(states.put)
    for id in ("1", "2", "3"):  # each in a message of its own
        contract.show(made.operation("up", ("wait", "web/app", "done"), id=id))
        until(states, partial(has_operation, id))
    for id in ("1", "2"):
        contract.show(made.operation("up", id=id, status="succeeded"))
    until(states, lambda state: state.operations == contract.store.snapshot.operations)
    assert [view.id for view in contract.store.snapshot.operations] == ["3", "2"]
    leave()


def test_an_end_that_another_follows_at_once_is_not_missed(
    core: RemoteCore, contract: StoreContract
) -> None:
    operation = core.operations.start(Request("up", ("web",)))
    contract.show(going())
    assert contract.is_awaited.wait(LIMIT)
    contract.store.put(made_over(OPERATION))
    contract.store.put(made_over("another"))
    assert operation.wait().status == "succeeded"
    assert follow_operation(core.store, operation, "en").status == "succeeded"


def test_an_observer_is_given_the_first_state_first(
    core: RemoteCore, contract: StoreContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: SimpleQueue[RemoteState] = SimpleQueue()
    state_of = core.store._state

    def state() -> RemoteState:
        found = state_of()
        if current_thread() is main_thread():
            contract.show(going())
            Event().wait(0.3)  # for the other thread, which must not be faster
        return found

    monkeypatch.setattr(core.store, "_state", state)
    leave = core.store.observe(states.put)
    assert [len(states.get(timeout=LIMIT).operations) for _ in range(2)] == [0, 1]
    leave()


def made_over(id: str) -> OperationChanged:
    return OperationChanged(replace(made.operation("up", id=id), status="succeeded"))


def test_cancelling_and_volumes_are_the_hosts_to_do(
    core: RemoteCore, contract: StoreContract
) -> None:
    operation = core.operations.start(Request("up", ("web",)))
    operation.cancel()
    assert contract.asked[-1] == ("ai/operation/cancel", {"id": OPERATION})
    error = CancelledError("up", ("web",))
    contract.show(going(status="cancelled", error=error))
    told = operation.wait().error
    assert isinstance(told, CancelledError)
    assert (told.text, told.data) == (error.text, error.data)
    for volumes in (frozenset({"b", "a"}), "all"):  # those that the user saw, or all
        core.operations.start(Request("down", volumes=volumes))
    assert [asked["volumes"] for _, asked in contract.asked[-2:]] == [["a", "b"], "all"]


def test_client_that_leaves_cancels_no_operation(
    home: Home, server: Server, contract: StoreContract
) -> None:
    contract.start_stack()
    with RemoteCore(Client.connect(home, "command")) as core:
        operation = core.operations.start(Request("up", ("web",)))
    eventually(lambda: contract.forgotten, "the end of the client")
    assert [channel for channel, _ in contract.asked] == ["ai/operation/start"]
    assert isinstance(operation.wait().error, NotRunningError)


def test_lost_host_fails_the_operation_and_its_observers(
    home: Home, contract: StoreContract
) -> None:
    server = Server(home, contract)
    server.start()
    contract.start_stack()
    with RemoteCore(Client.connect(home, "command")) as core:
        states: SimpleQueue[RemoteState] = SimpleQueue()
        core.store.observe(states.put)
        operation = core.operations.start(Request("up", ("web",)))
        server.close()
        assert isinstance(operation.wait().error, OwnerEndedError)
        until(states, is_gone)
        with pytest.raises(NotRunningError):
            assert core.store.snapshot


def test_an_engine_of_which_nothing_is_known_yet_is_not_waited_for_long(
    home: Home, server: Server, contract: StoreContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_ENGINE_TIMEOUT_SECONDS", 0.05)
    with RemoteCore(Client.connect(home, "command")) as core:
        assert core.store.snapshot.engine == EngineView(running=False)
        contract.start_stack()
        assert core.store.wait_until(lambda s: s.engine.running, LIMIT).modules


@pytest.mark.parametrize("cpu", [50.0, None])
def test_the_newest_sample_comes_first_if_it_is_known_and_then_one_every_second(
    home: Home, contract: StoreContract, cpu: float | None
) -> None:
    server = Server(home, contract)
    server.start()
    contract.newest = Sample(100, {("web", "app"): Load(cpu, 10)})
    later = sample_json(Sample(101, {("web", "app"): Load(9.0, 20)}))

    def watch() -> Envelope:
        contract.hub.publish(WATCHED.message(later))
        return answer({})

    contract.handlers["ai/stats/watch"] = watch
    with RemoteCore(Client.connect(home, "command")) as core:
        samples = core.samples()
        if cpu is not None:
            assert next(samples) == sample_json(contract.newest)
        assert next(samples) == later
        server.close()
        with pytest.raises(NotRunningError):
            next(samples)


def is_gone(state: RemoteState) -> bool:
    try:
        return not state.snapshot()
    except NotRunningError:
        return True
