"""The parts of a support bundle, before secrets are replaced."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from os import SEEK_END
from pathlib import Path
from typing import Any, Final

from aiserver_tray import __version__
from aiserver_tray.base.codec import to_json
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.strings import rfc3339
from aiserver_tray.core.app import App
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.activity.activity import activity_of
from aiserver_tray.features.configuration.forms import setting_json
from aiserver_tray.features.logs.streams import Span, history, sources
from aiserver_tray.settings.journal import Journal, Range
from aiserver_tray.state.encode import SnapshotEncoder
from aiserver_tray.state.views import Snapshot
from aiserver_tray.system.logfile import log_folder
from aiserver_tray.system.paths import Home
from aiserver_tray.system.resources import python_and_system

_ACTIVITIES = 200
"""The last entries of the journal that are taken."""
_LOG_LINES = 300
"""The last lines of each service that are taken."""
_FILE_BYTES: Final = 256 * 2**10
"""Maximum size of a log, from its end."""
_READ_BYTES = 2 * _FILE_BYTES
"""Bytes of a log that are read: replaced secrets make it shorter."""
_MAX_LINE = 4000
"""Maximum characters of a line."""


def versions() -> Any:  # noqa: ANN401 - JSON
    """Application, Python, packages and system."""
    return {"version": __version__, **python_and_system()}


def engine(installation: App, engine: Engine) -> Any:  # noqa: ANN401 - JSON
    """The engine.

    Raises:
        AiServerError: why it does not answer.
    """
    name = installation.engine_name
    known = {"address": engine.host, "source": engine.address.source}
    return {"name": name and str(name), **known, **asdict(engine.info())}


def settings(installation: App) -> Any:  # noqa: ANN401 - JSON
    """The declared settings with masked secrets, and the names of others that are stored.

    Raises:
        SettingError: the settings can't be read.
    """
    declared = installation.declared
    entries = installation.settings.entries(declared)
    return {
        "settings": [setting_json(entry, "en") for entry in entries],
        "undeclared": installation.settings.undeclared(declared),
    }


def state(snapshot: Snapshot) -> Any:  # noqa: ANN401 - JSON
    """Modules, services and operations."""
    return json.loads(SnapshotEncoder("en").snapshot(snapshot))


def activity(journal: Journal) -> Any:  # noqa: ANN401 - JSON
    """The last entries of *journal*, with the steps of operations.

    Raises:
        SettingError: it can't be read.
    """
    return [to_json(activity_of(entry), "en") for entry in journal.read(Range(limit=_ACTIVITIES))]


def keys(folder: Path) -> Iterator[str]:
    """The keys that the home *folder* keeps in files."""
    for file in folder.glob("*.key"):
        with suppress(OSError, ValueError):
            yield file.read_text(encoding="ascii").strip()


def app_logs(home: Home) -> Iterator[tuple[str, str]]:
    """The end of each log of the application, by its name in the bundle."""
    for file in sorted(log_folder(home).glob("*.log")):
        with suppress(OSError), file.open("rb") as log:
            size = log.seek(0, SEEK_END)
            if size > _READ_BYTES:
                log.seek(-_READ_BYTES, SEEK_END)
                log.readline()  # it may be cut within a secret
            if content := log.read():
                yield f"app/{file.name}", content.decode(errors="replace")


def logs(engine: Engine, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """The last lines of each service, by their name in the bundle."""
    for source in sources(snapshot, ()):
        lines: list[str] = []
        try:
            for _, line in history(engine, [source], Span(tail=_LOG_LINES), lambda _source: None):
                lines.append(f"{rfc3339(line.time) if line.time else '-'} {line.text}")
        except AiServerError as error:
            lines.append(f"({error})")
        if lines:
            yield f"logs/{source.module}-{source.service}.log", "\n".join(lines) + "\n"


def last_lines(text: str) -> bytes:
    """The end of *text*, in whole lines of limited length."""
    lines = [line[:_MAX_LINE] for line in text.splitlines()]
    content = "\n".join(lines).encode(errors="replace") + b"\n"
    if len(content) <= _FILE_BYTES:
        return content
    return content[-_FILE_BYTES:].partition(b"\n")[2]
