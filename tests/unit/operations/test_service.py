"""How an operation ends where something is wrong with ourselves. The engine is a fake, since a real
one brings no bug about."""

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.host.paths import Home
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.service import Operation
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.store import Store

SECRET = "password-of-somebody"
LIMIT = 10.0


class Faulty:
    """An engine whose use is a bug."""

    def ping(self) -> None:
        raise KeyError(SECRET)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


def test_a_bug_is_told_by_its_place_and_never_by_its_text(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(Home(tmp_path / "home", "home"))
    modules, unused = cast("Any", SimpleNamespace(names=(), secrets=[])), cast("Any", None)
    parts = Parts(cast("Any", Faulty()), store, settings, modules, lambda: None, unused)
    with caplog.at_level(logging.DEBUG):
        view = Operation(Request("up"), parts).wait(LIMIT)
    assert view.status == "failed"
    assert view.error is not None
    assert view.error.code == "E_RUNTIME"
    assert "KeyError, test_service.py:" in str(view.error)
    assert "in ping" in caplog.text, "where it happened"
    assert SECRET not in caplog.text + str(view.error)
