"""A backup restored from its file and the recovery key alone on a second engine, whose disk is
small; and everything moved to one that reaches no registry."""

import json
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest

from aiserver_tray.base.errors import BackupDamagedError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.images import Images
from aiserver_tray.features.access.authority import Pair, make_authority
from aiserver_tray.features.access.store import authority_of, replace_authority
from aiserver_tray.features.backup import offer as offers
from aiserver_tray.features.backup.archive import BackupWriter
from aiserver_tray.features.backup.move import load
from aiserver_tray.features.backup.volumes import BackupVolumes
from aiserver_tray.owner.owner import Owner
from tests.engine.backups import PASSPHRASE, before, files_of, fill, leftovers, small_folder
from tests.engine.built_in import choose_free_ports, value_of
from tests.engine.second_lab import MEBIBYTE, disk_of
from tests.engine.through_owner import asked, done, failed, found, has_ended, is_over, sql
from tests.lab import engine as lab_engine
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, checked
from tests.support.observed import facts, names, said
from tests.support.owning import PEER, owned
from tests.support.waiting import eventually

LARGE = 40 * MEBIBYTE


@dataclass
class Records:
    """The records of a module in MariaDB, in Redis and in a volume, and the files of another
    one."""

    here: Installation
    engine: docker.DockerClient

    def write(self) -> None:
        """Both modules."""
        title = {"en": "Password", "zh": "密码"}
        volumes: dict[str, Any] = {"volumes": {"data": {}}}
        data = {"volumes": ["data:/data"], "stop_signal": "SIGKILL"}
        self.here.write("files", {"files": checked("true", **data)}, top=volumes)
        self.here.write(
            "records",
            {"records": checked("true", **data)},
            top=volumes,
            requires=["mysql", "redis"],
            databases=[
                {"module": "mysql", "database": "records", "user": "records", "secret": "PASSWORD"}
            ],
            settings={"PASSWORD": {"type": "secret", "generate": "hex32", "title": title}},
            backup={"redis": [10]},
        )

    def set(self, text: str) -> None:
        """Replace all by *text*."""
        self._sql("create database if not exists records")
        self._sql("create or replace table records.record (text text) engine=innodb")
        self._sql(f"insert into records.record values ('{text}')")
        self._redis("set", "record", text)
        self.write_file(text, "records")
        self.write_file(text, "files")

    def write_file(self, text: str, module: str) -> None:
        """*text* as all that the volume of *module* has, except for a large file."""
        said(self.engine, f"ai-{module}", "sh", "-c", f"echo {text} > /data/text")

    def file(self, module: str) -> str:
        """What `write_file` has written."""
        return said(self.engine, f"ai-{module}", "cat", "/data/text")

    @property
    def all(self) -> list[str]:
        """In MariaDB, in Redis and in both volumes."""
        stored = self._sql("select text from records.record"), self._redis("get", "record")
        return [*stored, self.file("records"), self.file("files")]

    def _sql(self, text: str) -> str:
        password = value_of(self.here, "mysql.MYSQL_ROOT_PASSWORD")
        command = ("env", f"MYSQL_PWD={password}", "mariadb", "-uroot", "-N", "-e", text)
        return said(self.engine, "ai-mysql", *command)

    def _redis(self, *words: str) -> str:
        password = value_of(self.here, "redis.REDIS_PASSWORD")
        return said(
            self.engine,
            "ai-redis",
            "env",
            f"REDISCLI_AUTH={password}",
            "redis-cli",
            "-n",
            "10",
            *words,
        )


