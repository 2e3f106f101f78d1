"""The list of a package's parts, in the form of CycloneDX (https://cyclonedx.org/docs/1.6/json/).

python3 build/dev.py exec -- python build/bundler/sbom.py FILE       of the wheel, as it is locked
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

BUILD: Final = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(BUILD), str(BUILD.parent)]

from bundler.notices import PYPI, Notice, of_page  # noqa: E402 - the path, first

_REGISTRIES: Final = {
    r"https://pypi\.org/project/(.+)/": "pkg:pypi/{}@{}",
    r"https://www\.npmjs\.com/package/(.+)": "pkg:npm/{}@{}",
}
"""Pattern of a part's page -> its address for programs that look for vulnerabilities."""


def write_bill(file: Path, version: str, parts: Iterable[Notice]) -> None:
    """Write to *file* that *version* of the program contains *parts*."""
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _component("application", "aiserver-tray", version, "MIT")},
        "components": [_of(part) for part in parts],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(bill, indent=1, ensure_ascii=False)
    file.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _of(part: Notice) -> dict[str, Any]:
    found = _component("library", part.name, part.version, part.licence or "see its notice")
    if part.url:
        found["externalReferences"] = [{"type": "website", "url": part.url}]
    for pattern, address in _REGISTRIES.items():
        if page := re.fullmatch(pattern, part.url):
            name = page[1].lower().replace("_", "-").replace("@", "%40")  # of an npm scope
            found["purl"] = address.format(name, part.version)
    return found


def _component(kind: str, name: str, version: str, licence: str) -> dict[str, Any]:
    known = {"version": version} if version else {}
    return {"type": kind, "name": name, **known, "licenses": [{"license": {"name": licence}}]}


def main(file: Path) -> None:
    from aiserver_tray import __version__  # noqa: PLC0415 - not in the bundle's Python
    from aiserver_tray.system.engine_install import installed_packages  # noqa: PLC0415

    packages = [
        Notice(each.name, each.version, each.licence, PYPI.format(name=each.name), ())
        for each in installed_packages()
        if each.name != "aiserver-tray"
    ]
    write_bill(file, __version__, [*packages, *of_page(BUILD.parent / "ui/vendor")])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
