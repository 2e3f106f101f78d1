"""An operation is shown to its end, whenever that was."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from aiserver_tray.cli.operate import follow_operation
from aiserver_tray.model import OperationView
from aiserver_tray.state.facts import OperationChanged
from aiserver_tray.state.store import Store


@dataclass
class Ended:
    """An operation that has ended: a real one can't be made to end at the right moment."""

    view: OperationView

    @property
    def id(self) -> str:
        return self.view.id


@pytest.mark.timeout(10)
def test_one_that_the_store_has_forgotten_already_is_over() -> None:
    store = Store()
    ours, other = (OperationView(id, "up", (id,), "succeeded") for id in ("ours", "other"))
    store.put(OperationChanged(ours))
    store.put(OperationChanged(other))
    store.flush()
    assert ours not in store.state.operations
    assert follow_operation(store, cast("Any", Ended(ours)), "en") is ours
    store.close()
