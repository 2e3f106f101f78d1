"""What the tables of documentation pages say, for the tests that hold these to the code."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Rows = list[list[str]]


def sections(page: str) -> dict[str, Rows]:
    """Heading (of any level) -> the rows of its tables that begin with a name in code, as cells."""
    found: dict[str, Rows] = {}
    heading = ""
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found.setdefault(heading, []).append(cells)
    return found


def names(cell: str) -> set[str]:
    """The names in code of *cell*; what stands in brackets explains one."""
    return set(re.findall(r"`(\w+)`\??", re.sub(r"\(.*?\)", "", cell)))
