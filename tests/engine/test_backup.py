"""Backups and restores on the lab's engine, through the owner's channels."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from aiserver_tray.features.backup.archive import BackupWriter
from aiserver_tray.features.backup.postgres import Postgres
from aiserver_tray.features.backup.restore import Restoration
from aiserver_tray.features.backup.volumes import BackupVolumes
from aiserver_tray.owner.owner import Owner
from aiserver_tray.settings.names import BACKUP_JOURNAL
from aiserver_tray.state.views import OperationView
from tests.engine.backups import PASSPHRASE, before, files_of, fill, leftovers, small_folder
from tests.engine.built_in import choose_free_ports, value_of
from tests.engine.n8n import add_credential, has_all, logged_in, publish_workflow, set_up_owner
from tests.engine.through_owner import (
    asked,
    await_checks,
    done,
    ended,
    failed,
    found,
    has_ended,
    is_over,
    once_back,
    sql,
)
from tests.engine.waiting import until
from tests.lab import engine as lab_engine
from tests.lab.place import Place
from tests.support.installation import Installation, checked, script
from tests.support.observed import facts, names, said
from tests.support.owning import PEER, Modules, owned
from tests.support.waiting import eventually


def write_notes(here: Installation, name: str = "notes") -> None:
    """A module that keeps notes in a volume and in a database of PostgreSQL, and marks in Redis."""
    title = {"en": "Password", "zh": "密码"}
    here.write(
        name,
        {name: checked("true", volumes=["data:/data"], stop_signal="SIGKILL")},
        top={"volumes": {"data": {}}},
        requires=["postgres", "redis"],
        databases=[{"module": "postgres", "database": name, "user": name, "secret": "PASSWORD"}],
        settings={"PASSWORD": {"type": "secret", "generate": "hex32", "title": title}},
        backup={"redis": [10 if name == "notes" else 11]},
    )


class Notes:
    """The notes of a module."""

    def __init__(self, here: Installation, engine: docker.DockerClient, name: str) -> None:
        self._engine = engine
        self._name = name
        self._mark = ("env", f"REDISCLI_AUTH={value_of(here, 'redis.REDIS_PASSWORD')}", "redis-cli")
        self._number = "10" if name == "notes" else "11"

    def create(self) -> None:
        """Make role, database and table, as the module would."""
        sql(self._engine, "postgres", f"create role {self._name} login")
        sql(self._engine, "postgres", f"create database {self._name} owner {self._name}")
        sql(self._engine, self._name, f"set role {self._name}; create table note (text text)")

    def set(self, text: str) -> None:
        """Replace all by *text*."""
        sql(self._engine, self._name, f"delete from note; insert into note values ('{text}')")
        said(self._engine, f"ai-{self._name}", "sh", "-c", f"echo {text} > /data/note")
        said(self._engine, "ai-redis", *self._mark, "-n", self._number, "set", "note", text)

    @property
    def all(self) -> tuple[str, str, str]:
        """The note in the volume, in PostgreSQL and in Redis."""
        return (
            said(self._engine, f"ai-{self._name}", "cat", "/data/note"),
            sql(self._engine, self._name, "select text from note"),
            said(self._engine, "ai-redis", *self._mark, "-n", self._number, "get", "note"),
        )


@contextmanager
def noted(
    here: Installation, engine: docker.DockerClient, *others: str
) -> Iterator[tuple[Owner, Modules, Notes]]:
    """An owner whose module has the note *first*."""
    for name in ("notes", *others):
        write_notes(here, name)
    choose_free_ports(here, "postgres", "redis")
    with owned(here) as (owner, modules):
        done(owner, "ai/operation/start", kind="up", modules=["notes", *others])
        for name in ("notes", *others):
            notes = Notes(here, engine, name)
            notes.create()
            notes.set("first")
        yield owner, modules, Notes(here, engine, "notes")


def is_clean(here: Installation, engine: docker.DockerClient, *files: str) -> None:
    """See that nothing is left beside the data of modules, and only these *files*."""
    assert leftovers(engine) == []
    there = sql(engine, "postgres", "select datname from pg_database")
    assert "__" not in there
    folder = here.home / "backups"
    assert sorted(path.name for path in folder.glob("*")) == sorted(files)
    journal = json.loads((here.home / BACKUP_JOURNAL).read_text(encoding="utf-8"))
    assert journal["operations"] == {}


# -- n8n -------------------------------------------------------------------------------------------


def test_restored_n8n_knows_its_owner_workflows_and_credentials_elsewhere(
    here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    """What its own workflows do there is decided before."""
    choose_free_ports(here, "n8n", "postgres")
    page = f"http://127.0.0.1:{value_of(here, 'n8n.N8N_HOST_PORT')}"
    with owned(here) as (owner, _):
        done(owner, "ai/operation/start", kind="up", modules=["n8n"])
        set_up_owner(page)
        user = logged_in(page)
        publish_workflow(user, page)
        add_credential(user, page)
        backup = done(owner, "ai/backup/create")
        told_downtime(backup)
        until(lambda: sum_of(page).ok, engine.containers.get("ai-n8n"))
        (file,) = files_of(owner)
        path = here.home / "backups" / file
        recovery = asked(owner, "ai/backup/key/save", passphrase=PASSPHRASE)["text"]
        offer = asked(owner, "ai/backup/inspect", id=path.stem, modules=["n8n"])
        assert (offer["decisions"], offer["fromHere"]) == ([], True)
        done(owner, "ai/operation/start", kind="down", volumes="all")
        assert engine.volumes.list() == []
    other = Installation(tmp_path / "other", here.catalog, here.host)
    choose_free_ports(other, "n8n", "postgres")
    with owned(other) as (owner, _):
        source = {"file": str(path), "recovery": recovery, "passphrase": PASSPHRASE}
        offer = asked(owner, "ai/backup/inspect", **source, modules=["n8n"])
        assert [(one["id"], one["value"]) for one in offer["decisions"]] == [
            ("n8n.triggers", "off")
        ]
        assert not offer["fromHere"]

        done(owner, "ai/backup/restore", **source, modules=["n8n"])

        has_all(page, engine.containers.get("ai-n8n"))
        assert sum_of(page).status_code == 404
        is_clean(other, engine)


def sum_of(page: str) -> requests.Response:
    """The workflow's answer; 404 for a moment after n8n has started."""
    return requests.post(f"{page}/webhook/sum", json={"a": 3, "b": 4}, timeout=60)


