"""What the lab's registry holds."""

import json
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from tests.lab import engine
from tests.lab.place import Place

RECIPE_LABEL = "io.aiserver.lab.recipe"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def repository(name: str) -> tuple[str, str]:
    """Repository and tag in the registry for a name as on Docker Hub, official images included.
    Images of other registries have the same name without the host."""
    path, _, tag = name.rpartition(":")
    host, _, rest = path.partition("/")
    path = rest if host in engine.OTHER_REGISTRIES else path
    return (path if "/" in path else f"library/{path}"), tag


def stored_hash(place: Place, name: str) -> str | None:
    """The hash of the recipe that a stored image was made from; None where there is no image.

    Reads the registry's storage, so that neither engine nor registry has to run."""
    path, tag = repository(name)
    storage = place.registry / "docker/registry/v2"
    link = storage / "repositories" / path / "_manifests/tags" / tag / "current/link"
    try:
        manifest = _blob(storage, link.read_text())
        config = _blob(storage, manifest["config"]["digest"])
    except FileNotFoundError:
        return None
    labels = config.get("config", {}).get("Labels") or {}
    return str(labels.get(RECIPE_LABEL))


def _blob(storage: Path, digest: str) -> dict[str, Any]:
    kind, _, value = digest.partition(":")
    return dict(json.loads((storage / "blobs" / kind / value[:2] / value / "data").read_bytes()))


def record_sizes(place: Place, names: Iterable[str], folder: Path) -> None:
    """Write the sizes of the images *names* into *folder*, in the form of a catalog's
    ``images.json``. Images that the registry lacks are left out."""
    with closing(engine.client(place)) as client:
        version = client.version()
    platform = f"{version['Os']}/{version['Arch']}"
    found = {name: _recorded(place, name, platform) for name in names}
    file = folder / "images.json"
    file.write_text(json.dumps({name: size for name, size in found.items() if size}))


def _recorded(place: Place, name: str, platform: str) -> dict[str, Any] | None:
    path, tag = repository(name)
    url = f"http://{engine.registry_address(place)}/v2/{path}/manifests/{tag}"
    response = requests.get(url, headers={"Accept": _MANIFEST}, timeout=30)
    if response.status_code == requests.codes.not_found:
        return None
    response.raise_for_status()
    layers = {layer["digest"]: layer["size"] for layer in response.json()["layers"]}
    size = {"download": sum(layers.values()), "layers": layers}
    return {
        "digest": response.headers["Docker-Content-Digest"],
        "recorded": datetime.now(UTC).date().isoformat(),
        "platforms": {platform: size},
    }
