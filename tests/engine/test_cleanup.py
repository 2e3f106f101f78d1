"""What a clean-up lists is gone afterwards, and nothing else, as the engine counts it."""

import json
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.errors import NotFound

from aiserver_tray.base.errors import BusyError
from aiserver_tray.features.cleanup.plan import CleanupPlan, image_id
from aiserver_tray.features.cleanup.removal import Removal
from aiserver_tray.operations.locks import Work, holders, module_locks
from aiserver_tray.spec.labels import INSTALLATION
from tests.support.consents import trust_all
from tests.support.installation import IMAGE, Installation, idle

MB = 1 << 20
TAG = "aiserver/web/web:local"
FOREIGN = "foreign/kept:1"


def built(here: Installation, engine: docker.DockerClient, *lines: str) -> str:
    """The ID of the image of `web`, built anew from a Dockerfile with *lines*."""
    service = {name: value for name, value in idle(build=".").items() if name != "image"}
    folder = here.write("web", {"web": service})
    (folder / "Dockerfile").write_text("\n".join([f"FROM {IMAGE}", *lines, ""]), encoding="utf-8")
    here.trust()
    assert f"build {TAG}" in here.done("build", "web")
    return str(engine.images.get(TAG).id)


def images(engine: docker.DockerClient) -> set[str]:
    return {image["Id"] for image in engine.api.images()}


def layers(engine: docker.DockerClient) -> int:
    return int(engine.df()["LayersSize"])


