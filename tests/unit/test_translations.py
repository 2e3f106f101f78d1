"""Every message has its Chinese translation, with the same values."""

import ast
import json
from pathlib import Path
from string import Formatter

import aiserver_tray
from aiserver_tray.base.i18n import Text

PACKAGE = Path(aiserver_tray.__file__).parent
TABLE = PACKAGE / "locale/zh.json"


def templates() -> dict[str, str]:
    """Template -> file and line of every ``Text("…")`` in the package."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Text" and node.args:
                where = f"{file.relative_to(PACKAGE)}:{node.lineno}"
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found[first.value] = where
    return found


def names(template: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(template) if field is not None}


def test_every_message_is_translated_and_no_translation_is_left_over() -> None:
    table: dict[str, str] = json.loads(TABLE.read_text(encoding="utf-8"))
    used = templates()
    assert len(used) > 50, "the messages were not found"
    assert sorted(used[template] for template in used.keys() - table.keys()) == []
    assert sorted(table.keys() - used.keys()) == []


def test_translations_use_the_values_of_the_original() -> None:
    table: dict[str, str] = json.loads(TABLE.read_text(encoding="utf-8"))
    assert [
        template for template, chinese in table.items() if names(template) != names(chinese)
    ] == []


def test_a_value_that_is_itself_a_text_is_translated_too() -> None:
    inner = Text("expected one line of text without control characters")
    outer = Text("{name}: {why}", name="n8n.X", why=inner)
    assert outer.render("zh") == f"n8n.X：{inner.render('zh')}"
    assert inner.render("zh") != inner.render("en")
