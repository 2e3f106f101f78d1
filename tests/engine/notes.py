"""A module that keeps notes, in several versions, and what its upgrades leave."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import docker

from aiserver_tray.owner.owner import Owner
from aiserver_tray.settings.names import BACKUP_JOURNAL
from tests.engine.built_in import choose_free_ports
from tests.engine.through_owner import done, ended, sql
from tests.support.installation import IMAGE, Installation, checked
from tests.support.observed import names, said
from tests.support.owning import Modules, owned

CALLS = """calls() {
    own=$(hostname -i | cut -d' ' -f1 | sed 's/[0-9]*$/1/')
    for host in "$own" $HOSTS host.docker.internal
    do
        wget -q -T 2 -O - "http://$host/probe" 2>&1
        for port in $PORT 25; do timeout 3 nc "$host" "$port" </dev/null; done
        timeout 5 nslookup one.test "$host"
    done
    timeout 5 nslookup two.test
}
"""
"""Asks web, mail and name servers at $HOSTS and at the engine's machine, and any server at $PORT
there, as a shell function."""
PROGRAM = (
    CALLS
    + """mkdir /tmp/page; echo well > /tmp/page/probe
case $VERSION in
2.0.0) [ ! -e /data/note ] || echo migrated > /data/note;;
3.0.0) echo broken; sleep 1; exit 3;;
4.0.0) rm -rf /data/*;;
5.0.0) ! calls 2>/dev/null | grep -E 'well|hello' || exit 9;;
6.0.0) rm /tmp/page/probe;;
esac
[ $VERSION = 4.0.0 ] || echo $VERSION > /data/version
httpd -p 80 -h /tmp/page; touch /tmp/ready; exec sleep 86400"""
)
"""Of a module with its versions: 2 migrates the note, 3 never gets ready, 4 ruins its data, 5 wants
to reach somebody, 6 does not answer."""


def write_notes(here: Installation, client: docker.DockerClient) -> None:
    """A module that keeps notes in a volume, in a database of PostgreSQL, and on a shelf, which is
    a module that stores the data of others in its own volume. It has six versions."""
    for number in range(1, 7):
        client.images.get(IMAGE).tag("notes", f"{number}.0.0")
    volumes: dict[str, Any] = {"volumes": {"data": {}}}
    shelf = checked("true", volumes=["data:/data"], stop_signal="SIGKILL")
    here.write("shelf", {"shelf": shelf}, top=volumes, kind="basic")
    title = {"en": "Title", "zh": "标题"}
    service = checked("test -e /tmp/ready", volumes=["data:/data"], stop_signal="SIGKILL")
    variables = ("HOSTS", "PORT")
    service |= {
        "image": "notes:${NOTES_VERSION}",
        "command": ["sh", "-c", PROGRAM.replace("$", "$$")],
        "environment": {"VERSION": "${NOTES_VERSION}", **{v: f"${{{v}}}" for v in variables}},
        "extra_hosts": ["host.docker.internal:host-gateway"],
        "dns": ["${NAME_SERVER}"],
    }
    text = {"type": "text", "title": title}
    here.write(
        "notes",
        {"notes": service},
        top=volumes,
        requires=["postgres", "shelf"],
        databases=[
            {"module": "postgres", "database": "notes", "user": "notes", "secret": "PASSWORD"}
        ],
        settings={
            "PASSWORD": {"type": "secret", "generate": "hex32", "title": title},
            "NOTES_VERSION": {**text, "default": "1.0.0"},
            "NAME_SERVER": {**text, "default": "192.0.2.1"},
            **{name: {**text, "default": ""} for name in variables},
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
        self.client = client

    def create(self) -> None:
        """Make role, database and table, as the module would."""
        sql(self.client, "postgres", "create role notes login")
        sql(self.client, "postgres", "create database notes owner notes")
        sql(self.client, "notes", "set role notes; create table note (text text)")

    def set(self, text: str) -> None:
        """Replace all by *text*."""
        sql(self.client, "notes", f"delete from note; insert into note values ('{text}')")
        for container in ("ai-notes", "ai-shelf"):
            said(self.client, container, "sh", "-c", f"echo {text} > /data/note")

    @property
    def all(self) -> tuple[str, str, str, str]:
        """The version that runs, and the notes in the volume, in PostgreSQL and on the shelf."""
        return (
            said(self.client, "ai-notes", "cat", "/data/version"),
            said(self.client, "ai-notes", "cat", "/data/note"),
            sql(self.client, "notes", "select text from note"),
            said(self.client, "ai-shelf", "cat", "/data/note"),
        )

    @property
    def digests(self) -> list[str]:
        """Of all files in the volumes, with their times and owners."""
        found = []
        for container in ("ai-notes", "ai-shelf"):
            pieces, _ = self.client.containers.get(container).get_archive("/data")
            found.append(sha256(b"".join(pieces)).hexdigest())
        return found


FIRST = ("1.0.0", "first", "first", "first")
"""`Notes.all` as `noted` leaves it."""


@contextmanager
def noted(
    here: Installation, client: docker.DockerClient, **settings: str
) -> Iterator[tuple[Owner, Modules, Notes]]:
    """An owner whose module with these *settings* has the note *first*."""
    write_notes(here, client)
    choose_free_ports(here, "postgres")
    for name, value in settings.items():
        here.set(f"notes.{name}", value)
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


def killed(here: Installation, channel: str, method: str, **payload: str) -> None:
    """Upgrade a module in a process that is killed before *method*."""
    words = [here.home, here.catalog, here.host, f"ai/upgrade/{channel}", json.dumps(payload)]
    command = [sys.executable, "-m", "tests.engine.killed_backup", *map(str, words)]
    process = subprocess.run([*command, f"aiserver_tray.features.{method}"], check=False)
    assert process.returncode == -signal.SIGKILL, method
