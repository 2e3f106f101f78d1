"""Rehearsals and upgrades on the lab's engine, through the owner's channels."""

import time
from datetime import datetime
from functools import partial
from shutil import copytree

import docker
import pytest

from aiserver_tray.core.app import built_in_catalog
from aiserver_tray.features.upgrade import trial, upgrade
from aiserver_tray.features.upgrade.asking import UpgradesFile
from aiserver_tray.features.upgrade.channels import UpgradeFeature
from aiserver_tray.features.upgrade.upgrade import Upgrade
from aiserver_tray.features.upgrade.upgrades import Upgrades
from aiserver_tray.owner.owner import Owner
from aiserver_tray.settings.store import Settings
from aiserver_tray.settings.unended import BackupJournal
from tests.engine.backups import before
from tests.engine.built_in import choose_free_ports, value_of
from tests.engine.listeners import listening
from tests.engine.n8n import add_credential, has_all, logged_in, publish_workflow, set_up_owner
from tests.engine.notes import CALLS, FIRST, Notes, is_clean, killed, noted, refused
from tests.engine.through_owner import asked, done, ended, found, is_over, once_back, sql
from tests.lab import engine as lab_engine
from tests.lab.place import Place
from tests.support.installation import Installation, checked
from tests.support.observed import facts, said
from tests.support.owning import PEER, Modules, owned


def test_a_rehearsal_refuses_what_does_not_fit_and_reaches_nobody(
    here: Installation, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "PROBE_SECONDS", 2)
    gate = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    with noted(here, engine, NAME_SERVER=gate) as (owner, _, notes):
        a_rehearsal_refuses_what_does_not_fit_and_touches_nothing_that_runs(owner, notes, engine)
        a_rehearsal_reaches_nobody(here, owner, engine, gate)
        done(owner, "ai/upgrade/rehearse", module="notes", version="2.0.0", how="stopped")
        assert notes.all == FIRST
        is_clean(here, engine)
        (listed,) = (m for m in asked(owner, "ai/upgrade/list")["modules"] if m["name"] == "notes")
        last = listed["rehearsal"]
        assert (last["version"], last["problem"]) == ("2.0.0", None)
        assert last["proven"] == ["/probe answered", "The tables of notes are there"]


