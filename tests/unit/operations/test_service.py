"""How an operation ends where something is wrong with ourselves. The engine is a fake, since a real
one brings no bug about."""

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.host.paths import Home
from aiserver_tray.i18n import Text
from aiserver_tray.model import OperationKind
from aiserver_tray.operations import service
from aiserver_tray.operations.locks import module_locks
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.plan import Plan
from aiserver_tray.operations.prepare import Prepared
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.scope import Scope
from aiserver_tray.operations.service import Operation, Operations
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.store import Store
from tests.unit.operations.planning import observed, targets_of
from tests.unit.runtime_folder import runtime_folder

__all__ = ["runtime_folder"]

SECRET = "password-of-somebody"
ENGINE = "engine"
LIMIT = 10.0


class Faulty:
    """An engine whose use is a bug, but for its name."""

    def ping(self) -> None:
        raise KeyError(SECRET)

    def info(self) -> SimpleNamespace:
        return SimpleNamespace(id=ENGINE)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.fixture
def parts(store: Store, tmp_path: Path) -> Parts:
    """Parts with an engine whose use is a bug."""
    settings = Settings(Home(tmp_path / "home", "home"))
    modules, unused = cast("Any", SimpleNamespace(names=(), secrets=[])), cast("Any", None)
    return Parts(cast("Any", Faulty()), store, settings, modules, lambda: None, unused)


def test_a_preview_shows_what_is_done_first_and_what_is_to_be_known(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "services: {web: {image: 'web:1', pull_policy: always}}"
    targets = targets_of(tmp_path / "catalog", m=text)
    scope = Scope(("m",), ("m",), {"m": targets[0]})
    prepared = Prepared(Plan(), scope, observed(targets), (Text("little memory"),))
    monkeypatch.setattr(service, "first_scope", lambda *_: scope)
    monkeypatch.setattr(service, "prepare", lambda *_: prepared)
    operations, request = Operations(parts), Request("up", ("m",))
    assert str(operations.plan(request)) == "pull web:1"
    assert "little memory" in map(str, operations.preview(request).notices)


@pytest.mark.parametrize(
    ("kind", "told"), [("up", "`aiserver-tray down n8n dify`"), ("stop", "goes on from here")]
)
def test_a_cancelled_operation_says_how_to_go_on_with_its_own_modules(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, kind: OperationKind, told: str
) -> None:
    scope = Scope(("n8n", "dify"), ("postgres", "n8n", "dify"))
    monkeypatch.setattr(service, "first_scope", lambda *_: scope)
    with module_locks(ENGINE, ["postgres"], "aiserver-tray up postgres"):
        operation = Operation(Request(kind), parts)
        operation.cancel()
        view = operation.wait(LIMIT)
    assert view.status == "cancelled"
    assert view.error is not None
    assert told in str(view.error)
    assert view.error.data == {"kind": kind, "modules": ["n8n", "dify"]}


def test_a_bug_is_told_by_its_place_and_never_by_its_text(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        view = Operation(Request("up"), parts).wait(LIMIT)
    assert view.status == "failed"
    assert view.error is not None
    assert view.error.code == "E_RUNTIME"
    assert "KeyError, test_service.py:" in str(view.error)
    assert "in ping" in caplog.text, "where it happened"
    assert SECRET not in caplog.text + str(view.error)
