"""The Python packages that the applet consists of, with their licences."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Final

_US: Final = "aiserver-tray"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_CLASSIFIER: Final = "License :: OSI Approved :: "


@dataclass(frozen=True)
class Package:
    """``licence``: its SPDX expression or name, as the package states it; may be empty."""

    name: str
    version: str
    licence: str


def installed_packages() -> list[Package]:
    """Our package and those that it needs and that are installed, by name."""
    found: dict[str, Package] = {}
    waiting = [_US]
    while waiting:
        name = waiting.pop()
        key = name.lower().replace("_", "-")
        if key in found:
            continue
        try:
            known = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for another system, or an extra that is not used
            continue
        found[key] = Package(known.metadata["Name"], known.version, _licence(known))
        waiting += _required(known)
    return sorted(found.values(), key=lambda package: package.name.lower())


def _required(known: metadata.Distribution) -> Iterator[str]:
    """The names of what *known* needs; what others need for their extras only is left out."""
    is_ours = known.metadata["Name"] == _US
    for requirement in known.requires or ():
        name = _NAME.match(requirement)
        if name and (is_ours or "extra ==" not in requirement):
            yield name[0]


def _licence(known: metadata.Distribution) -> str:
    for field in ("License-Expression", "License"):
        for stated in known.metadata.get_all(field) or ():
            if stated and "\n" not in stated:  # else it is the licence itself
                return str(stated)
    classifiers = known.metadata.get_all("Classifier") or []
    names = [c.removeprefix(_CLASSIFIER) for c in classifiers if c.startswith(_CLASSIFIER)]
    return ", ".join(names)
