"""A backup restored from its file and the recovery key alone on a second engine, whose disk is
small."""

import shutil
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import docker

from aiserver_tray.features.backup.volumes import BackupVolumes
from aiserver_tray.owner.owner import Owner
from tests.engine.backups import PASSPHRASE, before, files_of, fill, leftovers
from tests.engine.built_in import choose_free_ports, value_of
from tests.engine.second_lab import MEBIBYTE, disk_of
from tests.engine.through_owner import asked, done, failed, found, is_over
from tests.lab import engine as lab_engine
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, checked
from tests.support.observed import facts, names, said
from tests.support.owning import owned
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
