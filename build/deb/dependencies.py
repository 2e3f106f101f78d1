"""The packages of Debian that ours depends on, and with which versions."""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from bundler.packages import LEFT_OUT
from bundler.processes import must
from deb.releases import Release
from developer.packages import DESKTOP

FROM_DEBIAN: Final = {
    "charset-normalizer": "python3-charset-normalizer",
    "jeepney": "python3-jeepney",
    "pygments": "python3-pygments",
    "python-xlib": "python3-xlib",
    "pyyaml": "python3-yaml",
    "secretstorage": "python3-secretstorage",
    "six": "python3-six",
}
"""Python packages that each release has in a version that ours accept -> Debian's names. Packages
whose private parts we use are not among them: they must have the locked version."""

_LIBRARIES: Final = {
    "ld-linux-aarch64.so.1": "libc6 (>= 2.28)",
    "ld-linux-x86-64.so.2": "libc6 (>= 2.28)",
    "libc.so.6": "libc6 (>= 2.28)",
    "libdl.so.2": "libc6 (>= 2.28)",
    "libgcc_s.so.1": "libgcc-s1",
    "libm.so.6": "libc6 (>= 2.28)",
    "libpthread.so.0": "libc6 (>= 2.28)",
    "librt.so.1": "libc6 (>= 2.28)",
    "libstdc++.so.6": "libstdc++6 (>= 8)",
    "libz.so.1": "zlib1g",
}
"""Libraries that wheels may expect of a system -> Debian's packages, in the versions that the
wheels are made for (`Release.options`)."""

_RELATIONS: Final = {">=": ">=", "<": "<<", "<=": "<=", ">": ">>"}


class UnmetDependencyError(Exception):
    """Neither our package nor Debian has this."""


def depends(site: Path, release: Release) -> str:
    """The field ``Depends`` for the Python packages in the folder *site*."""
    packages = _of_packages(site, release)
    return ", ".join([*_of_python(release), *packages, *DESKTOP.values(), *_of_modules(site)])


def _of_python(release: Release) -> Iterator[str]:
    """Exactly the Python that the compiled modules were made for."""
    major, minor = map(int, release.python.split("."))
    yield f"python3 (>= {major}.{minor})"
    yield f"python3 (<< {major}.{minor + 1})"


def _of_packages(site: Path, release: Release) -> Iterator[str]:
    found = required(distributions(path=[str(site)]), release.markers)
    for name, versions in sorted(found.items()):
        package = FROM_DEBIAN[name]
        bounds = [(_RELATIONS.get(each.operator), each.version) for each in versions]
        relations = [f"{package} ({sign} {version})" for sign, version in bounds if sign]
        yield from sorted(relations) or [package]


def required(found: Iterable[Distribution], markers: Mapping[str, str]) -> dict[str, SpecifierSet]:
    """The Python packages that *found* require of Debian, with the versions that they accept, where
    *markers* are those of the release.

    Raises:
        UnmetDependencyError: a package that is not found, and that Debian does not have.
    """
    packages = {canonicalize_name(each.metadata["Name"]): each for each in found}
    wanted: dict[str, SpecifierSet] = {}
    for package in packages.values():
        for requirement in map(Requirement, package.requires or ()):
            name = canonicalize_name(requirement.name)
            # Extras are another's choice, except the ones of ours.
            is_used = not requirement.marker or any(
                requirement.marker.evaluate({"extra": extra, **markers})
                for extra in ("desktop", "mcp")
            )
            if not is_used or name in packages or name == LEFT_OUT:
                continue
            if name not in FROM_DEBIAN:
                raise UnmetDependencyError(f"{package.metadata['Name']} requires {requirement}")
            wanted[name] = wanted.get(name, SpecifierSet()) & requirement.specifier
    return wanted


def compiled(site: Path) -> list[Path]:
    """The compiled modules and libraries below the folder *site*."""
    return sorted(site.rglob("*.so*"))


def linked(module: Path) -> set[str]:
    """The names of the libraries that the compiled *module* is linked with."""
    printed = must("objdump", "--private-headers", str(module))
    return set(re.findall(r"^ +NEEDED +(\S+)$", printed, re.MULTILINE))


def _of_modules(site: Path) -> list[str]:
    """The libraries that compiled modules need.

    Raises:
        UnmetDependencyError: one that neither our package nor Debian has.
    """
    modules = compiled(site)
    needed = set().union(*map(linked, modules)) - {path.name for path in modules}
    if unknown := needed - _LIBRARIES.keys():
        raise UnmetDependencyError(f"compiled modules need {', '.join(sorted(unknown))}")
    return sorted({_LIBRARIES[name] for name in needed})
