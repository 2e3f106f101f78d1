"""Barriers for people who use assistive technology."""

from developer import axe
from tests.ui.home import HomePage

_FIND = """
const { violations } = await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] });
return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`));
"""


def violations(page: HomePage) -> list[str]:
    """What axe-core finds wrong on *page*, at WCAG 2.2 AA."""
    page.script(axe.script().read_text(encoding="utf-8"))
    found: list[str] = page.script(_FIND)
    return found
