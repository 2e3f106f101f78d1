"""The page's links to all scripts that it begins with, so that a browser asks for them at once and
need not find one through the other."""

import re
from pathlib import Path, PurePosixPath

_IMPORT = re.compile(r'^(?:import|\} from|import .* from|export .* from) "(\.[^"]+)"', re.M)
_LINK = re.compile(r' *<link rel="modulepreload" [^>]*>\n')
_MAIN = '  <script type="module" src="js/main.js"></script>\n'


def imported(folder: Path, script: PurePosixPath) -> list[PurePosixPath]:
    """*script* of *folder* and what it needs before it runs, each once."""
    found: dict[PurePosixPath, None] = {}
    waiting = [script]
    while waiting:
        current = waiting.pop(0)
        if current in found:
            continue
        found[current] = None
        text = (folder / current).read_text(encoding="utf-8")
        for name in _IMPORT.findall(text):
            path = (folder / current.parent / name).resolve().relative_to(folder.resolve())
            waiting.append(PurePosixPath(path.as_posix()))
    return list(found)


def with_preloads(page: str, folder: Path) -> str:
    """*page*, the text of ``index.html`` in *folder*, with the links."""
    _, *others = imported(folder, PurePosixPath("js/main.js"))
    links = "".join(f'  <link rel="modulepreload" href="{other}">\n' for other in sorted(others))
    before, main, after = _LINK.sub("", page).partition(_MAIN)
    assert main, "index.html does not load js/main.js"
    return f"{before}{links}{main}{after}"
