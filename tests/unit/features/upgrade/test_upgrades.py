"""Upgrades that are undone. The engine is a scripted one: what really happens to data is tested on
a real one."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import BackupError, RestoreError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.upgrade.upgrades import Upgrades
from aiserver_tray.settings.store import Settings
from aiserver_tray.settings.unended import SwappedVolume
from aiserver_tray.spec import labels
from aiserver_tray.system.paths import Home
from tests.unit.features.backup.scene import Scene

OURS = {labels.INSTALLATION: "us", labels.MODULE: "n8n"}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """An upgrade of n8n, which dify uses, is kept."""
    scene = Scene(Settings(Home(tmp_path, "home")).unended)
    volume = SwappedVolume(volume="data", kept=None)
    scene.has("a", "n8n", kind="upgrade", state="kept", engine="here", volumes=[volume])
    scene.volumes = {"data": OURS}
    scene.containers = {"ai-n8n": OURS, "ai-dify": {**OURS, labels.MODULE: "dify"}}
    return scene


def undo(scene: Scene, why_unsaved: str = "") -> None:
    def back_up(*_: object) -> None:
        scene.done.append("back up")
        if why_unsaved:
            raise BackupError(Text(why_unsaved))

    tools = scene.tools
    tools.app.catalog = SimpleNamespace(modules={})
    backups = SimpleNamespace(tools=tools, journal=scene.journal, back_up=back_up)
    feature = SimpleNamespace(backups=backups)
    place = SimpleNamespace(app=tools.app, feature=lambda _: feature)
    Upgrades(cast("Any", place), cast("Any", None))._undo("a", scene.stage)


def test_an_upgrade_is_kept_beside_that_of_another_engine(scene: Scene) -> None:
    scene.has("there", "n8n", kind="upgrade", engine="there", state="kept")
    scene.has("b", "n8n", kind="upgrade", engine="here", state="whole")
    scene.wind_up("b")
    assert {one: scene.journal.kept(one)["n8n"][0] for one in ("here", "there")} == {
        "here": "b",
        "there": "there",
    }
    assert scene.journal.all.keys() == {"there", "b"}


@pytest.mark.parametrize("reason", ["no backup", "in use", "a later restore"])
def test_a_refused_undo_changes_nothing_and_starts_what_ran(scene: Scene, reason: str) -> None:
    if reason == "in use":
        scene.containers["theirs"] = {labels.MODULE: "theirs"}
    if reason == "a later restore":
        scene.has("b", "dify", engine="here")
    before = scene.journal.all
    with pytest.raises(BackupError if reason == "no backup" else RestoreError):
        undo(scene, "The disk is full." if reason == "no backup" else "")
    assert scene.done == [("stop", "n8n", "dify"), "back up", "start"]
    assert scene.journal.all == before
