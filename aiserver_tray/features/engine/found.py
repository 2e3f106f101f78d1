"""The engines that there are on this computer, and those elsewhere that Docker's contexts name. To
look starts no program and no distribution of WSL."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Final, Literal

from aiserver_tray.base.i18n import Text
from aiserver_tray.system import engine_install, wsl
from aiserver_tray.system.docker_files import contexts
from aiserver_tray.system.engine_place import (
    OWN_ENGINE,
    EnginePlace,
    answers,
    canonical,
    is_local,
    places,
    why_unusable,
)

FoundKind = Literal["program", "own", "distribution", "context", "wslc"]
FoundState = Literal["running", "off", "unknown", "unusable"]

_SECONDS: Final = 15.0
_OF_PROGRAMS: Final = ("docker-desktop", "podman-machine-", "rancher-desktop", OWN_ENGINE)
"""How the distributions begin that belong to a program, or to us."""
_HAS_ENGINE: Final = "command -v docker && test -S /var/run/docker.sock"


@dataclass(frozen=True)
class FoundEngine:
    """An engine that was found."""

    kind: FoundKind
    """`program`: of this computer; `own`: the one of AI-Server Tray in WSL; `distribution`: in
    another distribution; `context`: of Docker's contexts; `wslc`: WSL's own containers"""
    name: str
    """of its product, its distribution or its context"""
    address: str
    """empty: it can't be used"""
    state: FoundState
    """`unknown`: to know it, its distribution or computer would have to be asked"""
    detail: Text
    is_used: bool = False


def find_engines(used: str, environment: Mapping[str, str] = os.environ) -> list[FoundEngine]:
    """All of them, each address once, the one that is found first by itself first. *used*: the
    address of the engine in use."""
    running = wsl.running_distributions() if engine_install.SYSTEM == "windows" else []
    found: dict[str, FoundEngine] = {}
    all_ = (*_programs(running), *_distributions(running), *_contexts(environment), *_wslc())
    for one in all_:
        key = canonical(one.address) if one.address else f"{one.kind} {one.name}"
        found.setdefault(key, replace(one, is_used=key == canonical(used)))
    return list(found.values())


def _programs(running: list[str]) -> Iterator[FoundEngine]:
    seen = set()
    for place in places():
        if not place.is_installed or place.name in seen:
            continue
        seen.add(place.name)  # Docker Desktop listens at two pipes
        yield _own(running) if place.host == f"wsl://{OWN_ENGINE}" else _program(place)


def _program(place: EnginePlace) -> FoundEngine:
    if answers(place):
        return FoundEngine("program", place.name, place.host, "running", Text("It is running."))
    detail = Text("It is installed, and off at the moment.")
    return FoundEngine("program", place.name, place.host, "off", detail)


def _own(running: list[str]) -> FoundEngine:
    state: FoundState = "running" if OWN_ENGINE in running else "off"
    detail = Text("Set up by AI-Server Tray. It starts by itself when it is used.")
    return FoundEngine("own", "AI-Server Tray (WSL)", f"wsl://{OWN_ENGINE}", state, detail)


def _distributions(running: list[str]) -> Iterator[FoundEngine]:
    if engine_install.SYSTEM != "windows":
        return
    for name in wsl.distributions():
        host = f"wsl://{name}"
        if name.lower().startswith(_OF_PROGRAMS) or why_unusable(host):
            continue
        if name not in running:
            detail = Text("A distribution of WSL that does not run, so nobody looked inside.")
            yield FoundEngine("distribution", name, host, "unknown", detail)
        elif _has_engine(name):
            detail = Text("Docker runs inside this distribution of WSL.")
            yield FoundEngine("distribution", name, host, "running", detail)


def _has_engine(name: str) -> bool:
    words = ("-d", name, "-u", "root", "--exec", "sh", "-c", _HAS_ENGINE)
    try:
        return wsl.run_wsl(words, Event(), within=_SECONDS).code == 0
    except OSError:
        return False


def _contexts(environment: Mapping[str, str]) -> Iterator[FoundEngine]:
    for context in contexts(environment):
        if context.environment or why_unusable(context.host):
            why = Text("AI-Server Tray uses this context only if DOCKER_CONTEXT names it.")
            yield FoundEngine("context", context.name, "", "unusable", why)
            continue
        elsewhere = Text("One of Docker's contexts, on another computer: {host}", host=context.host)
        here = Text("One of Docker's contexts: {host}", host=context.host)
        detail = here if is_local(context.host) else elsewhere
        yield FoundEngine("context", context.name, context.host, "unknown", detail)


def _wslc() -> Iterator[FoundEngine]:
    folder = os.environ.get("ProgramFiles", r"C:\Program Files")  # noqa: SIM112 - its name there
    program = Path(folder, "WSL", "wslc.exe")
    if engine_install.SYSTEM == "windows" and (program.exists() or shutil.which("wslc.exe")):
        detail = Text(
            "Windows' newest containers. AI-Server Tray can't use them yet: their ports don't "
            "reach Windows by themselves."
        )
        yield FoundEngine("wslc", "WSL containers (wslc)", "", "unusable", detail)
