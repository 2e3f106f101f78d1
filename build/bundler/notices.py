"""The notices about the licences of everything that the bundle contains. The bundle's own Python
runs this, so it sees exactly the bundled packages."""

import json
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


def components() -> list[Component]:
    """The parts that are in no package."""
    table = tomllib.loads((HERE / "components.toml").read_text(encoding="utf-8"))["component"]
    return [Component(**{**row, "files": tuple(row["files"])}) for row in table]


def write_notices(file: Path, packages: Iterable[str], vendored: Path) -> None:
    """Write to *file* the licences of all components, of the Python *packages* and of the page's
    libraries in the folder *vendored*.

    Raises:
        MissingLicenceError: a package has none.
    """
    known = {component.name: component for component in components()}
    parts = [_of_component(component) for component in known.values()]
    parts += [_of_package(name) for name in sorted({*packages, _LOADER}) if name not in known]
    parts += _of_page(vendored)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"\n{_RULE}\n".join([_HEAD, *parts]), encoding="utf-8", newline="\n")


def _of_component(component: Component) -> str:
    text = (HERE / "licences" / component.text) if component.text else _pythons()
    title = f"{component.name}  ({component.licence})\n{component.url}\n"
    return "\n".join([title, component.copyright, "", text.read_text(encoding="utf-8")])


def _pythons() -> Path:
    """The licence of the Python that runs here."""
    places = [Path(sys.base_prefix), Path(sysconfig.get_path("stdlib"))]
    return next(file for place in places if (file := place / "LICENSE.txt").exists())


def _of_package(name: str) -> str:
    found = metadata.distribution(name)
    texts = [
        Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
        for file in found.files or ()
        if _is_licence(PurePosixPath(file.as_posix()))
    ]
    if not texts:
        raise MissingLicenceError(name)
    fields = [found.metadata.get_all(name) for name in ("License-Expression", "License")]
    stated = next((text for text, *_ in filter(None, fields) if "\n" not in text), "")
    licence = f"  ({stated})" if stated else ""
    title = f"{found.metadata['Name']} {found.version}{licence}\nhttps://pypi.org/project/{name}/\n"
    return "\n".join([title, *texts, *_parts_of(found)])


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


def _of_page(vendored: Path) -> Iterator[str]:
    for library in json.loads((vendored / "manifest.json").read_text(encoding="utf-8")):
        title = f"{library['name']} {library['version']}  ({library['licence']})\n"
        url = f"https://www.npmjs.com/package/{library['name']}\n"
        text = (vendored / library["name"] / "LICENSE").read_text(encoding="utf-8")
        yield "\n".join([title + url, text])


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
