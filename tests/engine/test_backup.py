"""Backups and restores on the lab's engine, through the owner's channels."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import docker
import requests

from aiserver_tray.owner.owner import Owner
from aiserver_tray.settings.names import BACKUP_JOURNAL
from aiserver_tray.state.views import OperationView
from tests.engine.built_in import choose_free_ports, value_of
from tests.engine.n8n import (
    add_credential,
    has_all,
    logged_in,
    publish_workflow,
    set_up_owner,
)
from tests.engine.through_owner import (
    LIMIT,
    asked,
    await_checks,
    done,
    ended,
    found,
    has_ended,
    is_over,
    sql,
)
from tests.engine.waiting import until
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.installation import Installation, checked
from tests.support.observed import names, said
from tests.support.owning import Modules, owned
from tests.support.waiting import eventually

PASSPHRASE = "correct horse battery"


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
    assert [v.name for v in engine.volumes.list() if v.name.startswith("ai-backup")] == []
    assert [name for name in names(engine) if name.startswith("ai.")] == []
    there = sql(engine, "postgres", "select datname from pg_database")
    assert "__" not in there
    folder = here.home / "backups"
    assert sorted(path.name for path in folder.glob("*")) == sorted(files)
    journal = json.loads((here.home / BACKUP_JOURNAL).read_text(encoding="utf-8"))
    assert journal["operations"] == {}


def files_of(owner: Owner) -> list[str]:
    """The names of the files that are listed."""
    listed = asked(owner, "ai/backup/list")["backups"]
    return [Path(one["file"]).name for one in listed if one["file"]]


# -- n8n -------------------------------------------------------------------------------------------


def test_restored_n8n_knows_its_owner_workflows_and_credentials_here_and_elsewhere(
    here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
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
        (file,) = files_of(owner)
        path = here.home / "backups" / file
        recovery = asked(owner, "ai/backup/key/save", passphrase=PASSPHRASE)["text"]
        done(owner, "ai/operation/start", kind="down", volumes="all")
        assert engine.volumes.list() == []

        done(owner, "ai/backup/restore", id=path.stem, modules=["n8n"])

        n8n = engine.containers.get("ai-n8n")
        has_all(page, n8n)
        until(lambda: sum_of(page).ok, n8n)
        is_clean(here, engine, file)
        done(owner, "ai/operation/start", kind="down", volumes="all")
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


def test_a_restore_of_one_module_leaves_others_what_they_have_now(
    here: Installation, engine: docker.DockerClient
) -> None:
    with noted(here, engine, "others") as (owner, _, notes):
        ids = [asked(owner, "ai/backup/create", modules=[n]) for n in ("notes", "others")]
        for id in ids:
            assert found(owner, partial(has_ended, id["operationId"])).status == "succeeded"
        files = files_of(owner)
        assert len(files) == 2, "two backups beside each other"
        await_checks(owner)
        eventually(lambda: all(is_verified(owner, one) for one in files), "the checks", LIMIT)
        others = Notes(here, engine, "others")
        notes.set("second")
        others.set("second")
        listed = asked(owner, "ai/backup/list")["backups"]
        (id,) = [one["id"] for one in listed if one["modules"][0]["name"] == "notes"]

        done(owner, "ai/backup/restore", id=id, modules=["notes"])

        assert notes.all == ("first", "first", "")
        assert others.all == ("second",) * 3
        after = files_of(owner)
        is_clean(here, engine, *after)
        (before,) = {*after} - {*files}
        asked(owner, "ai/backup/check", ids=[Path(before).stem])
        eventually(lambda: is_verified(owner, before), "the check", LIMIT)
        done(owner, "ai/backup/restore", id=Path(before).stem, modules=["notes"])
        assert notes.all == ("second", "second", "")


def is_verified(owner: Owner, file: str) -> bool:
    """Whether the backup *file* was checked with success."""
    listed = asked(owner, "ai/backup/list")["backups"]
    return any(one["check"] == "verified" for one in listed if one["file"].endswith(file))


# -- failures --------------------------------------------------------------------------------------


def test_a_failed_cancelled_or_broken_off_backup_leaves_nothing_and_all_runs_again(
    here: Installation, engine: docker.DockerClient, lab: Place
) -> None:
    with noted(here, engine) as (owner, modules, notes):
        said(engine, "ai-notes", "sh", "-c", "dd if=/dev/urandom of=/data/large bs=1M count=60")
        with no_larger_files(16 << 20):
            view = ended(owner, "ai/backup/create")
        assert view.status == "failed"
        assert view.error
        assert view.error.code == "E_BACKUP", view.error
        is_clean(here, engine)
        modules.wait_for(notes="running")
        id = asked(owner, "ai/backup/create")["operationId"]
        found(owner, lambda view: has_running(view, "clone", "pack"))
        asked(owner, "ai/operation/cancel", id=id)
        view = found(owner, partial(has_ended, id))
        assert view.status == "cancelled"
        modules.wait_for(notes="running", postgres="running")
        assert notes.all == ("first",) * 3
        is_clean(here, engine)
        is_cleared_away_when_the_engine_is_back(owner, engine, lab)
        modules.wait_for(notes="running", postgres="running")
        assert notes.all[:2] == ("first", "first")
        is_clean(here, engine)


def is_cleared_away_when_the_engine_is_back(
    owner: Owner, engine: docker.DockerClient, lab: Place
) -> None:
    """See what becomes of a backup when the engine is killed, and is there again."""
    said(engine, "ai-notes", "sh", "-c", "dd if=/dev/zero of=/data/large bs=1M count=400")
    id = asked(owner, "ai/backup/create")["operationId"]
    found(owner, lambda view: has_running(view, "clone"))
    lab_engine.kill(lab)
    view = found(owner, partial(has_ended, id))
    assert view.status == "failed"
    known = {view.id for view in owner.core.store.state.operations}
    lifecycle.up(lab)
    view = found(owner, lambda view: is_over("backup", view) and view.id not in known)
    assert view.error
    assert view.error.code == "E_BACKUP"


def has_running(view: OperationView, *kinds: str) -> bool:
    """Whether a step of one of *kinds* is under way."""
    return any(step.kind in kinds and step.status == "running" for step in view.steps)


@contextmanager
def no_larger_files(size: int) -> Iterator[None]:
    """This process can write no file beyond *size* bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# -- killed processes ------------------------------------------------------------------------------

_STATES = (
    # channel, method that is not reached, what the next start says, the notes then
    ("create", "volumes:BackupVolumes.clone", "E_BACKUP", "second"),
    ("restore", "restore:Restoration._swap", "E_RESTORE", "second"),
    ("restore", "volumes:BackupVolumes.replace", "E_RESTORE", "second"),
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
    killed(here, "restore", "databases:Redis.clear", id)
    what_can_not_be_put_back_is_told_and_replaced_by_the_next_restore(here, engine, notes, id)


def killed(here: Installation, kind: str, method: str, id: str) -> None:
    """Back up or restore the notes in a process that is killed before *method*."""
    source = {"id": id} if kind == "restore" else {}
    payload = json.dumps({**source, "modules": ["notes"]})
    words = [here.home, here.catalog, here.host, f"ai/backup/{kind}", payload]
    where = f"aiserver_tray.features.backup.{method}"
    command = [sys.executable, "-m", "tests.engine.killed_backup", *map(str, words), where]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL, method


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
