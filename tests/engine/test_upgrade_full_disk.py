"""Upgrades on an engine whose disk fills up at each step."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import docker
import pytest

from aiserver_tray.engine.images import Images
from aiserver_tray.features.backup.postgres import Postgres
from aiserver_tray.features.backup.volumes import BackupVolumes
from aiserver_tray.features.upgrade import rehearsal
from aiserver_tray.owner.owner import Owner
from aiserver_tray.settings.store import Settings
from tests.engine.backups import before, fill
from tests.engine.faults.full_home import kept_full
from tests.engine.notes import FIRST, Notes, is_clean, noted
from tests.engine.second_lab import MEBIBYTE, disk_of
from tests.engine.through_owner import asked, failed, found, is_over, sql
from tests.lab import engine as lab_engine
from tests.lab.engine import registry_address
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation
from tests.support.observed import facts, said
from tests.support.owning import Modules, owned

LARGE = 40 * MEBIBYTE
"""A file of the notes."""
TO_TWO = {"module": "notes", "version": "2.0.0", "how": "direct"}
OURS = ("ai-notes", "ai-postgres", "ai-shelf")


def test_an_upgrade_on_a_full_disk_leaves_or_puts_back_what_was_there(
    second: Place, tmp_path: Path
) -> None:
    (tmp_path / "catalog").mkdir()
    with closing(lab_engine.client(second)) as client:
        here = Installation(tmp_path / "home", tmp_path / "catalog", second.host)
        have_image(client, IMAGE)
        disk = disk_of(second)
        with noted(here, client) as (owner, modules, notes):
            said(client, "ai-notes", "sh", "-c", f"head -c {LARGE} /dev/urandom > /data/large")
            with untouched(here, client, notes):
                nothing_is_stopped(owner, client, disk, registry_address(second))
            it_is_put_back(here, owner, modules, notes, disk)
        the_next_start_puts_it_back(here, client, notes, disk)


@contextmanager
def untouched(here: Installation, client: docker.DockerClient, notes: Notes) -> Iterator[None]:
    """See that the block leaves what runs alone, and nothing behind."""
    running, digests = facts(client, *OURS), notes.digests
    yield
    assert (facts(client, *OURS), notes.digests, notes.all) == (running, digests, FIRST)
    is_clean(here, client)


def nothing_is_stopped(
    owner: Owner, client: docker.DockerClient, disk: Path, registry: str
) -> None:
    """See that where the disk is full before anything was stopped: at a pull, where too little is
    free from the beginning, and at the copies that a rehearsal makes."""
    image = f"{registry}/library/notes"
    client.containers.create(IMAGE).commit(image, "7.0.0", changes="ENV NEWER=1")
    client.images.push(image, "7.0.0")
    client.images.remove(f"{image}:7.0.0", force=True)
    with filled_before(Images, "pull", disk, 0):
        to_seven = {**TO_TWO, "version": "7.0.0"}
        assert "notes:7.0.0" in failed(owner, "ai/upgrade/start", **to_seven)
    # This process does not see the engine's disk, so what it would see is a stand-in.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearsal, "free_disk", lambda _: MEBIBYTE)
        for how in ("direct", "rehearse"):
            assert "1 MB is free" in failed(owner, "ai/upgrade/start", **{**TO_TWO, "how": how})
    for owning, method, left, why in (
        (BackupVolumes, "clone_used", LARGE // 2, "o space left"),
        (Postgres, "load", 0, ""),  # the server says it in several ways
    ):
        with filled_before(owning, method, disk, left):
            assert why in failed(owner, "ai/upgrade/rehearse", module="notes", version="2.0.0")


def it_is_put_back(
    here: Installation, owner: Owner, modules: Modules, notes: Notes, disk: Path
) -> None:
    """See that where the disk fills up once the module is stopped."""
    # From here on, the server's log has room for the copy of the database.
    sql(notes.client, "postgres", "select pg_switch_wal()")
    sql(notes.client, "postgres", "checkpoint")
    for owning, method, left, why in (
        (Postgres, "load", 4 * MEBIBYTE, ""),
        (BackupVolumes, "clone", LARGE // 2, "o space left"),
    ):
        with filled_before(owning, method, disk, left):
            assert why in failed(owner, "ai/upgrade/start", **TO_TWO)
            modules.wait_for(notes="running", postgres="running", shelf="running")
        assert notes.all == FIRST
        is_clean(here, notes.client)


def the_next_start_puts_it_back(
    here: Installation, client: docker.DockerClient, notes: Notes, disk: Path
) -> None:
    """See that where *disk* stays full once the new version takes the place of the old one."""
    with owned(here) as (owner, modules):
        modules.wait_for(notes="running", postgres="running", shelf="running")
        with ExitStack() as over:
            with before(Settings, "adopt", lambda: over.enter_context(kept_full(disk))):
                assert "o space left" in failed(owner, "ai/upgrade/start", **TO_TWO)
            said_ = asked(owner, "ai/upgrade/list")["unended"]
            assert "estart AI-Server Tray" in said_
    with owned(here) as (owner, modules):
        view = found(owner, partial(is_over, "upgrade"))
        assert "Everything is as it was before" in str(view.error)
        modules.wait_for(notes="running", postgres="running", shelf="running")
        assert notes.all == FIRST
        is_clean(here, client)


@contextmanager
def filled_before(owning: type, method: str, disk: Path, left: int) -> Iterator[None]:
    """Within the block, only *left* bytes are free from the first call of *method* on."""
    fillers: list[Path] = []
    act: Callable[[], object] = lambda: fillers.append(fill(disk, left))  # noqa: E731
    try:
        with before(owning, method, act):
            yield
    finally:
        for filler in fillers:
            filler.unlink()
