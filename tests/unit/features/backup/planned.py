"""An installation whose engine is a scripted one: what is on it decides, not how it answers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from aiserver_tray.core.app import App
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import (
    ContainerSummary,
    EngineInfo,
    EngineMachine,
    Volume,
    VolumeUse,
)
from aiserver_tray.features.backup.grouping import ServerPlace
from aiserver_tray.features.backup.planning import Planner
from aiserver_tray.spec import labels
from aiserver_tray.system.resources import free_disk

POSTGRES = ServerPlace(
    "postgres", "postgres", "ai-postgres", "postgres", "postgres.POSTGRES_PASSWORD"
)


class Server:
    """A server with a database of n8n and one of nobody."""

    def databases(self) -> list[str]:
        return ["n8n", "notes"]

    def size(self, database: str) -> int:
        return len(database)


class Stage:
    """An installation, and what is on its engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = App(folder / "home", [folder / "catalog"])
        self.sizes = {"n8n-data": 1000, "postgres-data": 10**6}
        self.running = ["postgres"]
        self.opened: list[ServerPlace] = []
        self.images: set[str] = set()
        """The names of images."""
        self.info = EngineInfo(
            "ENGINE", "28.0", (1, 45), 2, 2**33, str(folder), "Linux", True, True, ()  # noqa: FBT003
        )  # fmt: skip
        self.free = (2**32, free_disk(str(folder)))
        """Bytes of memory and disk on the engine's machine."""
        engine = SimpleNamespace(
            host="unix:///docker.sock",
            info=lambda: self.info,
            machine=lambda: EngineMachine(*self.free),
            images=SimpleNamespace(find=lambda name, _labels=None: name in self.images or None),
            networks=SimpleNamespace(all=list),
            volumes=SimpleNamespace(all=lambda: [Volume(*one, None) for one in self._volumes()]),
            containers=SimpleNamespace(summaries=lambda *_: [*map(self._container, self.running)]),
            disk_use=lambda: (
                None,
                [VolumeUse(*one, size=self.sizes[one[0][3:]]) for one in self._volumes()],
            ),
        )
        self.planner = Planner(self.app, cast("Engine", engine), self._open)

    def _volumes(self) -> list[tuple[str, dict[str, str]]]:
        ours = {labels.INSTALLATION: self.app.settings.installation_id}
        return [
            (f"ai-{name}", {**ours, labels.MODULE: name.partition("-")[0]}) for name in self.sizes
        ]

    def _container(self, module: str) -> ContainerSummary:
        ours = {labels.INSTALLATION: self.app.settings.installation_id, labels.MODULE: module}
        name = f"ai-{module}"
        return ContainerSummary(name, name, ours, "running", "none", f"{module}:17.1", "", ())

    def _open(self, place: ServerPlace) -> Any:  # noqa: ANN401 - what a `Server` has
        self.opened.append(place)
        return Server()
