"""The journal of backups and restores, and how interrupted ones end. The engine is a scripted one:
what databases do is tested with real servers."""

from contextlib import nullcontext
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import (
    AdoptError,
    BackupError,
    ExitedError,
    NameConflictError,
    RestoreError,
    SettingError,
)
from aiserver_tray.features.backup.journal import problem, recover, refuse_used
from aiserver_tray.features.backup.plan import beside
from aiserver_tray.features.backup.restore import Choice, Restoration
from aiserver_tray.settings.names import BACKUP_JOURNAL, INSTALLATION
from aiserver_tray.settings.store import Settings
from aiserver_tray.settings.unended import SwappedDatabase
from aiserver_tray.spec import labels
from aiserver_tray.spec.labels import digest
from aiserver_tray.system.paths import Home
from tests.unit.features.backup.scene import Scene

OURS = {labels.INSTALLATION: "us", labels.MODULE: "n8n"}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(Settings(Home(tmp_path, "home")).unended)


def test_what_was_interrupted_on_another_engine_is_left_alone_and_told(scene: Scene) -> None:
    scene.has("a", "n8n", engine="there")
    with pytest.raises(RestoreError, match="another Docker engine"):
        scene.wind_up("a")
    assert scene.done == []
    assert "on another Docker engine" in str(problem(scene.journal))
    scene.has("a", "n8n", engine="here")
    scene.wind_up("a")
    assert (scene.journal.all, problem(scene.journal)) == ({}, None)


@pytest.mark.parametrize("change", ["cut", "by hand", "of another home", "removed"])
def test_a_changed_journal_is_kept(scene: Scene, tmp_path: Path, change: str) -> None:
    scene.has("a", "n8n", engine="here")
    path, settings = tmp_path / BACKUP_JOURNAL, Settings(Home(tmp_path, "home"))
    written = path.read_bytes()
    copies = [path, path.with_name(f"{path.name}.good")]
    if change == "of another home":
        (tmp_path / INSTALLATION).unlink()
        (tmp_path / f"{INSTALLATION}.good").unlink()
        settings = Settings(Home(tmp_path, "home"))
    elif change == "removed":
        path.unlink()
    else:
        changed = written[:-9] if change == "cut" else written.replace(b"swapped", b"whole")
        path.write_bytes(changed)
        assert settings.half_restored("here") == {"n8n"}, "the copy says so"
        for copy in copies:
            copy.write_bytes(changed)
    if change == "removed":
        assert settings.half_restored("here") == {"n8n"}
        return
    kept = [copy.read_bytes() for copy in copies]
    told = str(problem(settings.unended))
    for refused in (lambda: settings.half_restored("here"), lambda: settings.unended.end("a")):
        with pytest.raises(SettingError, match="no module is started") as caught:
            refused()
        assert str(caught.value) == told
    assert f"Move {path} and {path}.good" in told
    assert "backup restore" in told
    assert [copy.read_bytes() for copy in copies] == kept
    for copy in copies:
        copy.unlink()
    assert settings.half_restored("here") == frozenset()


def test_of_two_restores_of_a_module_the_later_one_is_put_back_first(scene: Scene) -> None:
    scene.has("first", "n8n", engine="here")
    scene.has("second", "n8n", "dify", engine="here")
    assert [*scene.journal.interrupted] == ["second", "first"]
    with pytest.raises(RestoreError, match="A later restore"):
        scene.wind_up("first")
    assert scene.done == []
    assert "A later restore" in str(problem(scene.journal))
    for id in scene.journal.interrupted:
        scene.wind_up(id)
    assert scene.done == [("remove", "n8n", "dify"), ("remove", "n8n")]


@pytest.mark.parametrize("state", ["whole", "swapped", "prepared"])
def test_an_upgrade_ends_although_a_user_of_it_does_not_start(scene: Scene, state: str) -> None:
    scene.has("first", "n8n", kind="upgrade", engine="here", state="kept")
    scene.has("second", "n8n", "dify", kind="upgrade", engine="here", state=state, ran=["ai-dify"])
    scene.failing = "dify"
    scene.wind_up("second")
    assert "dify exited with code 3" in str(scene.done[-1])
    left = {id: entry.state for id, entry in scene.journal.all.items()}
    assert left == ({"second": "kept"} if state == "whole" else {"first": "kept"})


def test_a_server_runs_on_and_what_is_not_half_put_back_is_not_half_restored(scene: Scene) -> None:
    swapped = SwappedDatabase(server="postgres", database="own", new="new", old="old")
    scene.has("a", "postgres", "n8n", engine="here", databases=[swapped])
    scene.wind_up("a")
    assert scene.done == [("remove", "n8n"), ("swap back", "own", "new", "old"), ("drop", "new")]
    scene.has("a", "n8n", engine="here", ran=["ai-n8n"])
    scene.failing = "n8n"
    with pytest.raises(ExitedError):
        scene.wind_up("a")
    assert "can't be undone" not in str(problem(scene.journal))
    scene.failing = ""
    scene.wind_up("a")
    assert scene.journal.all == {}


