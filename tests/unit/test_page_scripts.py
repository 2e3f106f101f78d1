"""What the page's scripts ask for, and what they import."""

import re
from pathlib import Path

import pytest

import aiserver_tray
from aiserver_tray.carriers.http.page import page_names, ui_folder
from aiserver_tray.features.predecessor.channels import PredecessorFeature
from aiserver_tray.protocol.channel import channels_of

UI = ui_folder()

Scripts = dict[str, str]
"""Path below ``ui/js`` -> text."""
OWN: Scripts = {
    path.relative_to(UI / "js").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((UI / "js").rglob("*.js"))
}


@pytest.mark.parametrize("channel", [each.name for each in channels_of(PredecessorFeature)])
def test_the_page_uses_no_channel_that_is_only_kept_for_others(channel: str) -> None:
    """Each operation is started by ``ai/operation/start``."""
    assert [name for name, text in OWN.items() if f'"{channel}"' in text] == []


def test_each_check_of_doctor_has_a_title() -> None:
    sources = (Path(aiserver_tray.__file__).parent / "features/doctor").glob("*.py")
    found = {n for s in sources for n in re.findall(r'Finding\("(\w+)"', s.read_text("utf-8"))}
    titled = re.findall(r"^  (\w+): mark", OWN["pages/doctor/words.js"], re.MULTILINE)
    assert len(found) > 15
    assert found - set(titled) == set()


# -- imports ---------------------------------------------------------------------------------------


def resolved(script: str, reference: str) -> str:
    parts = list(Path(script).parent.parts)
    for part in reference.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def references(script: str, text: str) -> set[str]:
    """The scripts of our own that *script* names: it imports them, now or later, or their types."""
    found = re.findall(r'"(\.\.?/[^"\n]+\.js)"', text)
    return {resolved(script, each) for each in found if "/vendor/" not in each}


def without_comments(text: str) -> str:
    """*text* without the imports of types, which are comments."""
    return re.sub(r"/\*\*.*?\*/", "", text, flags=re.DOTALL)


def circle(scripts: Scripts) -> list[str]:
    """Scripts that import each other, also where one comes later, and those that lead to them."""
    imports = {name: references(name, without_comments(text)) for name, text in scripts.items()}
    while ends := {name for name, imported in imports.items() if not imported & imports.keys()}:
        imports = {name: imported for name, imported in imports.items() if name not in ends}
    return sorted(imports)


BELOW = {
    "base": set[str](),
    "components": {"base"},
    "problems": {"base", "components"},
    "pages": {"base", "components", "problems"},
    "shell": {"base", "components", "problems", "pages", "pages.js"},
    "pages.js": {"base", "pages"},
    "main.js": {"base", "components", "pages", "pages.js", "shell"},
    "gallery.js": {"base", "components", "problems"},
}
"""What stands in ``ui/js`` -> what it may know. Anything may know the texts in ``locale``."""
NEIGHBOURS = {
    ("alerts", "logs"): "marks in a line what a rule looks for",
    ("alerts", "modules"): "restarts the module of an alert",
    ("backups", "home"): "shows how far a backup is, as Home does",
    ("cluster", "backups"): "offers the data of a backup to a deployment",
    ("home", "access"): "says what is open to the network",
    ("home", "alerts"): "shows the active alerts",
    ("home", "backups"): "asks for the recovery key, and says when a backup is overdue",
    ("home", "engine"): "shows the ways to an engine where there is none",
    ("home", "models"): "says when a model server of the stack is off",
    ("home", "modules"): "has the actions on each module",
    ("home", "upgrade"): "says what can be upgraded",
    ("logs", "alerts"): "asks for a rule for a line",
    ("modules", "access"): "has the addresses of a module in a tab",
    ("modules", "backups"): "has the backups of a module in a tab",
    ("modules", "home"): "shows how far a backup of the module is",
    ("modules", "logs"): "has the logs in a tab",
    ("modules", "monitoring"): "has charts and samples in its tabs",
    ("modules", "upgrade"): "shows the upgrade of the module",
    ("monitoring", "alerts"): "asks for a rule for a measure",
    ("settings", "backups"): "asks for the folder of backups",
    ("settings", "engine"): "chooses one of the engines that were found",
    ("settings", "logs"): "has the kept logs in a section",
    ("upgrade", "backups"): "names days as they do",
    ("welcome", "backups"): "offers to restore a file, such as one of another computer",
    ("welcome", "doctor"): "offers the next steps of checks",
    ("welcome", "engine"): "shows the ways to an engine where there is none",
}
"""A page, and another whose parts it shows -> why."""


