"""The Python files of the package: a virtual environment below /usr/lib."""

import re
import sys
from pathlib import Path
from typing import Final

from bundler.inputs import unpacked
from bundler.packages import PROGRAM, installed
from bundler.processes import must
from deb.dependencies import FROM_DEBIAN, compiled, linked
from deb.releases import Release

PACKAGES: Final = (
    *PROGRAM,
    *(word for name in FROM_DEBIAN for word in ("--prune", name)),
)
"""What is not taken from Debian, as options for uv."""

PLACE: Final = Path("usr/lib/aiserver-tray")

_UNUSED: Final = re.compile(
    r"bin/|webview/lib/|webview/platforms/(android|cef|cocoa|edgechromium|mshtml|qt|winforms)"
    r"|PIL/_(avif|webp|imagingcms|imagingft|imagingtk)\b|segno/cli\.py|(.+/)?(tests?|testing)/"
    r"|.+\.(pyi|pxd|pyx|h|c|cpp|hpp|typed|lock)$|.+\.dist-info/(?!METADATA|entry_points\.txt)"
)
"""Codecs that the icon never needs, files for other systems and compilers, a command, and tests."""

_CONFIGURATION: Final = """\
home = /usr/bin
include-system-site-packages = true
version = {python}
"""

_PROGRAM: Final = f"""\
#!/{PLACE}/bin/python3
from aiserver_tray.__main__ import main

main()
"""


def add_environment(root: Path, archive: Path, release: Release) -> Path:
    """Add the environment with the wheel *archive* and the packages that are not Debian's below
    *root*; the folder of its packages. Debian's own packages are visible in it.

    Raises:
        CalledProcessError: a package can't be downloaded, or a tool fails.
    """
    place = root / PLACE
    site = unpacked(archive, place / release.site)
    installed(PACKAGES, "--python", sys.executable, *release.options, "--target", str(site))
    (place / "pyvenv.cfg").write_text(_CONFIGURATION.format(python=release.python))
    (place / "bin").mkdir()
    (place / "bin/python3").symlink_to("../../../bin/python3")
    program = place / "bin/aiserver-tray"
    program.write_text(_PROGRAM)
    program.chmod(0o755)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/aiserver-tray").symlink_to("../lib/aiserver-tray/bin/aiserver-tray")
    return site


def remove_unused(site: Path) -> None:
    """Remove what the program never reads, and symbols for debuggers."""
    ours = site / "aiserver_tray"
    for path in [path for path in site.rglob("*") if path.is_file()]:
        if ours not in path.parents and _UNUSED.match(path.relative_to(site).as_posix()):
            path.unlink()
    needed = _needed(site)
    for path in site.glob("*.libs/*"):
        if path.name not in needed:
            path.unlink()
    for path in sorted(site.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    must("strip", "--strip-unneeded", *map(str, compiled(site)))


def _needed(site: Path) -> set[str]:
    """The names of the libraries that modules are linked with, directly or through others."""
    links = {path: linked(path) for path in compiled(site)}
    found: set[str] = set()
    waiting = [path for path in links if not path.parent.name.endswith(".libs")]
    while waiting:
        more = links[waiting.pop()] - found
        found |= more
        waiting += [path for path in links if path.name in more]
    return found
