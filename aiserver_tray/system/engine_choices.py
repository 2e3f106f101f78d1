"""The programs that bring a Docker engine to Windows and macOS."""

import sys
from dataclasses import dataclass
from typing import Final, Literal

from aiserver_tray.base.i18n import Text

System = Literal["linux", "windows", "macos"]

SYSTEM: Final[System] = (
    "windows" if sys.platform == "win32" else "macos" if sys.platform == "darwin" else "linux"
)

EngineChoiceId = Literal["docker-desktop", "rancher-desktop", "podman"]


@dataclass(frozen=True)
class EngineChoice:
    """A program to download, with its cost and its requirements."""

    id: EngineChoiceId
    title: str
    summary: Text
    cost: Text
    needs: Text
    url: str


_NEEDS_WSL: Final = Text("Windows 10 or 11 with WSL 2, and 8 GB of memory")
_NEEDS_MAC: Final = Text("one of the last three versions of macOS, and 8 GB of memory")


def engine_choices(system: System = SYSTEM) -> tuple[EngineChoice, ...]:
    """The programs for *system*, the recommended one first. Linux has packages instead."""
    if system == "linux":
        return ()
    needs = _NEEDS_WSL if system == "windows" else _NEEDS_MAC
    return (
        EngineChoice(
            "docker-desktop",
            "Docker Desktop",
            Text("The easiest to set up and keep up to date."),
            Text(
                "Free for personal use, education, and companies with fewer than 250 employees "
                "and less than 10 million US dollars of revenue. Others need a subscription."
            ),
            needs,
            "https://www.docker.com/products/docker-desktop/",
        ),
        EngineChoice(
            "rancher-desktop",
            "Rancher Desktop",
            Text("Open source. Choose dockerd (moby) as its container engine, and no Kubernetes."),
            Text("Free for everyone."),
            needs,
            "https://rancherdesktop.io/",
        ),
        EngineChoice(
            "podman",
            "Podman Desktop",
            Text(
                "Open source. Turn on Docker compatibility in its settings. Some modules may not "
                "work, because Podman is not a complete Docker engine."
            ),
            Text("Free for everyone."),
            needs,
            "https://podman-desktop.io/downloads",
        ),
    )
