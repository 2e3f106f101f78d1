"""What registries have of an image, and the file of the catalog that records it."""

import hashlib
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from aiserver_tray.engine.registry import HUB, NO_ANSWER, RegistrySession, places
from aiserver_tray.engine.values import RegistryAccess

PLATFORMS = ("linux/amd64", "linux/arm64")
"""Those that the catalog is for."""

_LIMIT_SECONDS = 60
"""Seconds for all requests about one image."""


@dataclass(frozen=True)
class Published:
    """An image in its registry. ``downloads``: platform -> compressed bytes of its layers."""

    digest: str
    downloads: Mapping[str, int]


class RegistryError(Exception):
    """The registry does not respond, or does not have the image; says so."""


class Repository:
    """The repository of the image *name*. Docker Hub, or a mirror of it, is at the URL *hub*."""

    def __init__(self, name: str, hub: str = HUB) -> None:
        self._place = next(places(name, RegistryAccess(mirrors=(hub,))))

    def published(self) -> Published:
        """What the registry has.

        Raises:
            RegistryError: it can't be read.
        """
        try:
            with RegistrySession(self._place, {}, time.monotonic() + _LIMIT_SECONDS) as session:
                content = session.manifest()
                digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
                return Published(digest, _downloads(session, json.loads(content)))
        except NO_ANSWER as error:
            raise RegistryError(f"{self._place.address}: {error}") from error


def _downloads(session: RegistrySession, manifest: dict[str, Any]) -> dict[str, int]:
    if "manifests" not in manifest:
        config = json.loads(session.blob(manifest["config"]["digest"]))
        found = {f"{config['os']}/{config['architecture']}": _layers(manifest)}
    else:
        found = {}
        for entry in manifest["manifests"]:
            platform = "{os}/{architecture}".format(**entry["platform"])
            if platform in PLATFORMS:
                found[platform] = _layers(json.loads(session.manifest(entry["digest"])))
    return {platform: found[platform] for platform in PLATFORMS if platform in found}


def _layers(manifest: Mapping[str, Any]) -> int:
    return sum(int(layer["size"]) for layer in manifest["layers"])


def record(
    file: Path, found: Mapping[str, Published], images: Collection[str], today: date
) -> None:
    """Write *found* (by image) to *file*, whose other entries stay if they are of *images*. An
    entry that is still true keeps its date."""
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    after = dict(before)
    for name, published in found.items():
        platforms = {p: {"download": size} for p, size in published.downloads.items()}
        entry = {"digest": published.digest, "platforms": platforms}
        same = before.get(name, {})
        recorded = same.get("recorded", "") if {**same, **entry} == same else today.isoformat()
        after[name] = {**entry, "recorded": recorded}
    kept = {name: entry for name, entry in after.items() if name in images}
    text = json.dumps(kept, indent=2, sort_keys=True)
    file.write_text(f"{text}\n", encoding="utf-8", newline="\n")
