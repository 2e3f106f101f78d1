"""A backup, read without the applet."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import docker

from aiserver_tray.features.backup.archive import BackupFile, BackupWriter
from aiserver_tray.features.backup.index import Index
from aiserver_tray.features.backup.keys import Keys
from aiserver_tray.features.backup.manifest import (
    Manifest,
    ManifestEntry,
    ManifestModule,
    entry_name,
)
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home
from developer.machine import ROOT
from tests.engine.our_engine import BUSYBOX
from tests.lab.fixtures import have_image
from tests.lab.place import Place

PASSPHRASE = "correct horse battery"
FILES = """
cd /volume; mkdir -p a/deep; echo hello > a/deep/file; ln a/deep/file a.hard; echo x > a.b
ln -s /usr/share/modules modules; ln -s ../../etc out; mkfifo fifo; mknod zero c 1 5
touch "$(printf 'not utf-8 \\377')" "$(printf 'line\\nbreak')" a/"$(printf %0250d 0)" 北京
chown 3000000000:70 a/deep/file; chmod 4711 a.b
"""
DUMP = b"PGDMP"


def archive_of(engine: docker.DockerClient) -> bytes:
    """A volume with odd files, as the engine archives it."""
    have_image(engine, BUSYBOX)
    volumes = {engine.volumes.create().name: {"bind": "/volume", "mode": "rw"}}
    engine.containers.run(BUSYBOX, ["sh", "-ec", FILES], volumes=volumes, remove=True)
    pieces, _ = engine.containers.create(BUSYBOX, volumes=volumes).get_archive("/volume")
    return b"".join(pieces)


def entry(name: str, plain: bytes) -> ManifestEntry:
    told = len(plain), sha256(plain).hexdigest()
    return ManifestEntry(name, "volume", "n8n", "data", *told)


def test_the_commands_in_a_backup_read_it(
    lab: Place, engine: docker.DockerClient, tmp_path: Path
) -> None:
    tar = archive_of(engine)
    saved = b"".join(engine.images.get(BUSYBOX).save(named=BUSYBOX))
    settings = Settings(Home(tmp_path / "home", "home"))
    keys = Keys(settings, Index(settings, lambda path: BackupFile(path, []).manifest))
    data = entry(entry_name("volume", "n8n", "data"), tar)
    name = entry_name("postgres", "n8n", "n8n", "postgres")
    dump = replace(entry(name, DUMP), kind="postgres", key="n8n", server="postgres")
    name = entry_name("image", "n8n", "1")
    image = replace(entry(name, saved), kind="image", key="1", images=(BUSYBOX,))
    module = ManifestModule("n8n", {"en": "n8n"}, None, is_builtin=True, volumes=("data",))
    now = datetime.now(UTC)
    entries = (data, dump, image)
    manifest = Manifest(1, "1", "here", "engine", "desk", now, "move", (module,), entries)
    with BackupWriter(tmp_path / "backup.zip", keys.recipients()) as writer:
        writer.add(data.name, [tar])
        writer.add(dump.name, [DUMP])
        writer.add(image.name, [saved])
        writer.finish(manifest)
    (tmp_path / "recovery.txt").write_text(keys.save(PASSPHRASE))

    with ZipFile(tmp_path / "backup.zip") as archive:
        guide = archive.read("README.txt").decode()
    page = (ROOT / "docs/backup.md").read_text(encoding="utf-8")
    commands = re.findall(r"^  ((?:unzip|age) .+)$", guide, re.MULTILINE)
    assert [command for command in commands if f"\n{command}\n" not in page] == []
    named = {
        "FILE": "backup",
        "RECOVERY": "recovery",
        "volumes/NAME": "volumes/data",
        "NAME": "n8n",
        "MODULE": "n8n",
        "SERVER": "postgres",
    }
    environment = os.environ | {"DOCKER_HOST": lab.host}
    said = [
        run(re.sub("|".join(named), lambda m: named[m[0]], command), tmp_path, environment)
        for command in commands
    ]

    assert len(said) == 6
    assert BUSYBOX in said[5]
    assert json.loads(said[2])["computer"] == "desk"
    assert (tmp_path / "n8n.dump").read_bytes() == DUMP
    volume = tmp_path / "volume"
    assert (volume / "a/deep/file").read_text() == "hello\n"
    assert (volume / "a/deep/file").stat().st_uid == 3_000_000_000
    assert (volume / "a.hard").samefile(volume / "a/deep/file")
    assert (volume / "modules").readlink() == Path("/usr/share/modules")
    assert len([*volume.rglob("*")]) == 13


def run(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """What *command* prints. A passphrase is typed at a terminal, which `script` makes."""
    is_asked = "> key.txt" in command
    words = ["script", "-qec", f"sh -c {shlex.quote(command)}", "/dev/null"]
    done = subprocess.run(
        words if is_asked else ["sh", "-c", command],
        input=f"{PASSPHRASE}\n" if is_asked else "",
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout
