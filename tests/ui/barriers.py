"""Barriers for people who use assistive technology, or another size of the window."""

from aiserver_tray.protocol.message import Json
from developer import axe
from tests.ui.home import HomePage

_FIND = """
const options = { ...arguments[0], resultTypes: ["violations"] };
const { violations } = await axe.run(options);
return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`));
"""
_ALL: Json = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"label-content-name-mismatch": {"enabled": True}},  # axe calls it an experiment
}
_CONTRAST: Json = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# Every part looks as under the pointer until it runs again.
_HOVER = """
const rewrite = (rule) => {
  if (rule.selectorText?.includes(":hover") && !rule.selectorText.includes("[data-hovered]"))
    rule.selectorText = rule.selectorText.replaceAll(":hover", ":is(:hover, [data-hovered] *)");
  [...rule.cssRules ?? []].forEach(rewrite);
};
for (const { cssRules } of document.styleSheets) [...cssRules].forEach(rewrite);
document.documentElement.toggleAttribute("data-hovered");
"""
_OVERFLOWING = """
for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
const wrong = [];
const tell = (part, size, room) =>
  wrong.push(`${part.localName}.${[...part.classList].join(".")}: ${size} of ${room} px`);
const [root, regions] = [document.documentElement, "main, main .scroll, .topbar, .side, dialog"];
for (const part of [root, ...document.querySelectorAll(regions)])
  if (part.scrollWidth > part.clientWidth + 1) tell(part, part.scrollWidth, part.clientWidth);
const isApart = (part) => {  // it scrolls, is cut by intention, or is somewhere else
  if (part.localName === "main") return false;
  const { overflowX, position } = getComputedStyle(part);
  return overflowX !== "visible" || position === "fixed" || isApart(part.parentElement);
};
for (const part of document.querySelectorAll("main *")) {
  const { right, width } = part.getBoundingClientRect();
  if (width && right > innerWidth + 1 && !isApart(part)) tell(part, right, innerWidth);
}
// What is pressed or filled in a table or card is seen without scrolling, and inside of it.
const framed = ":is(.tablehold, .card, .notice) :is(.button, button, input, select, summary)";
for (const part of document.querySelectorAll(framed)) {
  const { right, width } = part.getBoundingClientRect();
  const room = part.closest(".tablehold, .card, .notice").getBoundingClientRect().right;
  if (width && right > room + 1) tell(part, right, room);
}
return wrong;
"""
_LISTS = ("combobox", "listbox", "menuitem", "option", "radio", "slider", "tab")
_USED = frozenset(("button", "checkbox", "link", "searchbox", "switch", "textbox", *_LISTS))


def violations(page: HomePage) -> list[str]:
    """What axe-core finds wrong on *page*, at WCAG 2.2 AA and in names that differ from texts."""
    return _found(page, _ALL)


def faint(page: HomePage) -> list[str]:
    """Texts of *page* without enough contrast when the pointer is on them."""
    page.script(_HOVER)
    found = _found(page, _CONTRAST)
    page.script(_HOVER)
    return found


def dress(page: HomePage, theme: str) -> None:
    """Show *page* in "light" or "dark", as a change of the setting does."""
    page.script("document.documentElement.dataset.theme = arguments[0]", theme)


def _found(page: HomePage, options: Json) -> list[str]:
    if not page.script("return 'axe' in window"):
        page.script(axe.script().read_text(encoding="utf-8"))
    found: list[str] = page.script(_FIND, options)
    return found


def overflowing(page: HomePage) -> list[str]:
    """What is wider than its place, so that it has to be scrolled sideways or is cut off."""
    found: list[str] = page.script(_OVERFLOWING)
    return found


def tree(page: HomePage) -> list[tuple[str, str]]:
    """What a screen reader gets of *page*: role and name of each part."""
    nodes = page.command("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]


def unnamed(nodes: list[tuple[str, str]]) -> list[str]:
    """Roles of the parts of a `tree` that can be used, and have no name."""
    return [role for role, name in nodes if role in _USED and not name.strip()]
