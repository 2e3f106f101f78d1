"""The notices about the licences of everything that the bundle contains. The bundle's own Python
runs this, so it sees exactly the bundled packages."""

import json
import sqlite3
import ssl
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Final

HERE: Final = Path(__file__).parent
_LOADER: Final = "pyinstaller"
"""Its loader is part of each program."""

_IS_LICENCE: Final = ("licen", "copying", "notice", "copyright")
_LEFT_OUT: Final = ("adodbapi", "isapi", "pythonwin", "mapi")
"""Parts of pywin32 that are not bundled."""

_VERSIONS: Final = {
    "OpenSSL": ssl.OPENSSL_VERSION.split()[1],
    "Python": sys.version.split()[0],
    "SQLite": sqlite3.sqlite_version,
}
"""Of what comes with Python."""

PYPI: Final = "https://pypi.org/project/{name}/"
"""The page of a Python package."""

_RULE: Final = "=" * 80
_BINARY: Final = (".dll", ".pyd", ".so", ".exe", ".zip")

_HEAD: Final = """\
AI-Server Tray is licensed under the MIT licence. It contains the following software of others.

pystray is licensed under the LGPL: its source files are in the folder pystray, and you may replace
them with your own version.
"""


class MissingLicenceError(Exception):
    """A package states no licence text; add it to components.toml."""


@dataclass(frozen=True)
class Component:
    """A part from others. ``files``: patterns of its files."""

    name: str
    licence: str
    url: str
    copyright: str
    text: str
    files: tuple[str, ...]

    def has(self, file: PurePosixPath) -> bool:
        """Whether *file*, relative to the bundle's files, belongs to it. A pattern without a folder
        is for files at the top."""
        name = str(file).lower()
        fitting = [each.lower() for each in self.files if "/" in each or len(file.parts) == 1]
        return any(fnmatch(name, pattern) for pattern in fitting)


@dataclass(frozen=True)
class Notice:
    """What is said about a part from others."""

    name: str
    version: str
    licence: str
    url: str
    texts: tuple[str, ...]

    def __str__(self) -> str:
        licence = f" ({self.licence})" if self.licence else ""
        title = f"{self.name} {self.version}".strip()
        return "\n".join([f"{title} {licence}".rstrip(), self.url, "", *self.texts])


def components() -> list[Component]:
    """The parts that are in no package."""
    table = tomllib.loads((HERE / "components.toml").read_text(encoding="utf-8"))["component"]
    return [Component(**{**row, "files": tuple(row["files"])}) for row in table]


def of_bundle(packages: Iterable[str], vendored: Path) -> list[Notice]:
    """The notices about all components, the Python *packages*, and the page's libraries in the
    folder *vendored*.

    Raises:
        MissingLicenceError: a package has none.
    """
    known = {component.name: component for component in components()}
    names = sorted({*packages, _LOADER} - set(known))
    parts = [of_component(component) for component in known.values()]
    parts += [of_package(metadata.distribution(name)) for name in names]
    return [*parts, *of_page(vendored)]


def write_notices(file: Path, parts: Iterable[Notice]) -> None:
    """Write the licences of *parts* to *file*."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"\n{_RULE}\n".join([_HEAD, *map(str, parts)]), encoding="utf-8", newline="\n")


def of_component(component: Component) -> Notice:
    """The notice about *component*."""
    file = (HERE / "licences" / component.text) if component.text else _pythons()
    texts = (f"{component.copyright}\n", file.read_text(encoding="utf-8"))
    version = _VERSIONS.get(component.name, "")
    return Notice(component.name, version, component.licence, component.url, texts)


def _pythons() -> Path:
    """The licence of the Python that runs here."""
    places = [Path(sys.base_prefix), Path(sysconfig.get_path("stdlib"))]
    return next(file for place in places if (file := place / "LICENSE.txt").exists())


def of_package(found: metadata.Distribution) -> Notice:
    """The notice about a Python package.

    Raises:
        MissingLicenceError: it has no text of its licence.
    """
    name = found.metadata["Name"]
    texts = [
        Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
        for file in found.files or ()
        if _is_licence(PurePosixPath(file.as_posix()))
    ]
    if not texts:
        raise MissingLicenceError(name)
    fields = [found.metadata.get_all(field) for field in ("License-Expression", "License")]
    licence = next((text for text, *_ in filter(None, fields) if "\n" not in text), "")
    url = PYPI.format(name=name)
    return Notice(name, found.version, licence, url, (*texts, *_parts_of(found)))


def _is_licence(file: PurePosixPath) -> bool:
    is_metadata = any(part.endswith(".dist-info") for part in file.parts)
    is_used = not set(file.parts) & set(_LEFT_OUT)
    return is_metadata and is_used and any(word in file.name.lower() for word in _IS_LICENCE)


def _parts_of(found: metadata.Distribution) -> Iterator[str]:
    """What was compiled into a package's binary files, from its bill of materials."""
    files = found.files or []
    if not any(file.suffix in _BINARY for file in files):
        return
    for file in files:
        if "sboms" not in file.parts or file.suffix != ".json":
            continue
        bill = json.loads(Path(str(file.locate())).read_text(encoding="utf-8"))
        lines = sorted({_line(part) for part in bill.get("components", ())})
        yield "\n".join([f"Its binary files contain ({file.name}):", *lines, ""])


def _line(part: dict[str, object]) -> str:
    stated = part.get("licenses")
    names = [str(_licence_in(each)) for each in stated] if isinstance(stated, list) else []
    return f"  {part['name']} {part.get('version', '')} ({', '.join(names) or 'not stated'})"


def _licence_in(stated: dict[str, object]) -> object:
    licence = stated.get("license")
    named = licence.get("id") or licence.get("name") if isinstance(licence, dict) else None
    return stated.get("expression") or named or "not stated"


def of_page(vendored: Path) -> Iterator[Notice]:
    """The notices about the page's libraries in the folder *vendored*."""
    for library in json.loads((vendored / "manifest.json").read_text(encoding="utf-8")):
        name = library["name"]
        text = (vendored / name / "LICENSE").read_text(encoding="utf-8")
        url = f"https://www.npmjs.com/package/{name}"
        yield Notice(name, library["version"], library["licence"], url, (text,))


def unknown_files(bundle: Path) -> list[str]:
    """The binary files below the folder *bundle* that neither a package nor a component has."""
    recorded = {
        line.rpartition(",")[0].rpartition(",")[0].replace("\\", "/")
        for record in bundle.glob("*.dist-info/RECORD")
        for line in record.read_text(encoding="utf-8").splitlines()
    }
    named = components()
    return [
        str(file)
        for file in sorted(
            PurePosixPath(path.relative_to(bundle).as_posix()) for path in bundle.rglob("*")
        )
        if file.suffix.lower() in _BINARY
        and str(file) not in recorded
        and not any(component.has(file) for component in named)
    ]
