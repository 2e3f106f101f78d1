"""The sizes of images in their registries, as they were recorded in a catalog folder.

``images.json`` beside the modules' folders says for each image, by the name in the Compose files,
what was found when it was last checked::

    {"redis:7.4.11-alpine": {"digest": "sha256:…", "recorded": "2026-08-01",
                             "platforms": {"linux/amd64": {"download": 17163523}}}}

``download`` is the size of all layers as they are downloaded, compressed. A platform may also have
``layers``, the size of each by its digest. Then a layer that several images share counts once;
without them, each image counts as a whole until its pull reports the layers that are there already.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

FILE = "images.json"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageSize:
    """The compressed size of an image on one platform, in bytes."""

    download: int
    layers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Bytes by digest, the lowest layer first; empty: not known."""


class RecordedSizes:
    """What the files of the catalog folders *roots* say; the last one that has an image counts. A
    folder needs no such file. One that can't be read is logged and ignored, because sizes are only
    used for estimates."""

    def __init__(self, roots: Iterable[Path] = ()) -> None:
        self._images: dict[str, Mapping[str, ImageSize]] = {}
        for root in roots:
            self._images |= _read(root / FILE)

    def of(self, image: str, platform: str) -> ImageSize | None:
        """The size of *image* on *platform* (``linux/arm64``, ``linux/arm/v7``); None: not
        recorded."""
        found = self._images.get(image, {})
        return found.get(platform) or found.get(_without_variant(platform))

    def has_other(self, image: str) -> bool:
        """Whether another version of *image* is recorded."""
        repository, _, _ = image.rpartition(":")
        return any(name.rpartition(":")[0] == repository for name in self._images if name != image)


def _read(file: Path) -> dict[str, Mapping[str, ImageSize]]:
    try:
        images = json.loads(file.read_bytes())
        return {
            name: {platform: _size(size) for platform, size in image["platforms"].items()}
            for name, image in images.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _logger.warning("the sizes of images in %s can't be read: %r", file, error)
        return {}


def _size(entry: Mapping[str, Any]) -> ImageSize:
    layers = {str(digest): int(size) for digest, size in entry.get("layers", {}).items()}
    return ImageSize(int(entry["download"]), layers)


def _without_variant(platform: str) -> str:
    return "/".join(platform.split("/")[:2])
