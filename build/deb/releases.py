"""The releases of Debian and Ubuntu that have a package, each its own."""

from dataclasses import dataclass
from typing import Final

from developer.machine import PROCESSOR

_GLIBC: Final = "manylinux_2_28"
"""Older than that of each release."""


@dataclass(frozen=True)
class Release:
    """A release, by the name in the file names of packages. ``python``: the version of its Python,
    for which compiled modules are made."""

    name: str
    python: str

    @property
    def site(self) -> str:
        """The folder of Python's packages, below that of an environment."""
        return f"lib/python{self.python}/site-packages"

    @property
    def options(self) -> tuple[str, ...]:
        """The options for uv that choose packages for it, whatever release this machine has."""
        return ("--python-version", self.python, "--python-platform", f"{PROCESSOR}-{_GLIBC}")

    @property
    def markers(self) -> dict[str, str]:
        """What conditions in requirements can ask for."""
        return {"python_version": self.python, "python_full_version": f"{self.python}.0"}


DEBIAN_12: Final = Release("debian12", "3.11")
DEBIAN_13: Final = Release("debian13", "3.13")
UBUNTU_24: Final = Release("ubuntu24.04", "3.12")
RELEASES: Final = (DEBIAN_12, DEBIAN_13, UBUNTU_24)
