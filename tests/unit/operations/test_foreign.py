"""What is shown of other processes' operations, and when it is looked for."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

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
from tests.support.limits import LIMIT
from tests.support.made import container, ended, model
from tests.support.systems import RUNTIME
from tests.unit.state.scripted_engine import FakeEngine

ENGINE = "ENGINE"


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


def held_by(command: str, installation: str) -> dict[str, Holder]:
    """Locks of another process for *command*, which names ``n8n``."""
    work = Work(command, installation, "/home/me/home")
    return {"n8n": Holder(1, work, is_own=True), "postgres": Holder(1, work, is_own=False)}


@pytest.mark.parametrize(
    ("command", "installation", "modules"),
    [
        *((f"{kind} n8n", "ours", [("n8n",)]) for kind in ("stop", "down", "restart")),
        ("up n8n", "ours", [("n8n", "postgres")]),
        ("up n8n", "another", []),
        ("cleanup", "ours", []),
    ],
)
def test_foreign_work_of_our_installation_shows_the_modules_that_it_changes(
    command: str, installation: str, modules: list[tuple[str, ...]]
) -> None:
    """Only a start changes what it requires, and a clean-up only holds locks."""
    found = views(held_by(f"aiserver-tray {command}", installation), "ours")
    assert [view.modules for view in found] == modules
    assert {view.kind for view in found} <= {command.partition(" ")[0]}


def started(store: Store, settings: Settings, **options: float) -> ForeignOperations:
    """What looks at the operations of others, of an engine that runs."""
    found = ForeignOperations(store, settings.engines, settings.installation_id, **options)
    found.start()
    store.put(EngineUp(ENGINE, "26.1.5", 2, 1 << 30))
    return found


def test_desired_modules_of_other_processes_are_read_without_an_engine_event(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNTIME, str(tmp_path))
    settings = Settings(Home(tmp_path / "home", "home"))
    with closing(started(store, settings, recheck_seconds=0.1)):
        for asked in ("n8n", "dify"):
            with settings.engines.update(ENGINE) as state:
                state.desired = [asked]
            store.wait_until(lambda _, asked=asked: store.state.desired == {asked}, LIMIT)  # type: ignore[misc]


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
    engine = FakeEngine(container(health="healthy"))
    shown: list[str] = []
    store.put(ModulesChanged((model(),)))
    foreign = ForeignOperations(store, settings.engines, settings.installation_id)
    watcher = Watcher(engine, store, "ours", before_end=foreign.refresh_begun)
    with closing(watcher), closing(foreign):
        watcher.start()
        foreign.start()
        store.wait_until(lambda _: bool(store.state.desired), LIMIT)
        store.observe(lambda state: shown.append(state.snapshot.state))
        with other_process("web", settings):
            engine.found["id-of-web-app"] = ended(exit_code=143)
            engine.happens("die", "id-of-web-app")
            store.wait_until(lambda snapshot: not snapshot.modules[0].ready, LIMIT)
        with settings.engines.update(ENGINE) as asked:
            asked.desired = []
        store.wait_until(lambda snapshot: snapshot.state == "stopped", LIMIT)
    assert "error" not in shown
    assert "stopping" in shown


def test_an_operation_that_was_seen_early_is_seen_to_end(store: Store, settings: Settings) -> None:
    with closing(started(store, settings)) as foreign:
        store.wait_until(lambda _: bool(store.state.desired), LIMIT)
        with other_process("web", settings):
            foreign.refresh_begun()
            store.wait_until(lambda snapshot: bool(snapshot.operations), LIMIT)
        store.wait_until(lambda snapshot: all(o.is_over for o in snapshot.operations), LIMIT)


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
        foreign.close()
