"""What is shown of other processes' operations, and when it is looked for."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from aiserver_tray.core.foreign import ForeignOperations, views
from aiserver_tray.core.watcher import Watcher
from aiserver_tray.operations.locks import Holder, Work
from aiserver_tray.settings.content import EngineState
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.facts import EngineUp, ModulesChanged
from aiserver_tray.state.store import Store
from aiserver_tray.system.paths import Home
from tests.support import lock_holder
from tests.support.made import container, ended, model
from tests.support.systems import RUNTIME
from tests.unit.state.scripted_engine import FakeEngine

ENGINE = "ENGINE"
LIMIT = 30.0


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


def held_by(command: str, installation: str) -> dict[str, Holder]:
    """Locks of another process for *command*, which names ``n8n``."""
    work = Work(command, installation, "/home/me/home")
    return {
        "n8n": Holder(1, work, is_own=True),
        "postgres": Holder(1, work, is_own=False),
    }


@pytest.mark.parametrize("kind", ["stop", "down", "restart"])
def test_foreign_stop_shows_only_its_own_modules(kind: str) -> None:
    (view,) = views(held_by(f"aiserver-tray {kind} n8n", "ours"), "ours")
    assert (view.kind, view.modules) == (kind, ("n8n",))


def test_foreign_up_shows_the_required_modules_too() -> None:
    (view,) = views(held_by("aiserver-tray up n8n", "ours"), "ours")
    assert (view.kind, view.modules) == ("up", ("n8n", "postgres"))


def test_work_of_another_installation_is_none_of_our_operations() -> None:
    assert views(held_by("aiserver-tray up n8n", "another"), "ours") == []


def test_a_clean_up_only_holds_locks_and_shows_no_module_as_starting() -> None:
    assert views(held_by("aiserver-tray cleanup", "ours"), "ours") == []


def test_desired_modules_of_other_processes_are_read_without_an_engine_event(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNTIME, str(tmp_path))
    settings = Settings(Home(tmp_path / "home", "home"))
    foreign = ForeignOperations(
        store, settings.engines, settings.installation_id, recheck_seconds=0.1
    )
    foreign.start()
    try:
        store.put(EngineUp(ENGINE, "26.1.5", 2, 1 << 30))
        for asked in ("n8n", "dify"):
            with settings.engines.update(ENGINE) as state:
                state.desired = [asked]
            store.wait_until(lambda _, asked=asked: store.state.desired == {asked}, LIMIT)  # type: ignore[misc]
    finally:
        foreign.close()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a user who asked for ``web``, whose locks nobody else has."""
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv(RUNTIME, str(tmp_path / "run"))
    found = Settings(Home(tmp_path / "home", "home"))
    with found.engines.update(ENGINE) as asked:
        asked.desired = ["web"]
    return found


def test_stop_by_another_process_never_shows_as_an_error(store: Store, settings: Settings) -> None:
    foreign = ForeignOperations(store, settings.engines, settings.installation_id)
    engine = FakeEngine(container(health="healthy"))
    watcher = Watcher(engine, store, "ours", before_end=foreign.refresh_begun)
    shown: list[str] = []
    store.put(ModulesChanged((model(),)))
    watcher.start()
    foreign.start()
    try:
        store.wait_until(lambda _: bool(store.state.desired), LIMIT)
        store.observe(lambda state: shown.append(state.snapshot.state))
        with other_process("web", settings):
            engine.found["id-of-web-app"] = ended(exit_code=143)
            engine.happens("die", "id-of-web-app")
            store.wait_until(lambda snapshot: not snapshot.modules[0].ready, LIMIT)
        with settings.engines.update(ENGINE) as asked:
            asked.desired = []
        store.wait_until(lambda snapshot: snapshot.state == "stopped", LIMIT)
    finally:
        foreign.close()
        watcher.close()
    assert "error" not in shown
    assert "stopping" in shown


def test_an_operation_that_was_seen_early_is_seen_to_end(store: Store, settings: Settings) -> None:
    foreign = ForeignOperations(store, settings.engines, settings.installation_id)
    foreign.start()
    try:
        store.put(EngineUp(ENGINE, "26.1.5", 2, 1 << 30))
        store.wait_until(lambda _: bool(store.state.desired), LIMIT)
        with other_process("web", settings):
            foreign.refresh_begun()
            store.wait_until(lambda snapshot: bool(snapshot.operations), LIMIT)
        store.wait_until(lambda snapshot: all(o.is_over for o in snapshot.operations), LIMIT)
    finally:
        foreign.close()


@contextmanager
def other_process(module: str, settings: Settings) -> Iterator[None]:
    """Another process of the installation of *settings* that stops *module*."""
    installation = [settings.installation_id, str(settings.folder)]
    words = [ENGINE, f"aiserver-tray stop {module}", *installation, module]
    command = [sys.executable, lock_holder.__file__, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield
        finally:
            process.kill()


def test_close_does_not_wait_for_a_blocked_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNTIME, str(tmp_path))
    monkeypatch.setattr("aiserver_tray.core.foreign._CLOSE_TIMEOUT_SECONDS", 0.1)
    settings = Settings(Home(tmp_path / "home", "home"))
    read, reading = settings.engines.state, Event()

    def told(engine_id: str) -> EngineState:
        reading.set()
        return read(engine_id)

    monkeypatch.setattr(settings.engines, "state", told)
    foreign = ForeignOperations(
        store, settings.engines, settings.installation_id, recheck_seconds=0.1
    )
    foreign.start()
    with settings.engines.update(ENGINE):
        store.put(EngineUp(ENGINE, "26.1.5", 2, 1 << 30))
        assert reading.wait(LIMIT)
        begin = monotonic()
        foreign.close()
        assert monotonic() - begin < LIMIT