def test_an_interrupted_backup_ends_also_without_its_folder(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "drive").write_bytes(b"")
    file = str(tmp_path / "drive/backup.zip")  # the part can't be removed: that is no folder
    scene.has("a", "n8n", kind="backup", state="prepared", file=file)
    scene.wind_up("a")
    assert scene.done == ["start"]
    assert scene.journal.all == {}


def test_an_interrupted_move_is_told_as_one_and_starts_what_it_has_stopped(scene: Scene) -> None:
    scene.has("a", "n8n", kind="move", state="prepared", engine="here")
    with pytest.raises(BackupError, match="for another computer was interrupted"):
        recover(scene.tools, scene.journal, "a")(scene.stage)
    assert (scene.done, scene.journal.all) == (["start"], {})


def test_a_restore_that_covers_an_interrupted_one_in_part_is_refused(scene: Scene) -> None:
    swapped = SwappedDatabase(server="postgres", database="n8n", new="new", old="old")
    scene.has("a", "n8n", engine="here", databases=[swapped])
    scene.has("b", "n8n", engine="there")
    scene.has("c", "n8n", engine="here", state="whole")

    def restored(*modules: str, database: str) -> list[str]:
        entry = SimpleNamespace(kind="postgres", server="postgres", key=database)
        choice = Choice(cast("Any", None), modules, (cast("Any", entry),))
        work = Restoration(scene.tools, scene.journal, choice, lambda _: None)
        return [*work._replaced("here")]

    assert restored("n8n", "dify", database="n8n") == ["a"]
    assert restored("dify", database="dify") == []
    with pytest.raises(RestoreError, match="only a part"):
        restored("n8n", database="other")
    scene.has("a", "n8n", "dify", engine="here")
    with pytest.raises(RestoreError, match="only a part"):
        restored("n8n", database="n8n")


def test_volumes_that_others_have_or_that_are_no_plain_ones_are_not_replaced(scene: Scene) -> None:
    scene.volumes = {"data": OURS}
    scene.containers = {"ai-n8n": OURS}
    refuse_used(scene.tools, ["data"], ["n8n"])
    with pytest.raises(RestoreError, match="data is used by ai-n8n"):
        refuse_used(scene.tools, ["data"], ["dify"])
    scene.containers["theirs"] = {labels.MODULE: "n8n"}
    scene.volumes["data"] = {**OURS, labels.CONFIG_HASH: digest({"Driver": "nfs"})}
    with pytest.raises(RestoreError, match="driver with options"):
        refuse_used(scene.tools, ["data"], ["n8n"])
    scene.volumes["data"] = {}
    with pytest.raises(NameConflictError):
        refuse_used(scene.tools, ["data"], ["n8n"])


def test_databases_beside_others_have_names_of_their_own_that_servers_take() -> None:
    choices = product(("n8n", "名" * 21), ("restore", "before"), ("0" * 32, "1" * 32), (1, 2))
    names = {beside(*choice) for choice in choices}
    assert len(names) == 16
    assert all(len(name.encode()) <= 63 for name in names)


def test_what_a_killed_restore_has_loaded_is_removed_again(scene: Scene) -> None:
    given = {"images": {"old:1": "sha256:a"}, "loads": ["new:1"]}
    scene.has("a", "n8n", state="prepared", **given)
    scene.wind_up("a")
    assert scene.done == [("tag", "sha256:a", "old:1"), ("untag", "new:1")]
    scene.has("b", "n8n", state="whole", **given)
    scene.wind_up("b")
    assert len(scene.done) == 2, "what a whole one has loaded stays"


def test_a_killed_switch_leaves_triggers_on_in_one_program_only(scene: Scene) -> None:
    given: dict[str, Any] = {"kind": "adopt", "quiet": ["n8n"], "foreign": ["theirs"]}
    scene.has("a", "n8n", state="prepared", **given)
    scene.wind_up("a")
    assert scene.done == [("start", "theirs")]
    scene.done.clear()
    for state in ("swapped", "whole"):  # put back, and switching back, which is ended
        scene.has("a", "n8n", state=state, **given)
        with (
            pytest.raises(AdoptError, match="was interrupted")
            if state == "swapped"
            else nullcontext()
        ):
            recover(scene.tools, scene.journal, "a")(scene.stage)
        assert scene.done[0] == ("start", "theirs")
        assert scene.done[-1] == ("quiet", "n8n")
        assert bool(scene.dead) == (state == "swapped"), "after a whole one, nothing is restarted"
        scene.done.clear()
