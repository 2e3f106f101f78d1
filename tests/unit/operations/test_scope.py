"""Whom a `stop` and a revival concern. Engine and modules are fakes, which say what is looked at
and no more."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import (
    InUseError,
    MissingError,
    RequestError,
    SettingError,
    UnknownNameError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Container, ModuleModel, OperationKind, ServiceModel
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.prepare import prepare
from aiserver_tray.operations.request import Request, Revival
from aiserver_tray.operations.scope import Scope, scope_of, without_blocked
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.facts import ContainersListed
from aiserver_tray.state.store import Store
from aiserver_tray.system.paths import Home
from tests.support.consents import refused

BASE = ModuleModel("base", "basic")
OTHER = ModuleModel("other", "feature", ("base",))


def running(module: str, *requires: str) -> Container:
    """The container of *module*, which required *requires* when it was made."""
    made = Container(f"id-{module}", f"ai-{module}", module, module, "hash", "i", "i:1", "running")
    return replace(made, requires=requires)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """``base`` and ``other`` run, and ``gone``, which left the catalog and requires ``base``."""
    store = Store()
    store.put(ContainersListed((running("base"), running("other"), running("gone", "base"))))
    store.flush()
    known = {model.name: model for model in (BASE, OTHER)}
    modules = cast("Any", SimpleNamespace(names=tuple(known), model=known.__getitem__))
    engine = cast("Any", SimpleNamespace(info=lambda: SimpleNamespace(id="ENGINE")))
    settings = Settings(Home(tmp_path / "home", "home"))
    yield Parts(engine, store, settings, modules, lambda: None, cast("Any", None))
    store.close()


def test_basic_that_a_removed_module_still_uses_is_neither_stopped_nor_unused(parts: Parts) -> None:
    with pytest.raises(InUseError) as refused:
        scope_of(Request("stop", ("base", "other")), parts)
    assert refused.value.data == {"module": "base", "users": ["gone"]}
    scope = scope_of(Request("stop", ("base",), cascade=True), parts)
    assert scope.modules == ("base", "gone", "other")

    parts.settings.change(APP_SETTINGS, {"app.stop_unused_basics": "true"})
    assert scope_of(Request("stop", ("other",)), parts).modules == ("other",)
    scope = scope_of(Request("stop", ("other", "gone")), parts)
    assert scope.modules == scope.locked == ("other", "gone", "base")
    assert scope.unused == {"base"}

    service = Request("stop", ("other",), services=("other",))
    assert scope_of(service, parts).modules == ("other",), "its basic is still used"
    with pytest.raises(UnknownNameError):
        scope_of(replace(service, services=("othr",)), parts)
    for wrong in (replace(service, modules=()), replace(service, kind="down")):
        with pytest.raises(RequestError):
            scope_of(wrong, parts)


def test_revival_covers_the_desired_modules_that_can_start(parts: Parts) -> None:
    class Targets:
        """``valueless`` lacks a setting, ``lonely`` requires what there is no more."""

        chosen = ("base",)

        def target(self, name: str) -> ModuleModel:
            if name == "valueless":
                raise SettingError("valueless.KEY", Text("it has no value"))
            if name not in known:
                raise UnknownNameError(name, ())
            return known[name]

    known = {m.name: m for m in (BASE, OTHER, ModuleModel("lonely", "feature", ("left",)))}
    parts = replace(parts, modules=cast("Any", Targets()))
    revival = Revival()
    assert scope_of(revival, parts).modules == (), "and not the chosen ones"
    with parts.settings.engines.update("ENGINE") as state:
        state.desired = ["valueless", "lonely", "left", "other"]
    scope = scope_of(revival, parts)
    assert (scope.modules, scope.locked) == (("other",), ("base", "other"))
    assert set(scope.targets) == {"base", "other"}
    assert {name: type(error) for name, error in scope.lacking.items()} == {
        "valueless": SettingError,
        "lonely": MissingError,
        "left": UnknownNameError,
    }


@pytest.mark.parametrize(
    ("hindered", "left", "targets"),
    [
        ({"other"}, ("lone", "base"), {"lone", "base"}),
        ({"base"}, ("lone",), {"lone"}),
        ({"lone", "base"}, (), set()),
        (set(), ("lone", "other", "base"), {"lone", "base", "other"}),
    ],
)
def test_blocked_module_is_left_out_with_all_that_require_it(
    hindered: set[str], left: tuple[str, ...], targets: set[str]
) -> None:
    known = {m.name: m for m in (BASE, ModuleModel("lone", "feature"), OTHER)}
    names = ("lone", "other", "base")
    scope = Scope(names, names, cast("Any", known), ending=frozenset(names))

    kept = without_blocked(
        scope, lambda part: [UnknownNameError(name, ()) for name in hindered & {*part.targets}]
    )

    assert (kept.modules, {*kept.targets}, {*kept.ending}) == (left, targets, targets)
    assert kept.locked == names, "it has their locks"


def choosing(parts: Parts, *chosen: str) -> Parts:
    """*parts* with these modules *chosen*, of which ``base`` and ``other`` are there."""
    known = {model.name: model for model in (BASE, OTHER)}

    def target(name: str) -> ModuleModel:
        if name not in known:
            raise UnknownNameError(name, list(known))
        return known[name]

    modules = SimpleNamespace(names=tuple(known), chosen=chosen, target=target)
    return replace(parts, modules=cast("Any", modules))


@pytest.mark.parametrize("kind", ["up", "pull"])
def test_a_chosen_module_that_left_the_catalog_is_left_out_and_reported(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, kind: OperationKind
) -> None:
    scope = scope_of(Request(kind), choosing(parts, "others", "other"))
    assert set(scope.targets) == {"base", "other"}
    assert "others" not in scope.modules
    assert list(scope.lacking) == ["others"]
    told = scope.lacking["others"].render()
    assert "The chosen module 'others' was not found in any catalog folder." in told
    assert "aiserver-tray choose" in told

    monkeypatch.setattr("aiserver_tray.operations.prepare.plan_images", lambda *_: Plan())
    monkeypatch.setattr("aiserver_tray.operations.prepare.untrusted", lambda _: [])
    (notice,) = prepare(Request("pull"), scope, parts).notices
    assert "'others'" in notice.render()


def test_unknown_names_and_a_choice_of_which_nothing_is_left_are_errors(parts: Parts) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean other"):
        scope_of(Request("pull", ("others", "other")), choosing(parts, "other"))
    with pytest.raises(UnknownNameError, match="'gone' was not found in any catalog folder"):
        scope_of(Request("up"), choosing(parts, "gone"))
    assert scope_of(Request("up"), choosing(parts)).modules == ()


@pytest.mark.parametrize("trusted", [True, False])
def test_commands_before_a_stop_are_of_a_trusted_module_only(
    parts: Parts, *, trusted: bool
) -> None:
    service = ServiceModel("other", "ai-other", "i:1", has_pre_stop=True)
    model = replace(OTHER, services=(service,))
    target = SimpleNamespace(untrusted=None if trusted else refused("other"))
    modules = SimpleNamespace(
        names=("base", "other"),
        model={"base": BASE, "other": model}.__getitem__,
        target=lambda _name: target,
    )
    scope = scope_of(Request("stop", ("other",)), replace(parts, modules=cast("Any", modules)))
    assert {*scope.targets} == ({"other"} if trusted else set())