def test_an_upgrade_puts_itself_back_and_is_undone_with_what_others_have_now(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.set("postgres.POSTGRES_VERSION", "15")
    with noted(here, engine) as (owner, modules, notes):
        assert "code 3. broken" in refused(owner, "ai/upgrade/start", "3.0.0", "direct")
        assert "It empties the volume" in refused(owner, "ai/upgrade/start", "4.0.0", "direct")
        modules.wait_for(notes="running", postgres="running", shelf="running")
        assert notes.all == FIRST
        is_clean(here, engine)
        file = UpgradesFile(owner.api.place.app.settings)
        with file.module("notes") as data:
            data.setting, data.versions = "NOTES_VERSION", ["2.0.0"]

        done(owner, "ai/upgrade/all")

        assert notes.all == ("2.0.0", "migrated", "first", "first")
        assert sql(engine, "postgres", "show server_version").startswith("17.")
        is_clean(here, engine, "notes", "postgres")
        notes.set("second")
        sql(engine, "postgres", "create database others")
        is_not_undone_while_others_have_data_in_a_store(here, owner)
        done(owner, "ai/upgrade/undo", module="notes")
        assert notes.all == FIRST
        assert sql(engine, "others", "select 1") == "1"
        is_clean(here, engine, "postgres")
        done(owner, "ai/upgrade/undo", module="postgres")
        assert notes.all == FIRST
        assert sql(engine, "postgres", "show server_version").startswith("15.")
        is_clean(here, engine)
        reasons = [one["reason"] for one in asked(owner, "ai/backup/list")["backups"]]
        assert reasons == ["upgrade", "upgrade"]


def a_rehearsal_refuses_what_does_not_fit_and_touches_nothing_that_runs(
    owner: Owner, notes: Notes, engine: docker.DockerClient
) -> None:
    """See that, and that a rehearsal begins when it is time for an upgrade."""
    ours = ("ai-notes", "ai-postgres", "ai-shelf")
    running, digests = facts(engine, *ours), notes.digests
    begins_when_it_is_due(owner, "3.0.0")
    (listed,) = (m for m in asked(owner, "ai/upgrade/list")["modules"] if m["name"] == "notes")
    assert "broken" in listed["rehearsal"]["lines"]
    assert "It empties the volume" in refused(owner, "ai/upgrade/rehearse", "4.0.0")
    assert "/probe does not" in refused(owner, "ai/upgrade/rehearse", "6.0.0")
    assert (facts(engine, *ours), notes.digests) == (running, digests)
    assert notes.all == FIRST


def begins_when_it_is_due(owner: Owner, version: str) -> None:
    """See that an upgrade begins at its time, with its rehearsal, which refuses *version*."""
    upgrades = upgrades_of(owner)
    asked(owner, "ai/upgrade/tonight", module="notes", version=version, at="03:00")
    (at,) = (one["at"] for one in asked(owner, "ai/upgrade/list")["modules"] if one["at"])
    due = datetime.fromisoformat(at)
    assert f"{due.astimezone():%H:%M}" == "03:00"
    known = {view.id for view in owner.core.store.state.operations}
    upgrades.tick(due.timestamp() + 5 * 3600)
    assert at in {one["at"] for one in asked(owner, "ai/upgrade/list")["modules"]}, "too late"
    for seconds in (-1, 0, 1):
        upgrades.tick(due.timestamp() + seconds)
    view = found(owner, lambda view: view.id not in known and view.is_over)
    assert (view.kind, view.error and view.error.code) == ("upgrade", "E_UPGRADE_UNFIT")


def upgrades_of(owner: Owner) -> Upgrades:
    place = owner.api.place
    return Upgrades(place, place.feature(UpgradeFeature).versions)


def a_rehearsal_reaches_nobody(
    here: Installation, owner: Owner, engine: docker.DockerClient, gate: str
) -> None:
    """See that no call of a rehearsal arrives, and that the same calls of what runs do."""
    networks = engine.containers.get("ai-notes").attrs["NetworkSettings"]["Networks"].values()
    with listening(gate) as (reached, port):
        hosts = " ".join([gate, *(one["IPAddress"] for one in networks)])
        calls = f"HOSTS='{hosts}' PORT={port}; {CALLS} calls"
        assert said(engine, "ai-notes", "sh", "-c", f"{calls} || true").count("well") > 1
        assert reached == {"web", "mail", "names", "resolver", "any"}
        reached.clear()
        here.set("notes.HOSTS", hosts)
        here.set("notes.PORT", str(port))
        done(owner, "ai/upgrade/rehearse", module="notes", version="5.0.0")
        assert reached == set()


def is_not_undone_while_others_have_data_in_a_store(here: Installation, owner: Owner) -> None:
    """See that, and that it is told before an upgrade, too; no longer once their data is gone."""
    service = checked("true", volumes=["data:/data"], stop_signal="SIGKILL")
    here.write("others", {"others": service}, top={"volumes": {"data": {}}}, requires=["shelf"])
    done(owner, "ai/operation/start", kind="up", modules=["others"])
    (notes,) = (m for m in asked(owner, "ai/upgrade/list")["modules"] if m["name"] == "notes")
    assert notes["shared"] == ["shelf"]
    answer = owner.api.invoke("ai/upgrade/undo", {"module": "notes"}, PEER)
    assert not answer["success"]
    assert "Other modules have data in shelf now" in answer["message"]
    done(owner, "ai/operation/start", kind="down", modules=["others"], volumes="all")
    (notes,) = (m for m in asked(owner, "ai/upgrade/list")["modules"] if m["name"] == "notes")
    assert notes["shared"] == []


# -- killed processes and engines ------------------------------------------------------------------

STATES: tuple[tuple[str, str, str | None, str, tuple[str, ...]], ...] = (
    # channel, method that is not reached, what the next start says, the version and the note then,
    # what can be undone
    ("rehearse", "backup.volumes:BackupVolumes.is_empty", "E_UPGRADE", "1.0.0 first", ()),
    ("start", "upgrade.upgrade:Upgrade._swap", "E_UPGRADE", "1.0.0 first", ()),
    ("start", "backup.journal:BackupJournal.whole", "E_UPGRADE", "1.0.0 first", ()),
    ("start", "backup.journal:BackupJournal.keep", None, "2.0.0 migrated", ("notes",)),
    ("undo", "backup.volumes:BackupVolumes.replace", "E_UPGRADE", "1.0.0 first", ()),
)
ENGINE_STATES: tuple[tuple[str, object, str, str | None, str, tuple[str, ...]], ...] = (
    # channel, function before which the engine is killed, what is said once it is back, the version
    # and the note then, what can be undone
    ("start", Upgrade, "_swap", "E_UPGRADE", "1.0.0 first", ()),
    ("start", upgrade, "probe", "E_UPGRADE", "1.0.0 first", ()),
    ("start", BackupJournal, "whole", None, "2.0.0 migrated", ("notes",)),
    # The volumes are replaced, the version is not yet.
    ("undo", Settings, "put_back", "E_UPGRADE", "1.0.0 first", ()),
)


def test_an_upgrade_is_ended_when_a_killed_process_or_engine_is_back(
    here: Installation, engine: docker.DockerClient, lab: Place
) -> None:
    with noted(here, engine) as (owner, modules, notes):
        for channel, owning, method, code, left, undoable in ENGINE_STATES:
            with before(owning, method, partial(lab_engine.kill, lab)):
                error = ended(owner, f"ai/upgrade/{channel}", **asking(channel)).error
            assert error
            assert error.code == "E_ENGINE_DOWN", (method, error)
            interrupted, _ = once_back(owner, lab, "upgrade", "revival")
            said_ = interrupted.error and interrupted.error.code
            assert said_ == code, (method, interrupted)
            is_as_it_should_be(here, engine, modules, notes, left, undoable)
    for channel, method, code, left, undoable in STATES:
        killed(here, channel, method, **asking(channel))
        with owned(here) as (owner, modules):
            kind = "rehearse" if channel == "rehearse" else "upgrade"
            view = found(owner, partial(is_over, kind))
            assert (view.error and view.error.code) == code, (method, view.error)
            found(owner, lambda view: view.is_revival and view.is_over)
            is_as_it_should_be(here, engine, modules, notes, left, undoable)
            if undoable:
                upgrades_of(owner).tick(time.time() + 13 * 24 * 3600)
                is_clean(here, engine, *undoable)
    done_and_forgotten_after_two_weeks(here, engine)


def asking(channel: str) -> dict[str, str]:
    how = {"rehearse": "rehearse", "start": "direct"}
    more = {"version": "2.0.0", "how": how[channel]} if channel in how else {}
    return {"module": "notes", **more}


def is_as_it_should_be(  # noqa: PLR0917 - what there is, and what should be
    here: Installation,
    engine: docker.DockerClient,
    modules: Modules,
    notes: Notes,
    left: str,
    undoable: tuple[str, ...],
) -> None:
    """See that all runs, in the version and with the note that are *left*."""
    modules.wait_for(notes="running", postgres="running", shelf="running")
    assert notes.all == (*left.split(), "first", "first")
    is_clean(here, engine, *undoable)


def done_and_forgotten_after_two_weeks(here: Installation, engine: docker.DockerClient) -> None:
    """See that what an upgrade has replaced goes by itself."""
    with owned(here) as (owner, _):
        done(owner, "ai/upgrade/start", module="notes", version="2.0.0", how="direct")
        is_clean(here, engine, "notes")
        upgrades_of(owner).tick(time.time() + 15 * 24 * 3600)
        is_clean(here, engine)


# -- n8n -------------------------------------------------------------------------------------------


@pytest.mark.timeout(1200)  # n8n starts four times, each of which takes 70 s on a busy machine
def test_upgraded_n8n_decrypts_its_credentials_although_it_is_killed_and_goes_back(
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

    # Once it is whole, with the rehearsal before it.
    killed(here, "start", "backup.journal:BackupJournal.keep", module="n8n", version="2.41.1")

    with owned(here) as (owner, _):
        view = found(owner, partial(is_over, "upgrade"))
        assert view.error is None
        # It runs on: people are at work in the new version.
        revival = found(owner, lambda one: one.is_revival and one.is_over)
        assert not revival.steps
        n8n = engine.containers.get("ai-n8n")
        assert "n8nio/n8n:2.41.1" in n8n.image.tags
        has_all(page, n8n)
        is_clean(here, engine, "n8n")
        done(owner, "ai/upgrade/undo", module="n8n")
        n8n = engine.containers.get("ai-n8n")
        assert "n8nio/n8n:2.20.0" in n8n.image.tags
        has_all(page, n8n)
        is_clean(here, engine)


def keep_files_for_older_n8n(here: Installation) -> None:
    """The home of an older application, whose n8n takes also older versions."""
    folder = here.home / "applied" / "n8n"
    copytree(built_in_catalog() / "features" / "n8n", folder)
    file = folder / "compose.yaml"
    text = file.read_text(encoding="utf-8")
    assert "range: '>=2.41 <3'" in text
    file.write_text(text.replace("range: '>=2.41 <3'", "range: '>=2.20 <3'"), encoding="utf-8")
