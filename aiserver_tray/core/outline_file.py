"""The outlines of all modules in a file of the home folder. While no file that they come from has
changed, a command that only shows or stops modules need not read the catalog."""

import hashlib
import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aiserver_tray import __version__
from aiserver_tray.base.file_version import Versions, versions
from aiserver_tray.model import ModuleModel, ServiceModel
from aiserver_tray.system.files import write_private

Models = Mapping[str, ModuleModel]
"""By name, in the order of the catalog."""

NAME = "outlines.json"

_SETTLED_SECONDS = 4.0
"""Seconds after a change in which another one may keep the same time stamp (FAT: 2 s), and in which
the outlines are made."""


class OutlineFile:
    """The file in *folder*. *stamp* is that of the catalog: any JSON."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._known: tuple[object, Versions, Models] | None = None

    def read(self, stamp: object) -> Models | None:
        """The outlines of this *stamp*. None if there are none, or one of their files has
        changed."""
        if self._known is None or self._known[0] != stamp:
            self._known = (stamp, *self._content(stamp))
        _, files, models = self._known
        return models if models and files == _now(files) else None

    def write(self, stamp: object, models: Models, files: Versions) -> None:
        """Store *models*, which were made from *files* of these versions. Does nothing if a module
        has a problem, if one of the files has just changed, or if the home is read-only."""
        if any(model.problem for model in models.values()) or not _is_settled(files):
            return
        content = {"files": files, "models": [asdict(model) for model in models.values()]}
        payload = json.dumps(content)
        # Without a lock: if two processes write at once and damage the file, its seal shows that.
        with suppress(OSError):
            write_private(self._path, f"{_seal(stamp, payload)}\n{payload}".encode())
        self._known = None

    def _content(self, stamp: object) -> tuple[Versions, Models]:
        with suppress(OSError, ValueError):
            seal, _, payload = self._path.read_text(encoding="utf-8").partition("\n")
            if seal == _seal(stamp, payload):
                content = json.loads(payload)
                return content["files"], {m["name"]: _model(m) for m in content["models"]}
        return {}, {}


def _seal(stamp: object, payload: str) -> str:
    """A hash that differs for damaged content, another stamp, and other versions of the code."""
    made_by = [__version__, sys.version, ModuleModel.__slots__, ServiceModel.__slots__]
    return hashlib.sha256(json.dumps([made_by, stamp, payload]).encode()).hexdigest()


def _model(found: Mapping[str, Any]) -> ModuleModel:
    services = tuple(
        ServiceModel(**{**service, "depends_on": tuple(service["depends_on"])})
        for service in found["services"]
    )
    tuples = {name: tuple(found[name]) for name in ("requires", "remedies")}
    return ModuleModel(**{**found, **tuples, "services": services})


def _now(files: Versions) -> Versions:
    return versions(map(Path, files))


def _is_settled(files: Versions) -> bool:
    changed = max((found[2] for found in files.values() if found), default=0)
    return changed < time.time_ns() - _SETTLED_SECONDS * 1e9 and files == _now(files)
