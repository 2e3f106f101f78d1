"""What the lab's registry holds."""

from typing import Any

import requests

from tests.lab import engine
from tests.lab.place import Place

RECIPE_LABEL = "io.aiserver.lab.recipe"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def repository(name: str) -> tuple[str, str]:
    """Repository and tag in the registry for a name as on Docker Hub, official images included."""
    path, _, tag = name.rpartition(":")
    return (path if "/" in path else f"library/{path}"), tag


def stored_hash(place: Place, name: str) -> str | None:
    """The hash of the recipe that a stored image was made from; None where there is no image."""
    path, tag = repository(name)
    base = f"http://{engine.registry_address(place)}/v2/{path}"
    manifest = _get(f"{base}/manifests/{tag}")
    if manifest is None:
        return None
    config = _get(f"{base}/blobs/{manifest['config']['digest']}") or {}
    labels = config.get("config", {}).get("Labels") or {}
    return str(labels.get(RECIPE_LABEL))


def _get(url: str) -> dict[str, Any] | None:
    response = requests.get(url, headers={"Accept": _MANIFEST}, timeout=30)
    if response.status_code == requests.codes.not_found:
        return None
    response.raise_for_status()
    return dict(response.json())
