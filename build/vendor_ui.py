"""Bring the libraries of the dashboard's page into ui/vendor/, as their makers published them, with
PATCHES.

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
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "ui/vendor"

FIRST_ICONS = (
    "archive", "archive-restore", "arrow-down", "ban", "bell", "book-open-text", "bot", "boxes",
    "chart-area", "check", "chevron-down", "chevron-up", "circle", "circle-alert", "circle-check",
    "circle-dashed", "circle-dot-dashed", "circle-x", "cloud-download", "copy", "database",
    "ellipsis", "external-link", "globe", "history", "house", "info", "loader-circle", "orbit",
    "package", "panel-left", "pencil", "play", "plus", "rotate-cw", "scan-search", "scroll-text",
    "search", "settings", "shield-check", "square", "stethoscope", "text-search", "trash-2",
    "triangle-alert", "unplug", "waypoints", "workflow", "wrench", "x", "zap",
)  # fmt: skip
"""Those of the frame, of Home and of the built-in modules."""

MORE_ICONS = (
    "activity", "alarm-clock", "app-window", "arrow-down-to-line", "arrow-left", "arrow-right",
    "arrow-up", "arrow-up-down", "arrow-up-right", "at-sign", "audio-lines", "badge-check",
    "bell-off", "binary", "blocks", "book", "bookmark", "braces", "brain", "bug", "cable",
    "calendar", "calendar-clock", "camera", "case-sensitive", "chart-column", "chart-line",
    "chart-pie", "chevron-left", "chevron-right", "circle-arrow-up", "circle-dot", "circle-help",
    "circle-pause", "circle-play", "circle-plus", "circle-slash", "circle-stop", "circle-user",
    "clock", "cloud", "cloud-off", "code", "command", "component", "container",
    "corner-down-left", "cpu", "download", "download-cloud", "ellipsis-vertical", "eraser", "eye",
    "eye-off", "file", "file-archive", "file-json", "file-text", "filter", "flag",
    "flask-conical", "folder", "folder-open", "funnel", "gauge", "git-branch", "graduation-cap",
    "grip-vertical", "hard-drive", "hard-drive-download", "hash", "heart", "hourglass", "image",
    "key", "key-round", "keyboard", "languages", "laptop", "layers", "layout-dashboard",
    "layout-grid", "library", "life-buoy", "lightbulb", "link", "list", "list-filter", "lock",
    "lock-open", "mail", "map", "maximize", "memory-stick", "message-square",
    "message-square-warning", "messages-square", "mic", "microscope", "minimize", "minus",
    "monitor", "moon", "mouse-pointer-click", "move", "music", "network", "newspaper",
    "octagon-alert", "octagon-x", "palette", "panel-right", "pause", "pin", "plug", "plug-zap",
    "power", "printer", "puzzle", "radio", "refresh-cw", "regex", "repeat", "rocket",
    "rotate-ccw", "rss", "save", "send", "server", "server-cog", "server-off", "share-2",
    "shield", "shield-alert", "shield-x", "shopping-cart", "shuffle", "skip-forward",
    "sliders-horizontal", "smartphone", "sparkles", "speech", "square-pen", "square-terminal",
    "star", "step-forward", "store", "sun", "table", "tablet-smartphone", "tag", "tags",
    "terminal", "thermometer", "timer", "toggle-left", "trash", "undo-2", "upload", "user",
    "users", "video", "wallet", "wand-sparkles", "webhook", "wifi-off", "wrap-text",
)  # fmt: skip
"""Those of other pages, and those that a user's own module may choose."""


@dataclass
class Package:
    """A package of the npm registry; ``files`` are those that we take, later with their hashes."""

    name: str
    version: str
    licence: str
    files: dict[str, str] = field(default_factory=dict)


# 3.3.1 to 3.3.3 leave a comment in the page for each item that `repeat` removes (lit/lit#5298).
LIT = Package("lit-html", "3.3.0", "BSD-3-Clause", dict.fromkeys((
    "LICENSE", "lit-html.js", "async-directive.js", "directive.js", "directive-helpers.js",
    "directives/guard.js", "directives/repeat.js",
    "lit-html.d.ts", "async-directive.d.ts", "directive.d.ts",
    "directives/guard.d.ts", "directives/repeat.d.ts",
), ""))  # fmt: skip
UPLOT = Package("uplot", "1.6.32", "MIT", dict.fromkeys((
    "LICENSE", "dist/uPlot.esm.js", "dist/uPlot.esm.d.ts", "dist/uPlot.min.css",
), ""))  # fmt: skip
LUCIDE = Package("lucide-static", "1.62.0", "ISC", {"LICENSE": ""})
XTERM = Package("@xterm/xterm", "6.0.0", "MIT", dict.fromkeys((
    "LICENSE", "lib/xterm.js", "typings/xterm.d.ts", "css/xterm.css",
), ""))  # fmt: skip
PACKAGES = (LIT, UPLOT, LUCIDE, XTERM)
PUBLISHED_AS = {"dist/uPlot.esm.d.ts": "dist/uPlot.d.ts", "lib/xterm.js": "lib/xterm.mjs"}
"""The compiler looks for types beside the script, under its name. Scripts are served as modules by
the ending js."""
PATCHES = {
    "lib/xterm.js": (
        (b'createElement("style")', b'createElement("sheet-text")'),
        (
            b't.setAttribute("style",`${t.getAttribute("style")||""}${e};`)',
            b"t.style.cssText+=`${e};`",
        ),
    ),
}
"""What is replaced in a file. The page's policy forbids style sheets and styles in the page's text;
those that scripts make are allowed. The element is in ui/js/pages/modules/terminal/screen.js."""


def main() -> None:
    """Write ui/vendor/ again."""
    npm = shutil.which("npm")
    if not npm:
        sys.exit("vendor_ui.py: npm is needed; Debian calls its package npm")
    shutil.rmtree(VENDOR, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        for package in PACKAGES:
            source = _fetched(npm, package, Path(scratch))
            for name in package.files:
                content = (source / PUBLISHED_AS.get(name, name)).read_bytes()
                _write(package, name, _patched(name, content))
            if package is LUCIDE:
                for name, icons in (("first.svg", FIRST_ICONS), ("more.svg", MORE_ICONS)):
                    _write(package, name, _sprite(source / "icons", icons).encode())
    manifest = json.dumps([asdict(package) for package in PACKAGES], indent=2)
    (VENDOR / "manifest.json").write_text(manifest + "\n", encoding="utf-8")


def _fetched(npm: str, package: Package, scratch: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    command = [npm, "pack", "--silent", wanted]
    packed = subprocess.run(command, cwd=scratch, check=True, capture_output=True, text=True)
    folder = scratch / package.name
    with tarfile.open(scratch / packed.stdout.split()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def _patched(name: str, content: bytes) -> bytes:
    for before, after in PATCHES.get(name, ()):
        assert before in content, (name, before)
        content = content.replace(before, after)
    return content


def _write(package: Package, name: str, content: bytes) -> None:
    target = VENDOR / package.name / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    package.files[name] = hashlib.sha256(content).hexdigest()


def _sprite(folder: Path, icons: Sequence[str]) -> str:
    """*icons* as symbols of one file. How they are drawn is said by the class `icon`."""
    symbols = []
    for name in icons:
        drawing = (folder / f"{name}.svg").read_text(encoding="utf-8")
        inner = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL)
        assert inner, name
        shapes = " ".join(inner[1].split())
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


if __name__ == "__main__":
    main()