def told_downtime(view: OperationView) -> None:
    """Print how long n8n stood still, beside the time of its stop and start alone."""
    steps = [step for step in view.steps if step.module == "n8n" and step.began is not None]
    own = [step for step in steps if step.kind in ("stop", "start", "wait")]
    begun = min(step.began or 0 for step in own)
    over = max((step.began or 0) + (step.seconds or 0) for step in own)
    beside = sum(s.seconds or 0 for s in steps if s.kind in ("clone", "dump"))
    print(  # noqa: T201 - a figure for the reader of the log
        f"n8n stood still for {over - begun:.1f} s; without copies {over - begun - beside:.1f} s"
    )


# -- what others have ------------------------------------------------------------------------------


def test_a_restore_of_one_module_saves_what_it_has_when_it_stops_and_leaves_others_theirs(
    here: Installation, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with noted(here, engine, "others") as (owner, _, notes):
        ids = [asked(owner, "ai/backup/create", modules=[n]) for n in ("notes", "others")]
        for id in ids:
            assert found(owner, partial(has_ended, id["operationId"])).status == "succeeded"
        files = files_of(owner)
        assert len(files) == 2, "two backups beside each other"
        await_checks(owner)
        eventually(lambda: all(is_verified(owner, one) for one in files), "the checks")
        others = Notes(here, engine, "others")
        notes.set("second")
        others.set("second")
        listed = asked(owner, "ai/backup/list")["backups"]
        (id,) = [one["id"] for one in listed if one["modules"][0]["name"] == "notes"]
        swap = Restoration._swap

        def last_moment(*given: Any) -> Any:  # noqa: ANN401 - as it takes them
            notes.set("third")
            return swap(*given)

        with monkeypatch.context() as patch:
            patch.setattr(Restoration, "_swap", last_moment)
            done(owner, "ai/backup/restore", id=id, modules=["notes"])

        assert notes.all == ("first", "first", "")
        assert others.all == ("second",) * 3
        after = files_of(owner)
        is_clean(here, engine, *after)
        (before,) = {*after} - {*files}
        asked(owner, "ai/backup/check", ids=[Path(before).stem])
        eventually(lambda: is_verified(owner, before), "the check")
        done(owner, "ai/backup/restore", id=Path(before).stem, modules=["notes"])
        assert notes.all == ("third", "third", "")


def is_verified(owner: Owner, file: str) -> bool:
    """Whether the backup *file* was checked with success."""
    listed = asked(owner, "ai/backup/list")["backups"]
    return any(one["check"] == "verified" for one in listed if one["file"].endswith(file))


# -- stores, folders and foreign modules -----------------------------------------------------------


def write_store(here: Installation, folder: Path) -> None:
    """A store with the users one, which also has *folder*, and two."""

    def write(name: str, mount: str, **more: object) -> None:
        service = checked("true", volumes=[mount], stop_signal="SIGKILL")
        here.write(name, {name: service}, top={"volumes": {"data": {}}}, **more)

    write("depot", "data:/data", kind="basic")
    write("one", f"{folder}:/files", requires=["depot"])
    write("two", "data:/data", requires=["depot"])


def test_a_store_is_restored_with_its_users_a_folder_beside_and_a_foreign_module_once_allowed(
    here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    folder, new = tmp_path / "files", tmp_path / "new" / "files"
    folder.mkdir()
    write_store(here, folder)

    def write(text: str) -> None:
        said(engine, "ai-depot", "sh", "-c", f"echo {text} > /data/note")
        said(engine, "ai-two", "sh", "-c", f"echo {text} > /data/note")
        said(engine, "ai-one", "sh", "-c", f"echo {text} > /files/note; chmod 4711 /files/note")

    def notes() -> list[str]:
        return [said(engine, f"ai-{name}", "cat", "/data/note") for name in ("depot", "two")]

    with owned(here) as (owner, _):
        done(owner, "ai/operation/start", kind="up", modules=["one", "two"])
        write("first")
        planned = asked(owner, "ai/backup/offer")["modules"]
        folders = [path for one in planned for path in one["folders"]]
        assert folders == [str(folder)]
        done(owner, "ai/backup/create", folders=folders)
        write("second")
        (file,) = files_of(owner)
        of_one: Any = {"id": Path(file).stem, "modules": ["one"]}
        offer = asked(owner, "ai/backup/inspect", **of_one)
        assert [sorted(one["together"]) for one in offer["modules"] if one["name"] == "one"] == [
            ["depot", "two"]
        ]
        (decision,) = offer["decisions"]
        assert decision["value"].startswith(f"{folder} 2"), "beside what is there"
        over = {"decisions": {decision["id"]: str(folder)}}
        refused = owner.api.invoke("ai/backup/restore", of_one | over, PEER)
        assert "it has files already" in refused["message"]
        view = done(owner, "ai/backup/restore", **of_one, decisions={decision["id"]: str(new)})
        assert sorted(view.modules) == ["depot", "one", "two"]
        assert notes() == ["first", "first"]
        assert ((folder / "note").read_text(), (new / "note").read_text()) == (
            "second\n",
            "first\n",
        )
        assert (new / "note").stat().st_mode & 0o7777 == 0o711
        done(owner, "ai/operation/start", kind="down", volumes="all")
    shutil.rmtree(here.catalog / "two")
    with owned(here) as (owner, _):
        of_two: Any = {"id": Path(file).stem, "modules": ["two"], "decisions": {"one.folder1": ""}}
        refused = owner.api.invoke("ai/backup/restore", of_two, PEER)
        assert refused["code"] == "E_RESTORE"
        of_two["decisions"]["two.consent"] = "true"
        refused = owner.api.invoke("ai/backup/restore", of_two, PEER)
        assert refused["code"] == "E_TRUST"
        (trust,) = refused["data"]["remedies"]
        asked(owner, "ai/module/trust", name="two", hash=trust["hash"])
        done(owner, "ai/backup/restore", **of_two)
        assert notes() == ["first", "first"]
        assert (here.home / "modules/two/compose.yaml").exists()


# -- failures --------------------------------------------------------------------------------------


def test_a_failed_cancelled_or_broken_off_backup_leaves_nothing_and_all_runs_again(
    here: Installation, engine: docker.DockerClient, lab: Place
) -> None:
    with noted(here, engine) as (owner, modules, notes):
        done(owner, "ai/backup/create", modules=["notes"])
        (file,) = files_of(owner)
        asked_about = {"id": Path(file).stem, "modules": ["notes"]}
        notes.set("second")
        said(engine, "ai-notes", "sh", "-c", "dd if=/dev/urandom of=/data/large bs=1M count=60")
        with no_larger_files(16 << 20):
            assert "can't be backed up" in failed(owner, "ai/backup/restore", **asked_about)
        modules.wait_for(notes="running")
        assert notes.all[:2] == ("second", "second"), "what was there can't be saved"
        decisions = asked(owner, "ai/backup/inspect", **asked_about)["decisions"]
        assert [one["id"] for one in decisions] == ["without_backup"]
        is_clean(here, engine, file)
        said(engine, "ai-notes", "sh", "-c", "dd if=/dev/urandom of=/data/large bs=1M count=9")
        with small_folder("24m") as folder:
            here.set("app.backup_folder", str(folder))
            # In the manifest, which would fit into the rest of a block without it.
            (here.catalog / "notes/more.txt").write_text(os.urandom(20_000).hex())
            fails_on_a_full_disk(owner, engine, folder)
            modules.wait_for(notes="running")
            here.set("app.backup_folder", str(here.home / "backups"))
        is_clean(here, engine, file)
        id = asked(owner, "ai/backup/create")["operationId"]
        found(owner, lambda view: has_running(view, "clone", "pack"))
        asked(owner, "ai/operation/cancel", id=id)
        view = found(owner, partial(has_ended, id))
        assert view.status == "cancelled"
        modules.wait_for(notes="running", postgres="running")
        assert notes.all[:2] == ("second", "second")
        is_clean(here, engine, file)
        is_cleared_away_when_the_engine_is_back(owner, engine, lab)
        modules.wait_for(notes="running", postgres="running")
        assert notes.all[:2] == ("second", "second")
        is_clean(here, engine, file)
        is_as_it_was_when_the_engine_is_back(owner, modules, notes, lab)
        is_clean(here, engine, file)


@contextmanager
def no_larger_files(size: int) -> Iterator[None]:
    """This process can write no file beyond *size* bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fails_on_a_full_disk(owner: Owner, engine: docker.DockerClient, folder: Path) -> None:
    """See that a backup into *folder* stops nothing if it has no room for it, and that it leaves
    nothing if others take the room meanwhile."""
    running = facts(engine, "ai-notes", "ai-postgres", "ai-redis")
    filler = fill(folder, left=4 << 20)
    answer = owner.api.invoke("ai/backup/create", {}, PEER)
    assert "of disk space" in answer["message"], answer
    filler.unlink()
    assert facts(engine, *running) == running, "nothing was stopped"
    for where, method in ((BackupVolumes, "read"), (BackupWriter, "finish")):
        with before(where, method, partial(fill, folder)):
            assert "No space left on device" in failed(owner, "ai/backup/create")
        assert [path.name for path in folder.iterdir()] == ["filler"]
        filler.unlink()
        assert leftovers(engine) == []


def test_a_service_that_exits_again_and_again_does_so_after_its_backup(
    here: Installation, engine: docker.DockerClient
) -> None:
    service = script("sleep 0.2; exit 1", restart="always", volumes=["data:/data"])
    here.write("loop", {"loop": service}, top={"volumes": {"data": {}}})
    with owned(here) as (owner, _):
        ended(owner, "ai/operation/start", kind="up", modules=["loop"])  # it may have seemed to run
        await_restart(engine)
        done(owner, "ai/backup/create")
        await_restart(engine)
        assert len(files_of(owner)) == 1
        assert leftovers(engine) == []


def await_restart(engine: docker.DockerClient) -> None:
    """Wait until the engine has once more restarted the service that exits."""

    def restarts() -> int:
        return int(engine.containers.get("ai-loop").attrs["RestartCount"])

    before_now = restarts()
    eventually(lambda: restarts() > before_now, "a restart")


def is_cleared_away_when_the_engine_is_back(
    owner: Owner, engine: docker.DockerClient, lab: Place
) -> None:
    """See what becomes of a backup when the engine is killed, and is there again."""
    said(engine, "ai-notes", "sh", "-c", "dd if=/dev/zero of=/data/large bs=1M count=400")
    id = asked(owner, "ai/backup/create")["operationId"]
    found(owner, lambda view: has_running(view, "clone"))
    lab_engine.kill(lab)
    assert found(owner, partial(has_ended, id)).status == "failed"
    assert error_once_back(owner, lab, "backup") == "E_BACKUP"
    said(engine, "ai-notes", "rm", "/data/large")


def is_as_it_was_when_the_engine_is_back(
    owner: Owner, modules: Modules, notes: Notes, lab: Place
) -> None:
    """See what becomes of a restore when the engine is killed while nothing has changed, and while
    a part has, and is there again."""
    (file,) = files_of(owner)
    for where, method in ((BackupVolumes, "digest"), (Postgres, "swap")):
        with before(where, method, partial(lab_engine.kill, lab)):
            failed(owner, "ai/backup/restore", id=Path(file).stem, modules=["notes"])
        assert error_once_back(owner, lab, "restore") == "E_RESTORE"
        modules.wait_for(notes="running", postgres="running", redis="running")
        assert notes.all[:2] == ("second", "second"), method


def error_once_back(owner: Owner, lab: Place, kind: str) -> str:
    """The code of the error of the operation of *kind* that ends what the killed engine of *lab*
    has interrupted, once it is there again."""
    (view,) = once_back(owner, lab, kind)
    assert view.error
    return view.error.code


def has_running(view: OperationView, *kinds: str) -> bool:
    """Whether a step of one of *kinds* is under way."""
    return any(step.kind in kinds and step.status == "running" for step in view.steps)


# -- killed processes ------------------------------------------------------------------------------

_STATES = (
    # channel, method that is not reached, what the next start says, the notes then
    ("create", "volumes:BackupVolumes.clone", "E_BACKUP", "second"),
    ("restore", "restore:Restoration._swap", "E_RESTORE", "second"),
    ("restore", "volumes:BackupVolumes.replace", "E_RESTORE", "second"),
    ("restore", "archive:BackupWriter.finish", "E_RESTORE", "second"),
    ("restore", "stage:Stage.want", None, "first"),
)


def test_the_next_start_ends_what_a_killed_process_has_begun(
    here: Installation, engine: docker.DockerClient
) -> None:
    with noted(here, engine) as (owner, _, notes):
        sql(engine, "postgres", "create database own")
        sql(engine, "own", "create table mine (text text); insert into mine values ('first')")
        done(owner, "ai/backup/create")
        (file,) = files_of(owner)
        id = Path(file).stem
        notes.set("second")
        sql(engine, "own", "update mine set text = 'second'")
    for kind, method, code, text in _STATES:
        killed(here, kind, method, id)
        with owned(here) as (owner, modules):
            kinds = {"create": "backup", "restore": "restore"}
            view = found(owner, partial(is_over, kinds[kind]))
            assert (view.error and view.error.code) == code, (method, view.error)
            modules.wait_for(notes="running", postgres="running", redis="running")
            found(owner, lambda view: view.is_revival and view.is_over)
            assert notes.all[:2] == (text, text), method
            is_clean(here, engine, *files_of(owner))
    notes.set("second")
    killed(here, "restore", "planning:Redis.clear", id)
    a_journal_of_no_use_is_told_and_starts_and_removes_nothing(here, engine)
    what_can_not_be_put_back_is_told_and_replaced_by_the_next_restore(here, engine, notes, id)


def killed(here: Installation, kind: str, method: str, id: str) -> None:
    """Back up or restore the notes in a process that is killed before *method*."""
    source = {"id": id} if kind == "restore" else {}
    payload = json.dumps({**source, "modules": ["notes"]})
    words = [here.home, here.catalog, here.host, f"ai/backup/{kind}", payload]
    where = f"aiserver_tray.features.backup.{method}"
    command = [sys.executable, "-m", "tests.engine.killed_backup", *map(str, words), where]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL, method


def a_journal_of_no_use_is_told_and_starts_and_removes_nothing(
    here: Installation, engine: docker.DockerClient
) -> None:
    """See that while it and its copy are cut short."""
    path, kept = here.home / BACKUP_JOURNAL, leftovers(engine)
    copies, written = (path, path.with_name(f"{path.name}.good")), path.read_bytes()
    for copy in copies:
        copy.write_bytes(written[:-9])
    with owned(here) as (owner, _):
        revival = found(owner, lambda view: view.is_revival and view.is_over)
        wanted = ended(owner, "ai/operation/start", kind="up", modules=["notes"])
        steps = f"Move {path} and {path}.good to another place."
        for told in (
            str(revival.error),
            str(wanted.error),
            asked(owner, "ai/backup/list")["problem"],
            here.cli.run("backup", "list").succeeded().errors,
        ):
            assert steps in told
        assert not [view for view in owner.core.store.state.operations if view.kind == "restore"]
    assert "ai-notes" not in names(engine)
    assert (leftovers(engine), [copy.read_bytes() for copy in copies]) == (kept, [written[:-9]] * 2)
    for copy in copies:
        copy.write_bytes(written)


def what_can_not_be_put_back_is_told_and_replaced_by_the_next_restore(
    here: Installation, engine: docker.DockerClient, notes: Notes, id: str
) -> None:
    """See that after a restore was killed, while somebody else uses the volume."""
    image = engine.containers.get("ai-postgres").image
    user = engine.containers.create(image, volumes=["ai-notes-data:/data"], name="user")

    with owned(here) as (owner, _):
        view = found(owner, partial(is_over, "restore"))
        assert view.error
        assert "used by user" in view.error.render()
        assert "used by user" in asked(owner, "ai/backup/list")["problem"]
        view = ended(owner, "ai/operation/start", kind="up", modules=["notes"])
        assert view.error
        assert view.error.code == "E_RESTORE", "half of its data is there"
        assert "ai-notes" not in names(engine)
        user.remove()
        engine.containers.get("ai-redis").stop()
        done(owner, "ai/backup/restore", id=id, modules=["notes"])
        assert notes.all == ("first", "first", "")
        running = {name: engine.containers.get(f"ai-{name}").id for name in ("notes", "postgres")}
        done(owner, "ai/backup/restore", id=id, modules=["postgres"])
        assert sql(engine, "own", "select text from mine") == "first"
        assert running == {name: engine.containers.get(f"ai-{name}").id for name in running}
        is_clean(here, engine, *files_of(owner))
    with owned(here) as (owner, modules):
        modules.wait_for(notes="running", postgres="running", redis="running")
        found(owner, lambda view: view.is_revival and view.is_over)
        assert notes.all[:2] == ("first", "first"), "nothing older is put back"
