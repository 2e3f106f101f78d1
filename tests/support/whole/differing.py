"""Copies of the built-in catalog in which some services differ."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiserver_tray.catalog.catalog import load_catalog


def override(catalog: Path, of_image: Callable[[str], Mapping[str, Any] | None]) -> None:
    """Let services of *catalog* differ in the keys that *of_image* returns for the name of their
    image, which has no tag."""
    for module in load_catalog([catalog]).modules.values():
        images = {name: one["image"] for name, one in module.section("services").items()}
        found = {name: of_image(image.partition(":")[0]) for name, image in images.items()}
        if services := {name: keys for name, keys in found.items() if keys}:
            file = module.folder / "compose.override.yaml"
            file.write_text(json.dumps({"services": services}), encoding="utf-8")