def test_the_file_and_the_recovery_key_bring_lost_data_back_on_a_second_engine(
    here: Installation, engine: docker.DockerClient, second: Place, tmp_path: Path
) -> None:
    records = Records(here, engine)
    records.write()
    choose_free_ports(here, "mysql", "redis")
    with owned(here) as (owner, _):
        key = eventually(partial(made_key, owner), "the key that the first start makes")
        assert not key["remind"]
        done(owner, "ai/operation/start", kind="up", modules=["records", "files"])
        records.set("first")
        said(engine, "ai-files", "sh", "-c", f"head -c {LARGE} /dev/urandom > /data/large")
        done(owner, "ai/backup/create")
        listed = asked(owner, "ai/backup/list")
        assert [one["check"] for one in listed["backups"]] == ["verified"]
        assert listed["key"] == key | {"remind": True}
        recovery = asked(owner, "ai/backup/key/save", passphrase=PASSPHRASE)["text"]
        (file,) = files_of(owner)
        servers_are_upgraded_with_a_user_and_back(owner, records)
    stick = (here.home / "backups" / file).rename(tmp_path / file)
    shutil.rmtree(here.home)
    other = Installation(tmp_path / "other", here.catalog, second.host)
    other.trust()
    choose_free_ports(other, "mysql", "redis")
    source = {"file": str(stick), "recovery": recovery, "passphrase": PASSPHRASE}
    with closing(lab_engine.client(second)) as client:
        have_image(client, IMAGE)
        records = Records(other, client)
        with owned(other) as (owner, _):
            offer = asked(owner, "ai/backup/inspect", **source, modules=["records", "files"])
            assert (offer["decisions"], offer["fromHere"]) == ([], False)
            done(owner, "ai/backup/restore", **source, modules=["records", "files"])
            assert records.all == ["first", "", "first", "first"]
            done(owner, "ai/operation/start", kind="down", modules=["records", "mysql", "redis"])
        what_does_not_fit_on_the_engine_s_disk_changes_nothing(records, source, second)


def servers_are_upgraded_with_a_user_and_back(owner: Owner, records: Records) -> None:
    """See that MySQL and Redis keep the data of others, that these run again, and that undoing the
    upgrade of one takes back what is in that one alone."""
    versions = {"redis": ("7.4.11-alpine", "7.4.12-alpine"), "mysql": ("8.0.40", "8.0.41")}
    client = records.engine
    for name, (now, newer) in versions.items():
        client.images.get(f"{name}:{now}").tag(name, newer)
        done(owner, "ai/upgrade/start", module=name, version=newer)
        assert client.containers.get(f"ai-{name}").attrs["Config"]["Image"] == f"{name}:{newer}"
        assert records.all == ["first"] * 4
    records.set("second")
    for name, (now, _) in versions.items():
        done(owner, "ai/upgrade/undo", module=name)
        assert client.containers.get(f"ai-{name}").attrs["Config"]["Image"] == f"{name}:{now}"
        in_redis, in_mysql = "first", "second" if name == "redis" else "first"
        assert records.all == [in_mysql, in_redis, "second", "second"]
    assert [name for name in leftovers(client) if name.startswith("ai.")] == []


def made_key(owner: Owner) -> dict[str, Any] | None:
    """The recovery key, if there is one."""
    key = asked(owner, "ai/backup/list")["key"]
    return key if key["public"] else None


