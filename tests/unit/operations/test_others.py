"""What is shown of other processes' operations, and when it is looked for."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from aiserver_tray.host.paths import Home
from aiserver_tray.operations.locks import Holder
from aiserver_tray.operations.others import Others, views
from aiserver_tray.settings.content import EngineState
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.facts import EngineUp
from aiserver_tray.state.store import Store

ENGINE = "ABCD"
LIMIT = 10.0


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.mark.parametrize("kind", ["stop", "down", "restart"])
def test_what_only_others_need_is_not_stopped(kind: str) -> None:
    command = f"aiserver-tray {kind} n8n"
    held = {"n8n": Holder(1, command, True), "postgres": Holder(1, command, False)}  # noqa: FBT003
    (view,) = views(held)
    assert (view.kind, view.modules) == (kind, ("n8n",))


def test_what_is_required_may_be_started_too() -> None:
    command = "aiserver-tray up n8n"
    held = {"n8n": Holder(1, command, True), "postgres": Holder(1, command, False)}  # noqa: FBT003
    (view,) = views(held)
    assert (view.kind, view.modules) == ("up", ("n8n", "postgres"))


def test_what_was_asked_for_is_seen_in_time_also_where_no_container_changes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    settings = Settings(Home(tmp_path / "home", "home"))
    others = Others(store, settings, relook=0.1)
    others.start()
    try:
        store.put(EngineUp(ENGINE, "26.1.5"))
        for asked in ("n8n", "dify"):
            with settings.update_engine(ENGINE) as state:
                state.desired = [asked]
            store.wait_until(lambda _, asked=asked: store.state.desired == {asked}, LIMIT)  # type: ignore[misc]
    finally:
        others.close()


def test_its_end_does_not_wait_for_a_file_that_somebody_holds(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("aiserver_tray.operations.others._CLOSE_LIMIT", 0.1)
    settings = Settings(Home(tmp_path / "home", "home"))
    read, reading = settings.engine, Event()

    def told(engine_id: str) -> EngineState:
        reading.set()
        return read(engine_id)

    monkeypatch.setattr(settings, "engine", told)
    others = Others(store, settings, relook=0.1)
    others.start()
    with settings.update_engine(ENGINE):
        store.put(EngineUp(ENGINE, "26.1.5"))
        assert reading.wait(LIMIT)
        begin = monotonic()
        others.close()
        assert monotonic() - begin < LIMIT
