"""Write what is generated from the package's declarations.

python3 build/dev.py generate     the tables of JSON forms in docs/json.md
python3 build/dev.py check        fails if they are out of date
"""

import sys
from pathlib import Path

from generator.pages import Tables, sections, written

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("docs/json.md",)


def outputs() -> dict[Path, str]:
    """Each generated file -> its content."""
    pages = {ROOT / page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
    known = sections({page.name: text for page, text in pages.items()})
    return {page: written(text, Tables(page.name, known)) for page, text in pages.items()}


def main(arguments: list[str]) -> None:
    """Write every file that is out of date; with ``--check``, exit with their names."""
    stale = {
        path: content
        for path, content in outputs().items()
        if path.read_text(encoding="utf-8") != content
    }
    if arguments == ["--check"]:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"out of date: {names}; run build/dev.py generate" if stale else 0)
    for path, content in stale.items():
        path.write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
