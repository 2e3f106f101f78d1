"""What the page is made of: no build, nothing evaluated, all legible."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from aiserver_tray.carriers.http.page import ui_folder
from aiserver_tray.state.progress import CONDITIONS, STATES

UI = ui_folder()
VENDOR = UI / "vendor"
OWN_SCRIPTS = sorted((UI / "js").rglob("*.js"))
EVERY_SCRIPT = "\n".join(path.read_text(encoding="utf-8") for path in OWN_SCRIPTS)


def test_vendored_files_are_as_their_makers_published_them() -> None:
    packages = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
    listed = {
        f"{package['name']}/{name}": hash_
        for package in packages
        for name, hash_ in package["files"].items()
    }
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert found == listed
    assert all(f"{package['name']}/LICENSE" in listed for package in packages)


@pytest.mark.parametrize("script", OWN_SCRIPTS, ids=lambda path: path.name)
def test_a_script_needs_no_build_and_evaluates_nothing(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert text.startswith("// @ts-check")
    for imported in re.findall(r'^(?:import|\} from|import .* from) "([^"]+)"', text, re.M):
        assert (script.parent / imported).resolve().is_file(), imported
    for forbidden in ("innerHTML", "outerHTML", "unsafeHTML", "eval(", "new Function", 'style="'):
        assert forbidden not in text


def test_only_the_bridge_knows_the_carrier() -> None:
    for script in OWN_SCRIPTS:
        if script.name != "bridge.js":
            for word in ("pywebview", "EventSource"):
                assert word not in script.read_text(encoding="utf-8"), script


def test_the_page_itself_has_neither_scripts_nor_styles_inline() -> None:
    page = (UI / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|style=|<script(?! (?:type=\"module\" )?src=)| on\w+=", page)


def test_a_state_has_one_word_in_the_page_the_menu_and_the_command_line() -> None:
    words = (UI / "js/base/format.js").read_text(encoding="utf-8")
    page = dict(re.findall(r'^  (\w+): \{ word: mark\("([^"]+)"\)', words, re.M))
    assert page == {name: str(text) for name, text in CONDITIONS.items()}
    for name, text in STATES.items():
        assert (str(text).lower(), text.render("zh")) == (
            page[name].lower(),
            CONDITIONS[name].render("zh"),
        )


# -- colours ---------------------------------------------------------------------------------------


def tokens(theme: int) -> dict[str, str]:
    """Token -> colour; *theme* 0 is light, 1 dark."""
    text = (UI / "css/tokens.css").read_text(encoding="utf-8")
    raw = dict(re.findall(r"--([\w-]+): (.+?);", text))

    def value(name: str) -> str:
        found = raw[name]
        if pair := re.fullmatch(r"light-dark\((.+), (.+)\)", found):
            found = pair[theme + 1]
        inner = re.fullmatch(r"var\(--([\w-]+)\)", found)
        return value(inner[1]) if inner else found

    return {name: colour for name in raw if (colour := value(name)).startswith("#")}


def luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))


def mixed(top: str, ground: str, share: float) -> tuple[float, ...]:
    return tuple(a * share + b * (1 - share) for a, b in zip(rgb(top), rgb(ground), strict=True))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_enough_contrast(theme: int) -> None:
    """4.5 to 1, as WCAG 2 asks of text."""
    colour = tokens(theme)
    grounds = [rgb(colour[name]) for name in ("surface-1", "surface-2", "well")]
    hues = [name for name in colour if name.startswith("m-")]
    words = ("text", "text-muted", "text-faint", "ok", "busy", "bad", "idle", "info")
    for name in (*words, *hues):
        assert min(contrast(rgb(colour[name]), ground) for ground in grounds) >= 4.5, name
    for name in ("ok", "busy", "bad", "idle"):
        pill = mixed(colour[name], colour["surface-2"], 0.10)
        assert contrast(rgb(colour[name]), pill) >= 4.5, name
    for name in ("info", "busy", "bad"):
        notice = mixed(colour[name], colour["surface-2"], 0.10)
        assert contrast(rgb(colour["text-muted"]), notice) >= 4.5, name
    for name in ("accent", "accent-hover", "danger", "danger-hover"):
        assert contrast(rgb(colour["on-accent"]), rgb(colour[name])) >= 4.5, name
    for name in ("focus", "control-line", "ok-fill", "busy-fill", "bad-fill"):
        assert min(contrast(rgb(colour[name]), ground) for ground in grounds) >= 3, name
