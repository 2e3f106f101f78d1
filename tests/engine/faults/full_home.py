"""Stops modules while the disk of the home is full. Run in a mount namespace of its own.

python -m tests.engine.faults.full_home FOLDER HOST
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from zipfile import ZipFile

from aiserver_tray.carriers.local.client import Client
from tests.engine.faults.full_store import MEBIBYTE
from tests.support.command_line import CommandLine
from tests.support.host_process import hosted
from tests.support.installation import script
from tests.support.stack import write
from tests.support.waiting import eventually

TALK = "while :; do echo hello; sleep 0.1; done"


def main(disk: Path, host: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(disk)], check=True)
    catalog = disk / "catalog"
    for name in ("one", "two"):
        write(catalog, name, {name: script(TALK, init=True, volumes=[])})
    cli = CommandLine(disk / "home", catalog, host)
    cli.run("up", "one", "two").succeeded()
    with hosted(cli) as (client, _):
        eventually(lambda: client.request("ai/logs/kept")["modules"], "kept lines")
        with kept_full(disk):
            check_full(cli, client)
            assert [*desired(cli)] == ["one", "two"]
        eventually(lambda: not desired(cli), "that it is stored")
        eventually(lambda: not client.request("ai/logs/kept")["problem"], "logs")
    cli.run("up", "one").succeeded()
    with kept_full(disk):
        stopped = cli.run("stop", "one").succeeded()
        assert "starts these modules again" in stopped.errors, stopped
        assert "then run this command again" in stopped.errors, stopped
    assert desired(cli) == ["one"]
    assert "again" not in cli.run("stop", "one").succeeded().errors
    assert not desired(cli)


def check_full(cli: CommandLine, client: Client) -> None:
    """The alert and the doctor say that the disk is full, and modules stop."""

    def alerts() -> list[str]:
        return [alert["title"] for alert in client.request("ai/rules/list")["alerts"]]

    eventually(lambda: "The disk of AI-Server Tray's data is full" in alerts(), "the alert")
    told = " ".join(check["message"] for check in client.request("ai/doctor/run")["checks"])
    assert "Settings can't be changed, and no logs are kept" in told, told
    assert "No logs have been kept since 20" in told, told
    assert "No logs have been kept since 20" in bundled(client, "doctor.json")
    stopped = cli.run("stop", "one").succeeded()
    assert "this stop can't be stored yet" in stopped.errors, stopped
    assert cli.module("one")["state"] == "stopped"
    cli.run("down", "two").succeeded()


def bundled(client: Client, name: str) -> str:
    """A file of a support bundle that is written to another disk."""
    with TemporaryDirectory() as folder:
        written = client.request("ai/support/write", {"path": folder})
        with ZipFile(written["file"]) as bundle:
            return bundle.read(name).decode()


@contextmanager
def kept_full(disk: Path) -> Iterator[None]:
    """Take all the room that there is, and that comes free."""
    is_full, is_over = Event(), Event()

    def fill() -> None:
        with (disk / "filler").open("ab", buffering=0) as filler:
            while not is_over.wait(0.001):
                for size in (MEBIBYTE, 4096, 1):
                    with suppress(OSError):
                        while True:
                            filler.write(b"\0" * size)
                is_full.set()

    thread = Thread(target=fill)
    thread.start()
    is_full.wait()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        (disk / "filler").unlink()


def desired(cli: CommandLine) -> list[str]:
    """The modules that the file says the user asked for."""
    (engine,) = json.loads((cli.home / "state.json").read_text())["engines"].values()
    found: list[str] = engine.get("desired", [])
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
