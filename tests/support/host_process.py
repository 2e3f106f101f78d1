"""A process that owns the core of a home until its input ends: ``host_process.py HOME CATALOG
HOST``. Prints a line when it does."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.place import Instance
from aiserver_tray.core.app import App
from aiserver_tray.owner.owner import Owner
from aiserver_tray.system.paths import Home
from tests.support.command_line import LIMIT, CommandLine
from tests.support.surroundings import NoWindows

ROOT = Path(__file__).parents[2]


@contextmanager
def hosted(cli: CommandLine) -> Iterator[tuple[Client, "subprocess.Popen[str]"]]:
    """While it lasts, a process owns the core of *cli*; gives a client of it, and the process."""
    words = [sys.executable, "-m", "tests.support.host_process", cli.home, cli.catalog, cli.host]
    with subprocess.Popen(
        [*map(str, words)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "hosting\n"
            with Client.connect(Home(cli.home, "home"), "command") as client:
                yield client, process
            process.communicate(timeout=LIMIT)
        finally:
            process.kill()


def main(home: str, catalog: str, engine: str) -> None:
    app = App(Path(home), [Path(catalog)], engine)
    with Instance(app.settings.home), Owner(app, NoWindows()):
        print("hosting", flush=True)  # noqa: T201 - its result
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