def test_what_an_absent_folder_or_a_broken_file_hides_is_not_old(
    here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    here.write("away", {"away": idle()}).rename(drive / "away")
    here.set("app.module_folders", str(drive))
    old = built(here, engine, "RUN echo old > /old")
    now = built(here, engine, "RUN echo now > /now")
    file, files = here.catalog / "web/compose.yaml", tmp_path / "files"
    data = {**json.loads(file.read_text("utf-8"))}
    data["x-aiserver"]["settings"] = {"FOLDER": {"type": "folder"}}
    data["services"]["web"]["volumes"] = ["${FOLDER:-none}:/files"]
    file.write_text(json.dumps(data), encoding="utf-8")
    files.mkdir()
    here.set("web.FOLDER", str(files))
    here.trust()
    trust_all(here.home, drive)
    here.done("up", "away")
    here.done("stop", "away")

    def groups() -> tuple[set[str], set[str]]:
        plan = plan_now(here)
        ours = {image_id(old), image_id(now)}
        return of_group(plan, "images") & ours, of_group(plan, "containers")

    files.rmdir()
    assert groups() == ({image_id(old)}, set()), "a module needs its image without its folder, too"
    file.write_text("services: [", encoding="utf-8")
    assert groups() == (set(), set())
    file.write_text(json.dumps(data), encoding="utf-8")
    drive.rename(tmp_path / "unplugged")
    assert groups() == (set(), set())
    drive.mkdir()
    assert groups() == (set(), set()), "where the drive is mounted"
    here.set("app.module_folders", "")
    away = f"container {engine.containers.get('ai-away').id}"
    assert groups() == ({image_id(old)}, {away}), "the user has removed the folder"


def plan_now(here: Installation) -> CleanupPlan:
    with here.core() as core:
        return Removal(here.app, core).plan()


@pytest.fixture
def foreign(engine: docker.DockerClient) -> Iterator[str]:
    """The ID of an image that somebody else has made."""
    container = engine.containers.create(IMAGE, ["true"])
    image = container.commit(*FOREIGN.split(":"))
    container.remove()
    yield str(image.id)
    with suppress(NotFound):
        engine.images.remove(str(image.id), force=True)


def of_group(plan: CleanupPlan, group: str) -> set[str]:
    return {thing.id for thing in plan.things if thing.group == group}


def exported(here: Installation, files: Mapping[str, int]) -> Path:
    """The folder of exports, with *files* of these ages in days."""
    folder = here.home / "exports"
    folder.mkdir()
    for name, age in files.items():
        (folder / name).write_bytes(b"x" * 1000)
        os.utime(folder / name, times=(time.time() - age * 86400,) * 2)
    return folder


def test_a_clean_up_frees_what_it_lists_and_keeps_what_is_used_since(
    here: Installation, engine: docker.DockerClient, foreign: str
) -> None:
    shared = f"RUN head -c {3 * MB} /dev/zero > /shared"
    first = built(here, engine, shared, f"RUN head -c {MB} /dev/zero > /first")
    second = built(here, engine, shared, f"RUN head -c {2 * MB} /dev/zero > /second")
    taken = built(here, engine, "RUN echo taken > /taken")
    newest = built(here, engine, "RUN echo newest > /newest")
    here.write("gone", {"gone": idle(volumes=["data:/data"])}, top={"volumes": {"data": {}}})
    here.write("back", {"back": idle()})
    here.done("up", "gone", "back")
    here.done("stop", "gone", "back")
    for name in ("gone", "back"):
        shutil.rmtree(here.catalog / name)
    exports = exported(here, {"logs-old.log": 2, "logs-older.log": 3, "logs-new.log": 0})
    volumes = {volume.id for volume in engine.volumes.list()}

    def start_and_remove_others(container: str) -> None:
        assert "" not in holders(core.engine.info().id)
        if container == back.id:
            back.start()
            (exports / "logs-older.log").unlink()

    back = engine.containers.get("ai-back")
    own = here.app.settings.installation_id
    engine.containers.create(IMAGE, ["true"], labels={INSTALLATION: own})  # of no module
    with here.core() as core:
        core.before_removal = start_and_remove_others
        removal = Removal(here.app, core)
        plan = removal.plan()
        listed = {thing.id: thing for thing in plan.things}
        assert {*map(image_id, (first, second, taken))} <= of_group(plan, "images")
        assert image_id(newest) in of_group(plan, "needed")
        assert image_id(foreign) in of_group(plan, "foreign")
        names = {listed[id].names for id in of_group(plan, "containers")}
        assert names == {("ai-gone",), ("ai-back",)}
        assert of_group(plan, "exports") == {"export logs-old.log", "export logs-older.log"}
        assert listed[image_id(first)].bytes == MB, "without what the second has, too"
        assert plan.freed({*map(image_id, (first, second))}) == 6 * MB, "shared layers count once"

        engine.containers.create(taken, ["true"])
        ours = {id for group in ("images", "containers", "exports") for id in of_group(plan, group)}
        before, there = layers(engine), images(engine)
        steps: list[int] = []
        outcomes, freed = removal.run(ours, steps.append)

    failed = {one.id for one in outcomes if one.problem}
    assert failed == {image_id(taken), f"container {back.id}", "export logs-older.log"}
    removed = {id.removeprefix("image ") for id in ours - failed if id.startswith("image ")}
    assert there - images(engine) == removed
    files = 1000 + sum(listed[id].bytes for id in of_group(plan, "containers") - failed)
    assert before - layers(engine) == freed - files
    assert steps == [*range(2, 1 + len(ours))], "one was not even listed"
    assert {file.name for file in exports.iterdir()} == {"logs-new.log"}
    assert {volume.id for volume in engine.volumes.list()} == volumes
    assert not engine.containers.list(all=True, filters={"name": "ai-gone"})
    back.reload()
    assert back.status == "running"


def at_terminal(here: Installation, answer: str, *words: str) -> str:
    """What a call writes to standard output, with *answer* as what is typed at its terminal."""
    typed, terminal = pty.openpty()
    with os.fdopen(typed, "wb", 0) as keyboard, os.fdopen(terminal, "wb", 0) as end:
        keyboard.write(f"{answer}\n".encode())
        command = [sys.executable, "-m", "aiserver_tray", *here.cli.options, *words]
        done = subprocess.run(
            command, stdin=end, stdout=subprocess.PIPE, stderr=end, text=True, check=False
        )
    return done.stdout


def test_the_command_removes_foreign_images_only_by_name_and_is_recorded(
    here: Installation, engine: docker.DockerClient, foreign: str
) -> None:
    first = built(here, engine, "RUN echo first > /first")
    built(here, engine, "RUN echo second > /second")
    plan = json.loads(here.cli.run("cleanup", "--dry-run", "--json").succeeded().output)
    assert image_id(first) in {thing["id"] for thing in plan["things"]}
    unasked = here.cli.run("cleanup")
    assert (unasked.code, "--yes" in unasked.errors) == (2, True)

    assert not at_terminal(here, "n", "cleanup", "--json"), "the question is not the result"
    assert first in images(engine)
    result = json.loads(at_terminal(here, "y", "cleanup", "--json"))
    assert image_id(first) in {one["id"] for one in result["outcomes"]}
    assert first not in images(engine)
    empty = here.cli.run("cleanup", "--json").succeeded().output
    assert json.loads(empty) == {"outcomes": [], "bytes": 0}
    assert foreign in images(engine)
    here.cli.run("cleanup", "--yes", "--image", FOREIGN).succeeded()
    assert foreign not in images(engine)
    listed = json.loads(here.cli.run("activity", "--json").succeeded().output)["activities"]
    cleaned = [entry["cleaned"] for entry in listed if entry["kind"] == "cleaned"]
    assert [FOREIGN in entry["removed"] for entry in cleaned] == [False, True]


def test_a_clean_up_is_refused_while_an_operation_works_on_a_module(here: Installation) -> None:
    here.write("web", {"web": idle()})
    with here.core() as core:
        removal, engine_id = Removal(here.app, core), core.engine.info().id
        work = Work("aiserver-tray up web", "another", "elsewhere")
        with module_locks(engine_id, ["web"], work), pytest.raises(BusyError):
            removal.run(["image none"], lambda _: None)
        outcomes, freed = removal.run(["image none"], lambda _: None)
    assert [(one.id, bool(one.problem)) for one in outcomes] == [("image none", True)]
    assert not freed
