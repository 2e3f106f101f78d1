"""An operation is shown to its end, whenever that was."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.carriers.inside import Inside
from aiserver_tray.cli.operate import follow_operation
from aiserver_tray.cli.remote import RemoteState, RemoteStore
from aiserver_tray.state.views import OperationView
from tests.support.limits import LIMIT
from tests.support.store_contract import StoreContract


@dataclass
class Ended:
    """An operation that has ended: a real one can't be made to end at the right moment."""

    view: OperationView

    @property
    def id(self) -> str:
        return self.view.id

    def cancel(self) -> None:
        """It is over."""


@pytest.mark.timeout(60)
def test_one_that_the_store_has_forgotten_already_is_over() -> None:
    contract = StoreContract()
    store = RemoteStore(Inside(contract, "command", "en"))
    ours, other = (OperationView(id, "up", (id,), "succeeded") for id in ("ours", "other"))
    contract.show(ours)
    contract.show(other)
    is_forgotten = Event()

    def take(state: RemoteState) -> None:
        if [operation.id for operation in state.operations] == ["other"]:
            is_forgotten.set()

    store.observe(take)
    assert is_forgotten.wait(LIMIT)
    assert follow_operation(store, cast("Any", Ended(ours)), "en") is ours
    contract.close()


class Shown:
    """A store that shows *views* one after the other."""

    def __init__(self, *views: OperationView) -> None:
        self._views = views

    def observe(self, callback: Callable[[Any], object]) -> Callable[[], None]:
        for view in self._views:
            callback(SimpleNamespace(operations=(view,)))
        return lambda: None


@pytest.mark.timeout(60)
def test_after_its_end_no_earlier_state_of_it_counts() -> None:
    over = OperationView("ours", "up", ("ours",), "succeeded")
    earlier = replace(over, status="running")
    store = cast("Any", Shown(over, earlier))
    assert follow_operation(store, cast("Any", Ended(earlier)), "en") is over