def what_does_not_fit_on_the_engine_s_disk_changes_nothing(
    records: Records, source: dict[str, str], place: Place
) -> None:
    """See that for each copy of the files that a backup and a restore make on the engine."""
    disk, client = disk_of(place), records.engine
    restore = {**source, "modules": ["files"]}
    records.write_file("second", "files")
    with owned(records.here) as (owner, modules):
        modules.wait_for(files="running")
        filler = fill(disk, left=LARGE // 2)
        assert "o space left on device" in failed(owner, "ai/backup/create", modules=["files"])
        modules.wait_for(files="running")
        assert "o space left on device" in failed(owner, "ai/backup/restore", **restore)
        said(client, "ai-files", "rm", "/data/large")
        filler.unlink()
        fill(disk, left=LARGE // 2)
        container = facts(client, "ai-files")["ai-files"].id
        assert "o space left on device" in failed(owner, "ai/backup/restore", **restore)
        assert facts(client, "ai-files")["ai-files"].id == container, "it was not replaced"
        filler.unlink()
        said(client, "ai-files", "sh", "-c", f"head -c {LARGE} /dev/urandom > /data/large")
        fill(disk, left=LARGE * 3 // 2)
        assert "o space left on device" in failed(owner, "ai/backup/restore", **restore)
        assert facts(client, "ai-files")["ai-files"].id != container, "it was replaced"
        filler.unlink()
        # The engine loses the output of what ends at once now and then.
        eventually(lambda: records.file("files") == "second", "what was there")
        assert leftovers(client) == []
        with before(BackupVolumes, "replace", partial(fill, disk)):
            assert "o space left on device" in failed(owner, "ai/backup/restore", **restore)
        assert "can't be undone" in asked(owner, "ai/backup/list")["problem"]
        assert (names(client), len(leftovers(client))) == (set(), 2), "both contents are kept"
        filler.unlink()
    with owned(records.here) as (owner, modules):
        view = found(owner, partial(is_over, "restore"))
        assert "Everything is as it was before" in str(view.error)
        modules.wait_for(files="running")
        # The engine loses the output of what ends at once now and then.
        eventually(lambda: records.file("files") == "second", "what was there")
        assert leftovers(client) == []


# -- moving to another computer --------------------------------------------------------------------


def write_ledger(here: Installation) -> None:
    """A module with a database in PostgreSQL."""
    title = {"en": "Password", "zh": "密码"}
    database = {"module": "postgres", "database": "ledger", "user": "ledger", "secret": "PASSWORD"}
    here.write(
        "ledger",
        {"ledger": checked("true", stop_signal="SIGKILL")},
        requires=["postgres"],
        databases=[database],
        settings={"PASSWORD": {"type": "secret", "generate": "hex32", "title": title}},
    )


def test_everything_moves_to_an_engine_that_reaches_no_registry(
    here: Installation, engine: docker.DockerClient, cut_off: Place, tmp_path: Path
) -> None:
    records = Records(here, engine)
    records.write()
    write_ledger(here)
    choose_free_ports(here, "mysql", "redis", "postgres")
    here.set("app.theme", "dark")
    here.set("app.alert_webhook", "https://ntfy.example/topic")
    authority = trusted_by_devices(here)
    file = tmp_path / "everything.zip"
    with owned(here) as (owner, modules):
        eventually(partial(made_key, owner), "the key that the first start makes")
        done(owner, "ai/operation/start", kind="up", modules=["records", "files", "ledger"])
        records.set("first")
        sql(engine, "postgres", "create role ledger")
        sql(engine, "postgres", "create database ledger owner ledger")
        sql(engine, "ledger", "create table entry as select 'first' as text")
        recovery = what_prevents_a_move_changes_nothing(owner, file)
        modules.wait_for(records="running", files="running", ledger="running")
        assert records.all == ["first", "first", "first", "first"]
        asked(owner, "ai/config/choose", modules=["records", "files"])
        asked(owner, "ai/rules/set", id="ended", on=False)
        done(owner, "ai/backup/move", file=str(file), images=True, stop=True)
        stood = facts(engine, *names(engine)).values()
        assert {one.status for one in stood} == {"exited"}
        moved = asked(owner, "ai/backup/list")["moved"]
        assert (moved["file"], moved["hasImages"], moved["stopped"]) == (str(file), True, True)
        assert leftovers(engine) == []
    other = Installation(tmp_path / "other", here.catalog, cut_off.host)
    other.trust()
    whole = {"file": str(file), "recovery": recovery, "passphrase": PASSPHRASE}
    killed_once_images_are_loaded(other, whole | {"modules": ["files"]})
    with closing(lab_engine.client(cut_off)) as client, owned(other) as (owner, modules):
        assert "was interrupted" in str(found(owner, partial(is_over, "restore")).error)
        source = what_can_not_be_opened_changes_nothing(owner, client, file, recovery)
        known = [one["name"] for one in asked(owner, "ai/backup/inspect", **source)["modules"]]
        assert {*known} == {"records", "files", "ledger", "mysql", "redis", "postgres"}
        offer = asked(owner, "ai/backup/inspect", **source, modules=known)
        assert [one["id"] for one in offer["decisions"] if one["kind"] == "images"] == ["images"]
        done(owner, "ai/backup/restore", **source, modules=known)
        modules.wait_for(records="running", files="running", ledger="running")
        assert Records(other, client).all == ["first", "", "first", "first"]
        assert sql(client, "ledger", "select text from entry") == "first"
        assert asked(owner, "ai/config/choose", modules=None)["chosen"] == ["records", "files"]
        rules = asked(owner, "ai/rules/list")["rules"]
        assert [one["id"] for one in rules if one["changed"]] == ["ended"]
        assert {value_of(other, f"app.{name}") for name in ("theme", "alert_webhook")} == {
            "dark",
            "https://ntfy.example/topic",
        }
        ports = [f"{name}.{name.upper()}_HOST_PORT" for name in ("mysql", "redis", "postgres")]
        assert [value_of(other, one) for one in ports] == [value_of(here, one) for one in ports]
        is_taken_over(authority, offer, other)
        assert leftovers(client) == []
        what_a_tar_of_images_may_not_name_is_taken_back(owner, client)


def trusted_by_devices(here: Installation) -> Pair:
    """The authority that a module would have got that was opened to a network."""
    authority = make_authority("AI-Server Tray on kitchen")
    replace_authority(here.app.settings, authority.certificate, authority.key)
    return authority


def is_taken_over(authority: Pair, offer: Any, other: Installation) -> None:  # noqa: ANN401 - JSON
    """See that this is offered, and that devices need nothing for the other computer."""
    asked = next(one for one in offer["decisions"] if one["kind"] == "certificate")
    assert asked["title"] == "Certificate of AI-Server Tray on kitchen"
    assert asked["value"] == "take"
    assert authority_of(other.app.settings) == (authority.certificate, authority.key)


def killed_once_images_are_loaded(other: Installation, payload: dict[str, Any]) -> None:
    """End the process of a restore in the moment after it has loaded the images."""
    words = [other.home, other.catalog, other.host, "ai/backup/restore", json.dumps(payload)]
    where = "aiserver_tray.features.backup.stage:Stage.have_helper"
    command = [sys.executable, "-m", "tests.engine.killed_backup", *map(str, words), where, "-"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def what_a_tar_of_images_may_not_name_is_taken_back(
    owner: Owner, client: docker.DockerClient
) -> None:
    images, before = owner.core.engine.images, {*client.images.get(IMAGE).tags}
    client.images.get(IMAGE).tag("stranger", "1")
    pieces = [*images.save(["stranger:1"], Cancellation())]
    client.images.remove("stranger:1")
    with pytest.raises(BackupDamagedError, match="other images"):
        load(images, [IMAGE], pieces, Cancellation())
    assert {*client.images.get(IMAGE).tags} == before


def what_prevents_a_move_changes_nothing(owner: Owner, file: Path) -> str:
    """See that of a missing key, a full disk and a cancelled move. The recovery file."""
    refused = owner.api.invoke("ai/backup/move", {"file": str(file)}, PEER)
    assert refused["code"] == "E_BACKUP_KEY"
    recovery = asked(owner, "ai/backup/key/save", passphrase=PASSPHRASE)["text"]
    with small_folder("24m") as folder:
        small = {"file": str(folder / "small.zip"), "images": True}
        offer = asked(owner, "ai/backup/move/offer", **small)
        assert "of disk space" in offer["blockers"][0]
        assert owner.api.invoke("ai/backup/move", small, PEER)["code"] == "E_BACKUP"
        # Nobody could know before that others fill it meanwhile.
        with before(BackupWriter, "finish", partial(fill, folder)):
            why = failed(owner, "ai/backup/move", file=str(folder / "small.zip"), stop=True)
        assert "can't be written" in why
        assert [one.name for one in folder.iterdir()] == ["filler"]
    cancelled: list[str] = []
    with before(Images, "save", lambda: asked(owner, "ai/operation/cancel", id=cancelled[0])):
        begun = asked(owner, "ai/backup/move", file=str(file), images=True, stop=True)
        cancelled.append(begun["operationId"])
        assert found(owner, partial(has_ended, cancelled[0])).status == "cancelled"
    assert not [*file.parent.glob("everything.zip*")]
    return str(recovery)


def what_can_not_be_opened_changes_nothing(
    owner: Owner, client: docker.DockerClient, file: Path, recovery: str
) -> dict[str, str]:
    """See that of a wrong passphrase and a file that is cut. How to open the whole one."""
    source = {"file": str(file), "recovery": recovery, "passphrase": PASSPHRASE}
    cut = file.with_name("cut.zip")
    cut.write_bytes(file.read_bytes()[: -MEBIBYTE // 2])
    for wrong, code in (
        ({"passphrase": "another one"}, "E_BACKUP_KEY"),
        ({"file": str(cut)}, "E_BACKUP_DAMAGED"),
    ):
        assert owner.api.invoke("ai/backup/inspect", source | wrong, PEER)["code"] == code
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offers, "images_of", lambda _: [])  # as if the file had other images
        refused = owner.api.invoke("ai/backup/restore", source | {"modules": ["files"]}, PEER)
    assert refused["code"] == "E_RESTORE"
    assert "images that no module here uses" in refused["message"]
    assert (names(client), client.images.list()) == (set(), [])
    return source
