"""A process that hosts the core of a home until its input ends: ``host_process.py HOME CATALOG
HOST``. Prints a line when it does."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiserver_tray.api.front import Front
from aiserver_tray.api.surroundings import HostKind
from aiserver_tray.app import App
from aiserver_tray.contract import Json
from aiserver_tray.control.client import Client
from aiserver_tray.host.paths import Home
from aiserver_tray.hosting.host import CoreHost
from tests.engine.faults.tray import Tray

ROOT = Path(__file__).parents[1]


@contextmanager
def hosted(tray: Tray) -> Iterator[tuple[Client, "subprocess.Popen[str]"]]:
    """While it lasts, a process hosts the core of *tray*; gives a client of it, and the process."""
    words = [sys.executable, "-m", "tests.host_process", tray.home, tray.catalog, tray.host]
    with subprocess.Popen(
        [*map(str, words)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "hosting\n"
            with Client.connect(Home(tray.home, "home"), "core") as client:
                yield client, process
            process.communicate(timeout=30)
        finally:
            process.kill()


class NoWindows:
    """A process with nothing around it."""

    kind: HostKind = "serve"

    def show_dashboard(self, page: str) -> None:
        pass

    def open_module(self, module: Json) -> None:
        pass

    def look_again(self) -> None:
        pass

    def quit(self) -> None:
        pass


def main(home: str, catalog: str, engine: str) -> None:
    app = App(Path(home), [Path(catalog)], engine)
    with CoreHost(app, lambda core: Front(app, core, NoWindows())):
        print("hosting", flush=True)  # noqa: T201 - its result
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