def page_of(script: str) -> str:
    return Path(script).parts[1].removesuffix(".js")


def is_allowed(script: str, other: str) -> bool:
    room, known = Path(script).parts[0], Path(other).parts[0]
    if room == known == "pages":
        pages = page_of(script), page_of(other)
        return pages[0] == pages[1] or pages in NEIGHBOURS
    return known in ({room, "locale"} | BELOW.get(room, set()))


def wrong_ways(scripts: Scripts) -> list[str]:
    return [
        f"{name} knows {other}"
        for name, text in scripts.items()
        for other in sorted(references(name, text))
        if not is_allowed(name, other)
    ]


def test_no_script_imports_itself_through_others() -> None:
    assert circle(OWN) == []


def test_each_room_of_scripts_knows_only_those_below_it() -> None:
    assert wrong_ways(OWN) == []


def test_no_neighbour_is_listed_that_is_none() -> None:
    pairs = {
        (page_of(name), page_of(other))
        for name, text in OWN.items()
        for other in references(name, text)
        if name.startswith("pages/") and other.startswith("pages/")
    }
    assert pairs >= NEIGHBOURS.keys()


@pytest.mark.parametrize(
    ("script", "text", "found"),
    [
        ("base/a.js", 'import "../components/b.js";', ["base/a.js knows components/b.js"]),
        ("base/a.js", '/** @import { B } from "../shell/b.js" */', ["base/a.js knows shell/b.js"]),
        ("problems/a.js", 'import("../pages/home.js")', ["problems/a.js knows pages/home.js"]),
        ("pages/home.js", 'import "./logs.js";', ["pages/home.js knows pages/logs.js"]),
        ("pages/home/a.js", 'import "../../pages.js";', ["pages/home/a.js knows pages.js"]),
        ("pages/home/a.js", 'import "../home.js";\nimport "./b.js";', []),
        ("pages/settings/a.js", 'import "../logs/b.js";', []),
        ("main.js", '} from "../vendor/lit-html/lit-html.js";', []),
    ],
)
def test_an_import_that_breaks_the_rule_is_found(script: str, text: str, found: list[str]) -> None:
    assert wrong_ways({script: text}) == found


def test_a_circle_is_found_also_where_a_script_comes_later() -> None:
    later = {"a.js": 'import "./b.js";', "b.js": 'import("./a.js");', "c.js": 'import "./a.js";'}
    types = {"a.js": 'import "./b.js";', "b.js": '/** @import { A } from "./a.js" */'}
    assert circle(later) == ["a.js", "b.js", "c.js"]
    assert circle(types) == []


# -- pages -----------------------------------------------------------------------------------------


def test_each_page_has_a_row_a_script_a_style_sheet_and_an_icon() -> None:
    table = OWN["pages.js"].partition("PAGES = {\n")[2].partition("\n};")[0]
    rows = re.findall(r"^  (\w+): \{(.*?)\}(?=,$)", table, re.MULTILINE | re.DOTALL)
    sprites = "".join((UI / f"vendor/lucide-static/{n}.svg").read_text() for n in ("first", "more"))
    assert sorted(name for name, _ in rows) == page_names()
    for name, row in rows:
        assert (UI / f"css/pages/{name}.css").is_file(), name
        assert all(f'id="{icon}"' in sprites for icon in re.findall(r'icon: "([^"]+)"', row)), name
