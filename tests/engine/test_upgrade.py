"""Rehearsals and upgrades on the lab's engine, through the owner's channels."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from shutil import copytree

import docker
import pytest

from aiserver_tray.core.app import built_in_catalog
from aiserver_tray.features.upgrade import trial
from aiserver_tray.features.upgrade.asking import UpgradesFile
from aiserver_tray.features.upgrade.channels import UpgradeFeature
from aiserver_tray.features.upgrade.upgrades import Upgrades
from aiserver_tray.owner.owner import Owner
from aiserver_tray.settings.names import BACKUP_JOURNAL
from aiserver_tray.state.views import OperationView
from tests.engine.built_in import choose_free_ports, value_of
from tests.engine.n8n import add_credential, has_all, logged_in, publish_workflow, set_up_owner
from tests.engine.through_owner import LIMIT, asked, done, ended, found, has_ended, is_over, sql
from tests.support.installation import IMAGE, Installation, checked
from tests.support.observed import names, said
from tests.support.owning import Modules, owned
from tests.support.waiting import eventually

PORT = 18999
PROGRAM = f"""mkdir /tmp/page; echo well > /tmp/page/probe
case $VERSION in
2.0.0) [ ! -e /data/note ] || echo migrated > /data/note;;
3.0.0) echo broken; sleep 1; exit 3;;
4.0.0) rm -rf /data/*;;
5.0.0)
    own=$(hostname -i | cut -d' ' -f1 | sed 's/[0-9]*$/1/')
    for host in "$own" "$GATE" host.docker.internal example.com listener
    do timeout 3 nc "$host" {PORT} </dev/null && exit 9
    done;;
6.0.0) rm /tmp/page/probe;;
esac
[ $VERSION = 4.0.0 ] || echo $VERSION > /data/version
httpd -p 80 -h /tmp/page; touch /tmp/ready; exec sleep 86400"""
"""Of a module with its versions: 2 migrates the note, 3 never gets ready, 4 ruins its data, 5 wants
to reach somebody, 6 does not answer."""


def write_notes(here: Installation, client: docker.DockerClient) -> None:
    """A module that keeps notes in a volume and in a database of PostgreSQL, in six versions."""
    for number in range(1, 7):
        client.images.get(IMAGE).tag("notes", f"{number}.0.0")
    title = {"en": "Title", "zh": "标题"}
    service = checked("test -e /tmp/ready", volumes=["data:/data"], stop_signal="SIGKILL")
    service |= {
        "image": "notes:${NOTES_VERSION}",
        "command": ["sh", "-c", PROGRAM.replace("$", "$$")],
        "environment": {"VERSION": "${NOTES_VERSION}", "GATE": "${GATE}"},
        "extra_hosts": ["host.docker.internal:host-gateway"],
    }
    here.write(
        "notes",
        {"notes": service},
        top={"volumes": {"data": {}}},
        requires=["postgres"],
        databases=[
            {"module": "postgres", "database": "notes", "user": "notes", "secret": "PASSWORD"}
        ],
        settings={
            "PASSWORD": {"type": "secret", "generate": "hex32", "title": title},
            "NOTES_VERSION": {"type": "text", "default": "1.0.0", "title": title},
            "GATE": {"type": "text", "default": "", "title": title},
        },
        updates=[
            {
                "setting": "NOTES_VERSION",
                "images": ["notes"],
                "range": ">=1 <9",
                "probe": {"http": "/probe", "service": "notes", "port": 80},
            }
        ],
    )


class Notes:
    """The notes of the module."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client

    def create(self) -> None:
        """Make role, database and table, as the module would."""
        sql(self._client, "postgres", "create role notes login")
        sql(self._client, "postgres", "create database notes owner notes")
        sql(self._client, "notes", "set role notes; create table note (text text)")

    def set(self, text: str) -> None:
        """Replace all by *text*."""
        sql(self._client, "notes", f"delete from note; insert into note values ('{text}')")
        said(self._client, "ai-notes", "sh", "-c", f"echo {text} > /data/note")

    @property
    def all(self) -> tuple[str, str, str]:
        """The version that runs, and the notes in the volume and in PostgreSQL."""
        return (
            said(self._client, "ai-notes", "cat", "/data/version"),
            said(self._client, "ai-notes", "cat", "/data/note"),
            sql(self._client, "notes", "select text from note"),
        )


@contextmanager
def noted(
    here: Installation, client: docker.DockerClient
) -> Iterator[tuple[Owner, Modules, Notes]]:
    """An owner whose module has the note *first*."""
    write_notes(here, client)
    choose_free_ports(here, "postgres")
    with owned(here) as (owner, modules):
        done(owner, "ai/operation/start", kind="up", modules=["notes"])
        notes = Notes(client)
        notes.create()
        notes.set("first")
        yield owner, modules, notes


def is_clean(here: Installation, client: docker.DockerClient, *undoable: str) -> None:
    """See that nothing is left beside the modules but what undoes the upgrades of *undoable*."""
    assert [name for name in names(client) if name.startswith("ai.")] == []
    assert [n.name for n in client.networks.list() if n.name.startswith("ai-backup")] == []
    journal = json.loads((here.home / BACKUP_JOURNAL).read_text(encoding="utf-8"))["operations"]
    found = {(one["modules"][0], one["state"]) for one in journal.values()}
    assert found == {(name, "kept") for name in undoable}
    volumes = {v.name for v in client.volumes.list() if v.name.startswith("ai-backup")}
    assert volumes == {v["kept"] for one in journal.values() for v in one["volumes"]}
    there = sql(client, "postgres", "select datname from pg_database").splitlines()
    copies = {db["old"] for one in journal.values() for db in one["databases"]}
    assert {name for name in there if "__" in name} == copies


def refused(owner: Owner, channel: str, version: str, how: str = "rehearse") -> str:
    """Why a version of notes does not fit, with its last lines."""
    error = ended(owner, channel, module="notes", version=version, how=how).error
    assert error
    assert error.code == "E_UPGRADE_UNFIT", error
    return " ".join([error.render(), *error.data["lines"]])


def test_a_rehearsal_refuses_what_does_not_fit_and_touches_nothing_that_runs(
    here: Installation, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "PROBE_SECONDS", 2)
    gate = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    listening = ["nc", "-ll", "-p", str(PORT), "-e", "echo", "reached"]
    with noted(here, engine) as (owner, _, notes):
        here.set("notes.GATE", gate)
        engine.containers.run(IMAGE, listening, name="listener", network="host", detach=True)
        live = engine.containers.get("ai-notes")
        call = ["sh", "-c", f"nc {gate} {PORT} </dev/null"]
        eventually(lambda: live.exec_run(call).output == b"reached\n", "the listener")
        before = engine.containers.get("ai-notes").attrs["State"]["StartedAt"]
        assert "code 3. broken" in refused(owner, "ai/upgrade/rehearse", "3.0.0")
        assert "It empties the volume" in refused(owner, "ai/upgrade/rehearse", "4.0.0")
        assert "/probe does not" in refused(owner, "ai/upgrade/rehearse", "6.0.0")
        done(owner, "ai/upgrade/rehearse", module="notes", version="5.0.0")
        assert notes.all == ("1.0.0", "first", "first")
        assert engine.containers.get("ai-notes").attrs["State"]["StartedAt"] == before
        done(owner, "ai/upgrade/rehearse", module="notes", version="2.0.0", how="stopped")
        assert notes.all == ("1.0.0", "first", "first")
        is_clean(here, engine)
        (listed,) = (m for m in asked(owner, "ai/upgrade/list")["modules"] if m["name"] == "notes")
        last = listed["rehearsal"]
        assert (last["version"], last["problem"]) == ("2.0.0", None)
        assert last["proven"] == ["/probe answered", "The tables of notes are there"]


def test_an_upgrade_puts_itself_back_or_is_undone_with_what_others_have_now(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.set("postgres.POSTGRES_VERSION", "15")
    with noted(here, engine) as (owner, modules, notes):
        assert "code 3. broken" in refused(owner, "ai/upgrade/start", "3.0.0", "direct")
        modules.wait_for(notes="running", postgres="running")
        assert notes.all == ("1.0.0", "first", "first")
        is_clean(here, engine)
        file = UpgradesFile(owner.api.place.app.settings)
        with file.module("notes") as data:
            data.setting, data.versions = "NOTES_VERSION", ["2.0.0"]

        done(owner, "ai/upgrade/all")

        assert notes.all == ("2.0.0", "migrated", "first")
        assert sql(engine, "postgres", "show server_version").startswith("17.")
        is_clean(here, engine, "notes", "postgres")
        notes.set("second")
        sql(engine, "postgres", "create database others")
        done(owner, "ai/upgrade/undo", module="notes")
        assert notes.all == ("1.0.0", "first", "first")
        assert sql(engine, "others", "select 1") == "1"
        is_clean(here, engine, "postgres")
        done(owner, "ai/upgrade/undo", module="postgres")
        assert notes.all == ("1.0.0", "first", "first")
        assert sql(engine, "postgres", "show server_version").startswith("15.")
        is_clean(here, engine)
        reasons = [one["reason"] for one in asked(owner, "ai/backup/list")["backups"]]
        assert reasons == ["upgrade", "upgrade"]
        does_later_what_is_due(owner)
        is_clean(here, engine)


def does_later_what_is_due(owner: Owner) -> None:
    """See that an upgrade begins at its time, and that what it has replaced goes after two
    weeks."""
    place = owner.api.place
    upgrades = Upgrades(place, place.feature(UpgradeFeature).versions)
    asked(owner, "ai/upgrade/tonight", module="notes", version="2.0.0", at="03:00")
    (at,) = (one["at"] for one in asked(owner, "ai/upgrade/list")["modules"] if one["at"])
    due = datetime.fromisoformat(at)
    assert f"{due.astimezone():%H:%M}" == "03:00"
    known = {view.id for view in owner.core.store.state.operations}
    upgrades.tick(due.timestamp() + 5 * 3600)
    assert at in {one["at"] for one in asked(owner, "ai/upgrade/list")["modules"]}, "too late"
    for seconds in (-1, 0, 1):
        upgrades.tick(due.timestamp() + seconds)
    view = found(owner, lambda view: view.id not in known and view.is_over)
    assert (view.kind, view.status, view.error) == ("upgrade", "succeeded", None)
    upgrades.tick(time.time() + 15 * 24 * 3600)


# -- killed processes ------------------------------------------------------------------------------

FEATURES = "aiserver_tray.features"
STATES: tuple[tuple[str, str, str | None, str, tuple[str, ...]], ...] = (
    # channel, method that is not reached, what the next start says, the version and the note then,
    # what can be undone
    ("rehearse", "backup.volumes:BackupVolumes.is_empty", "E_UPGRADE", "1.0.0 first", ()),
    ("start", "upgrade.upgrade:Upgrade._swap", "E_UPGRADE", "1.0.0 first", ()),
    ("start", "backup.journal:BackupJournal.whole", "E_UPGRADE", "1.0.0 first", ()),
    ("start", "backup.journal:BackupJournal.keep", None, "2.0.0 migrated", ("notes",)),
    ("undo", "backup.volumes:BackupVolumes.replace", "E_UPGRADE", "1.0.0 first", ()),
)


def test_the_next_start_ends_the_upgrade_that_a_killed_process_has_begun(
    here: Installation, engine: docker.DockerClient
) -> None:
    with noted(here, engine) as (_, _, notes):
        pass
    for channel, method, code, left, undoable in STATES:
        killed(here, channel, method)
        with owned(here) as (owner, modules):
            view = found(
                owner, partial(is_over, "rehearse" if channel == "rehearse" else "upgrade")
            )
            assert (view.error and view.error.code) == code, (method, view.error)
            modules.wait_for(notes="running", postgres="running")
            found(owner, lambda view: view.is_revival and view.is_over)
            assert notes.all == (*left.split(), "first"), method
            is_clean(here, engine, *undoable)


def killed(here: Installation, channel: str, method: str) -> None:
    """Upgrade the notes in a process that is killed before *method*."""
    how = {"rehearse": "rehearse", "start": "direct"}
    more = {"version": "2.0.0", "how": how[channel]} if channel in how else {}
    payload = json.dumps({"module": "notes", **more})
    words = [here.home, here.catalog, here.host, f"ai/upgrade/{channel}", payload]
    command = [sys.executable, "-m", "tests.engine.killed_backup", *map(str, words)]
    process = subprocess.run([*command, f"{FEATURES}.{method}"], check=False)
    assert process.returncode == -signal.SIGKILL, method


# -- n8n -------------------------------------------------------------------------------------------


def test_upgraded_n8n_decrypts_its_credentials_and_goes_back(
    here: Installation, engine: docker.DockerClient
) -> None:
    keep_files_for_older_n8n(here)
    choose_free_ports(here, "n8n", "postgres")
    here.set("n8n.N8N_VERSION", "2.20.0")
    page = f"http://127.0.0.1:{value_of(here, 'n8n.N8N_HOST_PORT')}"
    with owned(here) as (owner, _):
        done(owner, "ai/operation/start", kind="up", modules=["n8n"])
        set_up_owner(page)
        user = logged_in(page)
        publish_workflow(user, page)
        add_credential(user, page)

        well(owner, "ai/upgrade/start", version="2.41.1")

        n8n = engine.containers.get("ai-n8n")
        assert n8n.image.tags == ["n8nio/n8n:2.41.1"]
        has_all(page, n8n)
        is_clean(here, engine, "n8n")
        well(owner, "ai/upgrade/undo")
        n8n = engine.containers.get("ai-n8n")
        assert n8n.image.tags == ["n8nio/n8n:2.20.0"]
        has_all(page, n8n)
        is_clean(here, engine)


def well(owner: Owner, channel: str, **payload: object) -> None:
    """Do what takes several starts of n8n."""
    id = asked(owner, channel, module="n8n", **payload)["operationId"]

    def over() -> OperationView | None:
        operations = owner.core.store.state.operations
        return next((view for view in operations if has_ended(id, view)), None)

    view = eventually(over, "the end of it", 4 * LIMIT)
    assert view.status == "succeeded", view.error


def keep_files_for_older_n8n(here: Installation) -> None:
    """The home of an older application, whose n8n takes also older versions."""
    folder = here.home / "applied" / "n8n"
    copytree(built_in_catalog() / "features" / "n8n", folder)
    file = folder / "compose.yaml"
    text = file.read_text(encoding="utf-8")
    assert "range: '>=2.41 <3'" in text
    file.write_text(text.replace("range: '>=2.41 <3'", "range: '>=2.20 <3'"), encoding="utf-8")
