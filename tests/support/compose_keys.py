"""Which keys of the Compose model the corpus uses.

A key is a dotted path with ``*`` for each user's name and list index, and ``x-*`` for extensions:
``services.*.healthcheck.start_interval``.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel

from aiserver_tray.catalog.compose.files import read_documents
from aiserver_tray.catalog.compose.project import Project


def model_keys() -> frozenset[str]:
    """Every key that our models know."""
    return frozenset(_keys_of(Project, ""))


def _keys_of(annotation: object, prefix: str) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            key = field.alias or name
            if not key.startswith("#"):
                yield (below := _join(prefix, key))
                yield from _keys_of(field.annotation, below)
    elif get_origin(annotation) in (dict, list):
        yield (below := _join(prefix, "*"))
        yield from _keys_of(get_args(annotation)[-1], below)
    else:
        for argument in get_args(annotation):
            yield from _keys_of(argument, prefix)


def used_keys(files: Collection[Path], known: Collection[str]) -> frozenset[str]:
    """Every key in *files*; *known* keys tell the places of names."""
    return frozenset(
        key
        for file in files
        for document in read_documents(file)
        for key in _used(document.tree, "", known)
    )


def _used(tree: object, prefix: str, known: Collection[str]) -> Iterator[str]:
    if isinstance(tree, list):
        items = [("*", item) for item in tree]
    elif isinstance(tree, dict):
        items = [(_step(key, prefix, known), item) for key, item in tree.items()]
    else:
        return
    for step, item in items:
        yield (below := _join(prefix, step))
        if step != "x-*":
            yield from _used(item, below, known)


def _step(key: str, prefix: str, known: Collection[str]) -> str:
    if _join(prefix, "*") in known and _join(prefix, key) not in known:
        return "*"
    return "x-*" if key.startswith("x-") else key


def _join(prefix: str, key: str) -> str:
    return f"{prefix}.{key}" if prefix else key
