"""The packages of Debian that ours depends on, and with which versions."""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from bundler.processes import must
from developer.packages import DESKTOP

FROM_DEBIAN: Final = {
    "bottle": "python3-bottle",
    "certifi": "python3-certifi",
    "charset-normalizer": "python3-charset-normalizer",
    "filelock": "python3-filelock",
    "idna": "python3-idna",
    "keyring": "python3-keyring",
    "markdown-it-py": "python3-markdown-it",
    "pygments": "python3-pygments",
    "python-xlib": "python3-xlib",
    "pyyaml": "python3-yaml",
    "six": "python3-six",
}
"""Python packages that Debian has in a version that ours accept -> Debian's names. Packages whose
private parts we use are not among them: they must have the locked version."""

_RELATIONS: Final = {">=": ">=", "<": "<<", "<=": "<=", ">": ">>"}


class UnmetDependencyError(Exception):
    """Neither our package nor Debian has this."""


def depends(root: Path, site: Path) -> str:
    """The field ``Depends`` for the files below *root*, whose Python packages are in *site*."""
    return ", ".join([*_of_python(), *_of_packages(site), *DESKTOP.values(), *_of_programs(root)])


def _of_python() -> Iterator[str]:
    """Exactly the Python that the compiled modules were made for."""
    major, minor = sys.version_info[:2]
    yield f"python3 (>= {major}.{minor})"
    yield f"python3 (<< {major}.{minor + 1})"


def _of_packages(site: Path) -> Iterator[str]:
    for name, versions in sorted(required(distributions(path=[str(site)])).items()):
        package = FROM_DEBIAN[name]
        bounds = [(_RELATIONS.get(each.operator), each.version) for each in versions]
        relations = [f"{package} ({sign} {version})" for sign, version in bounds if sign]
        yield from sorted(relations) or [package]


def required(found: Iterable[Distribution]) -> dict[str, SpecifierSet]:
    """The Python packages that *found* require of Debian, with the versions that they accept.

    Raises:
        UnmetDependencyError: a package that is not found, and that Debian does not have.
    """
    packages = {canonicalize_name(each.metadata["Name"]): each for each in found}
    wanted: dict[str, SpecifierSet] = {}
    for package in packages.values():
        for requirement in map(Requirement, package.requires or ()):
            name = canonicalize_name(requirement.name)
            # Extras are another's choice, except the one of ours.
            is_used = not requirement.marker or requirement.marker.evaluate({"extra": "desktop"})
            if not is_used or name in packages:
                continue
            if name not in FROM_DEBIAN:
                raise UnmetDependencyError(f"{package.metadata['Name']} requires {requirement}")
            wanted[name] = wanted.get(name, SpecifierSet()) & requirement.specifier
    return wanted


def _of_programs(root: Path) -> Iterator[str]:
    """The libraries that compiled modules need, with the versions of their symbols."""
    modules = [str(path) for path in sorted(root.rglob("*.so*")) if not path.is_symlink()]
    with TemporaryDirectory() as name:
        control = Path(name) / "debian/control"
        control.parent.mkdir()
        control.write_text("Source: aiserver-tray\n\nPackage: aiserver-tray\nArchitecture: any\n")
        words = ["-O", f"-S{root}", "--ignore-missing-info", *(f"-e{each}" for each in modules)]
        printed = must("dpkg-shlibdeps", *words, folder=Path(name))
    yield from printed.strip().removeprefix("shlibs:Depends=").split(", ")
