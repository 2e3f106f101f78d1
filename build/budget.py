"""Check the tests' budget: its levels, what all may take together, and the lines of the tests."""

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BUDGET = ROOT / "tests/budget.toml"
MOST_LINES = 1.1
"""Of the tests, for each line of the product."""
LEVELS = {folder.parent.name for folder in ROOT.glob("tests/*/test_*.py")}


def problems(budget: Mapping[str, Any], lines: Mapping[str, int]) -> list[str]:
    """What is wrong with a *budget*; *lines*: of Python below ``tests`` and ``aiserver_tray``."""
    found = []
    units = dict(budget["levels"])
    for feature, allowance in budget["allowances"].items():
        if unknown := allowance.keys() - units.keys():
            found.append(f"{feature} allows for {', '.join(sorted(unknown))}, which is no level")
        for level in allowance.keys() & units.keys():
            units[level] += allowance[level]
    if units.keys() != LEVELS:
        found.append(f"the levels are {', '.join(sorted(LEVELS))}")
    if sum(units.values()) > budget["units"]:
        found.append(f"levels and allowances have {sum(units.values())} units")
    most = int(MOST_LINES * lines["aiserver_tray"])
    if lines["tests"] > most:
        found.append(f"the tests have {lines['tests']} lines of Python, and may have {most}")
    return found


def lines_of(folder: str) -> int:
    """The lines of Python that git has below *folder*, with new files."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = {ROOT / name for name in listed.split("\0") if name.endswith(".py")}
    return sum(file.read_bytes().count(b"\n") for file in files if file.exists())


if __name__ == "__main__":
    content = tomllib.loads(BUDGET.read_text(encoding="utf-8"))
    counted = {folder: lines_of(folder) for folder in ("tests", "aiserver_tray")}
    if found := problems(content, counted):
        sys.exit("\n".join(f"{BUDGET.relative_to(ROOT)}: {problem}" for problem in found))
