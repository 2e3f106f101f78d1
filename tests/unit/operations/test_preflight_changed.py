"""What `prepare` says of a module whose objects are there: they were made from what its file does
not say any more, or its data is restored in part."""

import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import RestoreError
from aiserver_tray.model import OperationKind
from aiserver_tray.operations import prepare
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.preflight.preflight import Report
from aiserver_tray.operations.prepare import changed_notices
from aiserver_tray.operations.request import Request, Revival
from aiserver_tray.operations.scope import Scope
from aiserver_tray.operations.survey import Found, Survey
from aiserver_tray.settings.store import Settings
from aiserver_tray.settings.unended import Unended
from aiserver_tray.spec import labels
from aiserver_tray.spec.labels import Owner
from aiserver_tray.spec.model import ModuleTarget
from aiserver_tray.state.store import Store
from aiserver_tray.system.paths import Home
from tests.support.preflight_targets import OURS, service_of, target_of

SERVICE = service_of("page", "volumes: [data:/data, /cache]", "networks: [default, ai-net]")
NETWORKS = "networks: {default: {%s}, ai-net: {external: true}}"
VOLUMES = "volumes: {data: {%s}}"

Labels = Mapping[str, Mapping[str, str]]


def web(folder: Path, network: str = "", volume: str = "", owner: Owner = OURS) -> ModuleTarget:
    """A module whose file says *network* and *volume* of its own ones."""
    text = "\n".join([SERVICE, NETWORKS % network, VOLUMES % volume])
    return target_of(folder / str(len(list(folder.iterdir()))), "web", text, owner=owner)


def made(target: ModuleTarget, *without: str) -> Survey:
    """The engine once *target* was made; labels are less those *without*."""

    def found(name: str, given: Mapping[str, str]) -> Found:
        return Found(name, {key: value for key, value in given.items() if key not in without})

    return Survey(
        OURS.installation,
        networks={n.name: found(n.name, n.body["Labels"]) for n in target.networks},
        volumes={v.name: found(v.name, v.body["Labels"]) for v in target.volumes},
    )


NETWORK_CHANGED = (
    "The definition of the network ai-web has changed, but the existing network is kept. To "
    "apply the change, run: aiserver-tray down web, then: aiserver-tray up web"
)


def test_unchanged_network_or_volume_gives_no_notice(tmp_path: Path) -> None:
    first, newer = web(tmp_path), web(tmp_path, owner=Owner(OURS.installation, "2.0"))
    assert changed_notices([newer], made(first)) == []
    assert changed_notices([first], Survey(OURS.installation)) == []
    labelled = web(tmp_path, "labels: {a: b}", "labels: {a: b}")
    assert changed_notices([labelled], made(first)) == []
    changed = web(tmp_path, "internal: true", "driver: other")
    for without in (labels.CONFIG_HASH, labels.INSTALLATION):
        assert changed_notices([changed], made(first, without)) == [], "it isn't known to be ours"
    (shared,) = (n for n in first.networks if n.external)
    assert labels.CONFIG_HASH not in shared.body["Labels"]


@pytest.mark.parametrize(
    "network",
    [
        "internal: true",
        "driver_opts: {com.docker.network.bridge.name: br-ai}",
        "ipam: {config: [{subnet: 10.99.0.0/24}]}",
    ],
)
def test_a_network_that_changed_since_is_noticed_with_what_applies_it(
    tmp_path: Path, network: str
) -> None:
    before, now = web(tmp_path), web(tmp_path, network)
    assert [*map(str, changed_notices([now], made(before)))] == [NETWORK_CHANGED]
    assert changed_notices([now], made(now)) == []


def test_a_volume_that_changed_since_is_noticed_and_said_to_hold_data(tmp_path: Path) -> None:
    before = web(tmp_path)
    now = web(tmp_path, volume="driver_opts: {type: tmpfs, device: tmpfs}")
    (notice,) = changed_notices([now], made(before))
    assert str(notice).startswith("The definition of the volume ai-web-data has changed, but the")
    assert "aiserver-tray down web --volumes" in str(notice)


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    """An engine with the objects of the module `web`, of which nothing stands in the way."""
    settings = Settings(Home(tmp_path / "home", "home"))
    images = SimpleNamespace(find=lambda *_: None)
    engine = cast(
        "Any",
        SimpleNamespace(
            info=lambda: SimpleNamespace(id="E"),
            images=images,
            each=lambda ask, items: [*map(ask, items)],
        ),
    )
    nothing = cast("Any", None)
    before = web(tmp_path)
    monkeypatch.setattr(prepare, "survey", lambda *_: made(before))
    monkeypatch.setattr(prepare, "preflight", lambda *_: Report((), ()))
    store = Store()
    yield Parts(engine, store, settings, nothing, lambda: None, nothing)
    store.close()


KINDS: tuple[OperationKind, ...] = ("up", "restart")


def test_up_and_restart_tell_it(tmp_path: Path, parts: Parts) -> None:
    now = web(tmp_path, "internal: true")
    scope = Scope(("web",), ("web",), {"web": now}, {"web": now.model})
    found = [prepare.prepare(Request(kind), scope, parts) for kind in KINDS]
    assert [len(prepared.notices) for prepared in found] == [1, 1]


def test_a_half_restored_module_is_started_by_nobody_but_its_restore(
    tmp_path: Path, parts: Parts
) -> None:
    class Restoring(Request):
        restores = True

    now = web(tmp_path)
    scope = Scope(("web",), ("web",), {"web": now}, {"web": now.model})
    cases: tuple[tuple[dict[str, Any], bool], ...] = (
        ({"engine": "E", "state": "swapped"}, True),
        ({"engine": "E", "state": "prepared"}, False),
        ({"engine": "other", "state": "swapped"}, False),
        ({"engine": "E", "state": "swapped", "pid": os.getppid()}, False),  # it still works
    )
    for given, is_refused in cases:
        with parts.settings.unended.operation("id", Unended("restore", ["web"], **given)):
            assert not parts.settings.half_restored("E")
        for kind in KINDS:
            with pytest.raises(RestoreError) if is_refused else nullcontext():
                prepare.prepare(Request(kind), scope, parts)
        assert bool(prepare.prepare(Revival(), scope, parts).blockers) is is_refused
        assert prepare.prepare(Restoring("up", ("web",)), scope, parts).plan
