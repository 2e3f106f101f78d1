"""Bring the libraries of the dashboard's page into ui/vendor/, as their makers published them.

python3 build/vendor_ui.py        needs npm; writes files, licences and manifest.json

To take a newer version, change it here and run this again. Nobody edits the vendored files; a test
compares them with the manifest.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "ui/vendor"

ICONS = (
    "ban", "boxes", "circle", "circle-check", "circle-dashed", "circle-dot-dashed", "circle-x",
    "database", "external-link", "info", "loader-circle", "play", "plug-zap", "rotate-cw",
    "square", "triangle-alert", "unplug", "x",
)  # fmt: skip


@dataclass
class Package:
    """A package of the npm registry; ``files`` are those that we take, later with their hashes."""

    name: str
    version: str
    licence: str
    files: dict[str, str] = field(default_factory=dict)


LIT = Package("lit-html", "3.3.3", "BSD-3-Clause", dict.fromkeys((
    "LICENSE", "lit-html.js", "directive.js", "directive-helpers.js", "directives/repeat.js",
    "lit-html.d.ts", "directive.d.ts", "directives/repeat.d.ts",
), ""))  # fmt: skip
LUCIDE = Package("lucide-static", "1.62.0", "ISC", {"LICENSE": ""})


def main() -> None:
    """Write ui/vendor/ again."""
    npm = shutil.which("npm")
    if not npm:
        sys.exit("vendor_ui.py: npm is needed; Debian calls its package npm")
    shutil.rmtree(VENDOR, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        for package in (LIT, LUCIDE):
            source = _fetched(npm, package, Path(scratch))
            for name in package.files:
                _write(package, name, (source / name).read_bytes())
            if package is LUCIDE:
                _write(package, "sprite.svg", _sprite(source / "icons").encode())
    manifest = json.dumps([asdict(package) for package in (LIT, LUCIDE)], indent=2)
    (VENDOR / "manifest.json").write_text(manifest + "\n", encoding="utf-8")


def _fetched(npm: str, package: Package, scratch: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    command = [npm, "pack", "--silent", wanted]
    packed = subprocess.run(command, cwd=scratch, check=True, capture_output=True, text=True)
    folder = scratch / package.name
    with tarfile.open(scratch / packed.stdout.split()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def _write(package: Package, name: str, content: bytes) -> None:
    target = VENDOR / package.name / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    package.files[name] = hashlib.sha256(content).hexdigest()


def _sprite(icons: Path) -> str:
    """The icons that we use, as symbols of one file."""
    symbols = []
    for name in ICONS:
        drawing = (icons / f"{name}.svg").read_text(encoding="utf-8")
        inner = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL)
        assert inner, name
        shapes = " ".join(inner[1].split())
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
            f' stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{shapes}</symbol>'
        )
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


if __name__ == "__main__":
    main()
