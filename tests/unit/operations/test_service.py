"""How an operation ends where something is wrong with ourselves. The engine is a fake, since a real
one brings no bug about."""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import (
    AiServerError,
    ImageBuildError,
    PortConflictError,
    SettingError,
    each,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Actor, OperationKind
from aiserver_tray.operations import operation as service
from aiserver_tray.operations import stages
from aiserver_tray.operations.locks import Holder, Work, module_locks
from aiserver_tray.operations.operation import Operation, Operations
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.prepare import Prepared
from aiserver_tray.operations.record import OperationRecord
from aiserver_tray.operations.request import Request, Revival
from aiserver_tray.operations.scope import Scope
from aiserver_tray.settings.entries import OperationEntry
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import OperationView, StepView
from aiserver_tray.system.paths import Home
from tests.support.limits import LIMIT
from tests.unit.operations.planning import observed, targets_of
from tests.unit.runtime_folder import runtime_folder

__all__ = ["runtime_folder"]

SECRET = "password-of-somebody"
ENGINE = "engine"
ACTOR = Actor("command", 1)


class Faulty:
    """An engine whose use is a bug, but for its name."""

    images = None

    def ping(self) -> None:
        raise KeyError(SECRET)

    def info(self) -> SimpleNamespace:
        return SimpleNamespace(id=ENGINE, cpus=2)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.fixture
def parts(store: Store, tmp_path: Path) -> Parts:
    """Parts with an engine whose use is a bug."""
    settings = Settings(Home(tmp_path / "home", "home"))
    known = SimpleNamespace(names=(), secrets=[], keep_files=lambda _: None)
    modules, unused = cast("Any", known), cast("Any", None)
    return Parts(cast("Any", Faulty()), store, settings, modules, lambda: None, unused)


def test_preview_shows_the_first_steps_and_the_notices(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "services: {web: {image: 'web:1', pull_policy: always}}"
    targets = targets_of(tmp_path / "catalog", m=text)
    scope = Scope(("m",), ("m",), {"m": targets[0]})
    prepared = Prepared(Plan(), scope, observed(targets), (Text("little memory"),))
    monkeypatch.setattr(service, "previewed", lambda *_: scope)
    monkeypatch.setattr(service, "prepare", lambda *_: prepared)
    operations, request = Operations(parts), Request("up", ("m",))
    assert str(operations.plan(request)) == "pull web:1"
    assert "little memory" in map(str, operations.preview(request).notices)


def test_error_masks_the_password_of_a_proxy(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    proxy = f"http://someone:{SECRET}@proxy.example:3128"
    config = json.dumps({"proxies": {"default": {"httpProxy": proxy}}})
    (tmp_path / "config.json").write_text(config, encoding="utf-8")

    def fail(*_: object) -> Scope:
        raise ImageBuildError("m", "m:1", "failed", [f"can't reach {proxy}", SECRET])

    monkeypatch.setattr(stages, "first_scope", fail)
    error = Operation(Request("up"), parts, ACTOR).wait(LIMIT).error
    assert error is not None
    assert "proxy.example" in str(error)
    assert SECRET not in f"{error.as_json('en')} {error!r}"


@pytest.mark.parametrize(
    ("kind", "told"),
    [("up", "`aiserver-tray down n8n dify`"), ("stop", "Run the same command again")],
)
def test_a_cancelled_operation_says_how_to_go_on_with_its_own_modules(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, kind: OperationKind, told: str
) -> None:
    scope = Scope(("n8n", "dify"), ("postgres", "n8n", "dify"))
    monkeypatch.setattr(stages, "first_scope", lambda *_: scope)
    with module_locks(ENGINE, ["postgres"], Work("aiserver-tray up postgres", "ours", "/home")):
        operation = Operation(Request(kind), parts, ACTOR)
        operation.cancel()
        view = operation.wait(LIMIT)
    assert view.status == "cancelled"
    assert view.error is not None
    assert told in str(view.error)
    assert view.error.data == {"kind": kind, "modules": ["n8n", "dify"]}


def test_at_the_end_of_the_process_no_operation_waits_for_another(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "first_scope", lambda *_: Scope(("n8n",), ("n8n",)))
    operations = Operations(parts)
    with module_locks(ENGINE, ["n8n"], Work("aiserver-tray up n8n", "ours", "/home")):
        operation = operations.start(Request("up", wait=True))
        parts.store.wait_until(lambda state: state.operations[0].status == "waiting", LIMIT)
        operations.close()
        assert operation.wait(LIMIT).status == "cancelled"


def test_only_a_stop_of_our_own_counts_as_unfinished() -> None:
    ours, theirs = (Work("aiserver-tray stop n8n", name, "/home") for name in ("ours", "theirs"))
    dead = {"n8n": Holder(5, ours, is_own=True), "dify": Holder(5, ours, is_own=False)}
    assert stages._ending(dead | {"web": Holder(6, theirs, is_own=True)}, "ours") == {"n8n"}


class Revivals:
    """Revivals of what is desired but for what is ``lacking``, where *blockers* stand against
    more; ``prepared`` is what they were to bring up."""

    def __init__(self, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parts = parts
        self.lacking: dict[str, AiServerError] = {}
        self.blockers: tuple[AiServerError, ...] = ()
        self.prepared: list[tuple[str, ...]] = []
        self.want("web", "n8n")
        monkeypatch.setattr(stages, "first_scope", lambda *_: self._scope())
        monkeypatch.setattr(stages, "scope_of", lambda *_: self._scope())
        monkeypatch.setattr(stages, "refresh_containers", lambda _: None)
        monkeypatch.setattr(stages, "prepare", self._prepare)

    def want(self, *names: str) -> None:
        with self.parts.settings.engines.update(ENGINE) as state:
            state.desired = list(names)

    @property
    def desired(self) -> list[str]:
        return self.parts.settings.engines.state(ENGINE).desired

    def begin(self) -> Operation:
        return Operation(Revival(), self.parts, ACTOR)

    def _scope(self) -> Scope:
        names = tuple(name for name in self.desired if name not in self.lacking)
        return Scope(names, (*names, *(["base"] if names else [])), lacking=self.lacking)

    def _prepare(self, _request: Request, scope: Scope, _parts: Parts) -> Prepared:
        self.prepared.append(scope.modules)
        return Prepared(Plan(), scope, Observed(), blockers=self.blockers)


@pytest.fixture
def revival(parts: Parts, runtime_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Revivals:
    return Revivals(parts, monkeypatch)


@pytest.mark.parametrize("left", [(), ("web",)])
def test_a_revival_leaves_alone_what_was_stopped_before_it_had_the_locks(
    revival: Revivals, store: Store, monkeypatch: pytest.MonkeyPatch, left: tuple[str, ...]
) -> None:
    with module_locks(ENGINE, ["n8n"], Work("aiserver-tray stop n8n", "ours", "/home")):
        operation = revival.begin()
        store.wait_until(lambda s: any(o.status == "waiting" for o in s.operations), LIMIT)
        revival.want(*left)
    assert operation.wait(LIMIT).status == "succeeded"
    assert operation.view.modules == left
    assert revival.prepared == ([left] if left else [])
    assert revival.desired == list(left)

    early = Scope(("web", "n8n"), ("web", "n8n", "base"))
    monkeypatch.setattr(stages, "first_scope", lambda *_: early)
    assert revival.begin().wait(LIMIT).status == "succeeded"
    assert revival.prepared == ([left] * 2 if left else []), "it did not even wait"
    assert revival.desired == list(left)


def test_revival_starts_the_other_modules_and_fails_with_the_blocked_ones(
    revival: Revivals, caplog: pytest.LogCaptureFixture
) -> None:
    revival.lacking["n8n"] = SettingError("n8n.KEY", Text("it has no value"))
    revival.blockers = (PortConflictError("web", "127.0.0.1", 80, Text("httpd"), 81, None),)
    view = revival.begin().wait(LIMIT)
    assert view.status == "failed"
    assert view.is_revival
    assert view.error is not None
    assert [error.code for error in each(view.error)] == ["E_SETTING", "E_PORT_CONFLICT"]
    assert revival.prepared == [("web",)]
    assert revival.desired == ["web", "n8n"], "it is wanted all the same"
    (told,) = (r.message for r in caplog.records if r.levelno == logging.WARNING)
    assert "n8n.KEY" in told
    assert "httpd" in told


def test_a_revival_of_nothing_that_can_be_had_fails_too(revival: Revivals) -> None:
    revival.lacking |= {name: SettingError(f"{name}.KEY", Text("?")) for name in ("web", "n8n")}
    view = revival.begin().wait(LIMIT)
    assert revival.prepared == []
    assert view.status == "failed"
    assert {"web.KEY", "n8n.KEY"} <= {*str(view.error).replace(":", "").split()}


def test_a_bug_is_reported_by_its_place_and_never_by_its_text(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        view = Operation(Request("up"), parts, ACTOR).wait(LIMIT)
    assert view.status == "failed"
    assert view.error is not None
    assert view.error.code == "E_RUNTIME"
    assert "KeyError, test_service.py:" in str(view.error)
    assert "in ping" in caplog.text, "where it happened"
    assert SECRET not in caplog.text + str(view.error)


def only_entry(parts: Parts) -> OperationEntry:
    (entry,) = parts.settings.journal.read()
    assert isinstance(entry, OperationEntry)
    return entry


def test_journal_has_actor_and_result_without_secrets(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.modules.secrets.append(SECRET)
    begun: list[OperationEntry] = []

    def fail(*_: object) -> Scope:
        begun.append(only_entry(parts))
        raise ImageBuildError("m", "m:1", "failed", [SECRET])

    monkeypatch.setattr(stages, "first_scope", fail)
    actor = Actor("window", 5)
    Operations(parts).start(Request("up", ("m",)), actor).wait(LIMIT)
    (first,), last = begun, only_entry(parts)
    assert (first.status, first.actor, first.pid) == ("running", actor, os.getpid())
    assert (last.id, last.time, last.actor) == (first.id, first.time, actor)
    assert (last.status, last.code, last.modules) == ("failed", "E_IMAGE_BUILD", ("m",))
    assert last.message
    assert last.message["en"] != last.message["zh"]
    assert last.seconds is not None
    assert SECRET.encode() not in parts.settings.journal.path.read_bytes()


def test_an_operation_whose_process_ends_is_recorded_as_begun_and_is_no_bug(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def work(*_: object) -> None:
        parts.store.close()
        parts.store.flush()

    monkeypatch.setattr(stages, "first_scope", work)
    Operations(parts).start(Request("up", ("m",))).wait(LIMIT)
    entry = only_entry(parts)
    assert (entry.status, entry.message) == ("running", None)
    assert entry.actor == Actor("command", os.getpid()), "without a client, it is the command's"
    assert not caplog.records


def test_the_steps_of_all_plans_are_recorded(parts: Parts) -> None:
    record = OperationRecord(
        parts.settings.journal, Request("up", cascade=True, recreate=True), ACTOR, None
    )
    pull = StepView(
        "pull", "web:1", "web", status="done", began=7.0, seconds=1.23456, usual=2.0, total=9
    )
    start = StepView("start", "ai-web", "web", "web", status="skipped")
    begun = OperationView("1", "up", ("web",), began=5.0)
    record.begin(begun)
    record.next_plan(begun)
    record.next_plan(replace(begun, steps=(pull,)))
    record.end(replace(begun, steps=(start,), status="succeeded"))
    entry = only_entry(parts)
    told = [(step.kind, step.status, step.began, step.seconds) for step in entry.steps]
    assert told == [("pull", "done", 2.0, 1.235), ("start", "skipped", None, None)]
    assert (entry.steps[0].usual, entry.steps[0].total) == (2.0, 9)
    assert (entry.modules, entry.asked, entry.all) == (("web",), (), False)
    assert (entry.cascade, entry.recreate) == (True, True)
