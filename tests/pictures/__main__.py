"""``python -m tests.pictures FOLDER``: every page of the dashboard in its states.

The stack is real: the catalog on the lab's engine, whose images are partly stand-ins.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from PIL import Image
from selenium.webdriver import Keys

from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.core.app import built_in_catalog
from tests.lab import engine, lifecycle
from tests.lab.demo import dashboard
from tests.lab.place import Place, default_place
from tests.pictures.camera import LARGE, SETTLED_SECONDS, SMALL, Camera
from tests.support.browser import chromium_in
from tests.support.ending import end_in_order
from tests.support.pages import pages_beside
from tests.support.pictures import for_documents

CATALOG = load_catalog([built_in_catalog()])
FEATURES = [module.name for module in CATALOG.modules.values() if module.kind == "feature"]
NOTES = """\
services:
  notes:
    image: ghcr.io/example/notes:1.4
    ports: ["127.0.0.1:8080:80"]
    volumes: ["cache:/cache", "~/Documents:/documents:ro"]
    mem_limit: 256m
volumes:
  cache:
"""
"""The Compose file of a module that is added."""
SAMPLES_SECONDS = 70
"""Until the charts have some points."""
ADDRESSES = (
    "home",
    *(f"modules/n8n/{tab}" for tab in ("overview", "services", "logs", "resources", "settings")),
    *("modules/n8n/services/n8n/terminal", "alerts"),
    *("modules/dify/overview", "modules/dify/settings", "modules/postgres/overview"),
    *("logs", "logs/n8n?level=error", "monitoring", "monitoring/n8n"),
    *("activity?kind=operation", "doctor"),
    *("settings", "welcome"),
)
PAGES = (*ADDRESSES, *pages_beside(ADDRESSES))


DOCS = Path(__file__).parents[2] / "docs/pictures"
PUBLISHED = (
    *("welcome", "welcome-modules", "home", "home-starting-2", "home-problem", "home-port-taken"),
    *("home-engine-off", "add-module", "palette-found", "monitoring", "logs", "doctor", "settings"),
    *("modules-n8n-overview", "modules-n8n-services", "modules-n8n-resources"),
    *("modules-dify-settings", "activity", "alerts-active", "modules-n8n-services-n8n-terminal"),
    *("welcome-zh", "welcome-modules-zh", "home-starting-2-zh", "home-zh"),
)


def publish(folder: Path) -> None:
    """Renew the pictures of the documents, small, by those in *folder*."""
    DOCS.mkdir(exist_ok=True)
    for name in PUBLISHED:
        with Image.open(folder / f"{name}.png") as picture:
            for_documents(picture).save(DOCS / f"{name}.png", optimize=True)


class Studio:
    """The stack on the engine of *place*, and a *camera* that sees it."""

    def __init__(self, place: Place, environment: dict[str, str], camera: Camera) -> None:
        self._place = place
        self._environment = environment
        self._camera = camera

    def run(self, *words: str) -> None:
        """Run a command, whatever comes of it."""
        subprocess.run(["aiserver-tray", *words], env=self._environment, check=False)

    def first_run(self) -> None:
        """A new home."""
        self._camera.take("welcome", "welcome")
        self._camera.take("welcome-modules", "welcome/modules")
        self._in_chinese("welcome-modules", "welcome/modules")
        self._module_of_ones_own()
        self._camera.take("home-stopped", "home")

    def _module_of_ones_own(self) -> None:
        """A folder that asks for something, once it is checked."""
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent, "notes")
            folder.mkdir()
            (folder / "compose.yaml").write_text(NOTES, encoding="utf-8")

            def check() -> None:
                self._camera.press(str(folder), Keys.ENTER)
                time.sleep(SETTLED_SECONDS)

            self._camera.take("add-module", "home?add=1", before=check)
            self._camera.press(Keys.ESCAPE)

    def start(self) -> None:
        """Everything, from cold."""
        words = ["aiserver-tray", "up", *FEATURES]
        with subprocess.Popen(words, env=self._environment, stdout=subprocess.DEVNULL) as up:
            for number in range(1, 7):
                self._camera.take(f"home-starting-{number}", "home")
                if number == 2:
                    self._in_chinese(f"home-starting-{number}", "home")
                time.sleep(8)
            up.wait()
        time.sleep(SAMPLES_SECONDS)

    def pages(self) -> None:
        """Every page, and each in the other theme, language and size."""
        for address in PAGES:
            self._camera.take(_name(address), address)
        self._overlays()
        for address in PAGES:
            self._camera.take(f"{_name(address)}-small", address, SMALL)
        self._camera.take("home-large", "home", LARGE)
        self.run("config", "set", "app.theme", "dark")
        for address in PAGES:
            self._camera.take(f"{_name(address)}-dark", address)
        self.run("config", "set", "app.theme", "light")
        self.run("config", "set", "app.language", "zh")
        for address in PAGES:
            self._camera.take(f"{_name(address)}-zh", address)
        self.run("config", "set", "app.language", "en")

    def _in_chinese(self, name: str, address: str) -> None:
        self.run("config", "set", "app.language", "zh")
        self._camera.take(f"{name}-zh", address)
        self.run("config", "unset", "app.language")

    def _overlays(self) -> None:
        camera = self._camera
        camera.take("palette", "home", before=lambda: camera.press("k", held=Keys.CONTROL))
        camera.press("rest")
        camera.take("palette-found", "home")
        camera.press(Keys.ESCAPE)
        camera.take("shortcuts", "home", before=lambda: camera.press("?"))
        camera.press(Keys.ESCAPE)

    def problems(self) -> None:
        """A service that is killed, a port that is taken, an engine that is gone."""
        with closing(engine.client(self._place)) as docker:
            docker.containers.get("ai-postgres").kill()
        self._camera.take("home-problem", "home")
        self._camera.take("module-problem", "modules/postgres/overview")
        self._camera.take("alerts-active", "alerts")
        self.run("stop", "n8n")
        with _taken(18100):
            self.run("up", "n8n")
            self._camera.take("home-port-taken", "home")
            self._in_chinese("home-port-taken", "home")
        engine.kill(self._place)
        self._camera.take("home-engine-off", "home")


def _name(address: str) -> str:
    return address.partition("?")[0].replace("/", "-")


@contextmanager
def _taken(port: int) -> Iterator[None]:
    """Another program has *port*."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


def main(words: Sequence[str]) -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser("dev.py screenshots")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--docs", action="store_true", help="also renew those in docs/pictures")
    options = parser.parse_args(words)
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        place = default_place().for_demo()
        stack.callback(lifecycle.down, place)
        lifecycle.up(place, print)
        scratch = Path(tempfile.mkdtemp())
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        environment = os.environ | {
            "DOCKER_HOST": place.host,
            "AISERVER_HOME": str(scratch / "home"),
        }
        browser = stack.enter_context(chromium_in(scratch))
        _, address = stack.enter_context(dashboard(environment))
        camera = Camera(browser, folder)
        camera.open(address)
        studio = Studio(place, environment, camera)
        for part in (studio.first_run, studio.start, studio.pages, studio.problems):
            part()
        for complaint in camera.complaints():
            sys.stdout.write(f"console: {complaint}\n")
    sys.stdout.write(f"{len(camera.taken)} pictures in {folder}\n")
    if options.docs:
        publish(folder)


if __name__ == "__main__":
    end_in_order()
    main(sys.argv[1:])
