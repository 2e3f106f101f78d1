"""The file ``copyright``, in Debian's machine-readable format
(https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/)."""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from bundler.notices import Notice, components, of_component, of_package, of_page
from developer.machine import ROOT

_US: Final = "aiserver-tray"

_HEAD: Final = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: AI-Server Tray
Comment: The package contains Python packages that Debian does not have in a version that it needs.
 pystray is licensed under the LGPL. You may replace its source files.
"""

_COPYRIGHT: Final = re.compile(r"^\W*(copyright (?:\(c\)|©|\d).*)$", re.MULTILINE | re.IGNORECASE)

_END = r"(?:.*?END OF TERMS AND CONDITIONS|.*\Z)"
_COMMON: Final = (
    (rf"Apache License\s+Version 2\.0, January 2004{_END}", "Apache License 2.0", "Apache-2.0"),
    (
        r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3, 29 June 2007.*\Z",
        "GNU Lesser General Public License 3",
        "LGPL-3",
    ),
    (
        r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1, February 1999.*\Z",
        "GNU Lesser General Public License 2.1",
        "LGPL-2.1",
    ),
    (
        rf"GNU GENERAL PUBLIC LICENSE\s+Version 3, 29 June 2007{_END}",
        "GNU General Public License 3",
        "GPL-3",
    ),
)
"""Texts that every Debian has: pattern, title, file."""


def parts_of(site: Path) -> list[tuple[list[str], Notice]]:
    """The parts from others in the folder *site*, before anything is removed there: patterns of
    their files, and their notices.

    Raises:
        MissingLicenceError: a package has no text of its licence.
    """
    vendored = site / "aiserver_tray/_data/ui/vendor"
    page = [([f"*/{each.name}/*"], each) for each in of_page(vendored)]
    return [*page, *_of_packages(site)]


def copyright_of(parts: Iterable[tuple[list[str], Notice]]) -> str:
    """The file for a package with *parts* of others."""
    own = (ROOT / "LICENSE").read_text(encoding="utf-8")
    ours = _paragraph(["*"], Notice(_US, "", "MIT", "", (own,)))
    return "\n".join([_HEAD, ours, *(_paragraph(files, notice) for files, notice in parts)])


def _of_packages(site: Path) -> Iterator[tuple[list[str], Notice]]:
    known = {component.name: component for component in components()}
    for package in distributions(path=[str(site)]):
        name = package.metadata["Name"]
        if name == _US:
            continue
        notice = of_component(known[name]) if name in known else of_package(package)
        yield _files(package), notice


def _files(package: Distribution) -> list[str]:
    """Patterns of its files."""
    tops = {file.parts[0] for file in package.files or () if file.parts[0] not in ("..", "bin")}
    return sorted(f"*/site-packages/{top}*" for top in tops)


def _paragraph(files: Iterable[str], notice: Notice) -> str:
    text = "\n".join(notice.texts)
    owners = list(dict.fromkeys(_COPYRIGHT.findall(text))) or [f"The authors of {notice.name}"]
    title = re.sub(r"[^\w.+]+", "-", f"{notice.licence or 'licence'} {notice.name}")
    lines = [
        "Files: " + "\n ".join(files),
        "Copyright: " + "\n ".join(owner.strip() for owner in owners),
        f"License: {title}",
        *(f" {line.rstrip() or '.'}" for line in _abridged(text).strip().splitlines()),
    ]
    source = f"Comment: {notice.url}\n" if notice.url else ""
    return "\n".join(lines) + f"\n{source}"


def _abridged(text: str) -> str:
    for pattern, title, name in _COMMON:
        where = f"{title}: see /usr/share/common-licenses/{name}\n"
        text = re.sub(pattern, where, text, flags=re.DOTALL)
    return text
