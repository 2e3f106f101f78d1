"""Names of images, and the sources to pull them from
(https://pkg.go.dev/github.com/distribution/reference)."""

import re
from collections.abc import Sequence

_HUB = ("docker.io", "index.docker.io")


def split(name: str) -> tuple[str, str]:
    """Repository and tag, or repository and digest; without either, the tag ``latest``."""
    repository, _, digest = name.partition("@")
    if digest:
        return repository, digest
    head, colon, tag = repository.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (repository, "latest")


def digest_of(name: str) -> str | None:
    """The digest that *name* asks for."""
    return name.partition("@")[2] or None


def sources(name: str, mirrors: Sequence[str]) -> tuple[str, ...]:
    """The sources of *name*, in order: each mirror (a registry, or a path on one), then its own
    registry.

    A mirror has Docker Hub's images under their path (``library/…`` for official ones), and those
    of another registry under the registry's name, so that no image is mistaken for another. A
    registry with a port can't be part of a path, so it has no mirrors.
    """
    path = _path(name)
    if ":" in path.partition("/")[0]:
        return (name,)
    prefixes = [re.sub(r"^https?://", "", mirror).strip("/") for mirror in mirrors]
    return (*(f"{prefix}/{path}" for prefix in prefixes if prefix), name)


def _path(name: str) -> str:
    registry, slash, rest = name.partition("/")
    if registry in _HUB and slash:
        return _path(rest)
    return name if slash else f"library/{name}"
