"""The objects on the engine, as far as plans depend on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiserver_tray.model import Container
from aiserver_tray.spec.model import ImageTarget


@dataclass(frozen=True)
class Observed:
    """``containers``: ours by name. ``images``: IDs of existing images by name. ``networks``: IDs
    by name. ``volumes``: time of creation by name. ``learnt``: seconds from start to ready, by
    ``module/service``."""

    containers: Mapping[str, Container] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, datetime | None] = field(default_factory=dict)
    learnt: Mapping[str, float] = field(default_factory=dict)

    def image_of(self, target: ImageTarget) -> str | None:
        """The name of *target*'s image on the engine. A local build comes first: either the user
        asked for it, or the image could not be pulled."""
        for name in (target.local, target.name):
            if name and name in self.images:
                return name
        return None
