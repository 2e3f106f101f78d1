"""The Chinese texts of Python and page: ``locale/zh.po``, a gettext file that Babel keeps.

The English text in the code is the key. ``build/dev.py translate`` adds new texts to the file,
removes those that the code no longer has, and writes the tables that the product reads: JSON for
Python and a module for the page. Unlike gettext's binary files, Git can compare and merge them.
``--check`` only reports what is missing or out of date.
"""

import ast
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path("locale/zh.po")
PYTHON_TABLE = Path("aiserver_tray/locale/zh.json")
PAGE_TABLE = Path("ui/js/locale/zh.js")

# Function -> how many of its arguments are texts.
PYTHON_CALLS = {"Text": 1, "Plural": 2}
# Babel has a parser for JavaScript too, but it fails at nested templates.
_LITERAL = r'"((?:[^"\\\n]|\\.)*)"'
_PAGE_CALL = re.compile(
    rf"(?<![\w.])(?<!function )(?:(?:t|mark)\(\s*{_LITERAL}|tn\(\s*{_LITERAL},\s*{_LITERAL})\s*[,)]"
)
_CALL = re.compile(r"(?<![\w.])(?<!function )(?:t\(\s*[\"'`]|mark\(|tn\()")

# Without Babel's own, which would change with its version and the day.
HEADER = """\
# Chinese texts of AI-Server Tray. After a change, run: python3 build/dev.py translate
msgid ""
msgstr ""
"Language: zh\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""

Id = str | tuple[str, ...]


class NotLiteralError(Exception):
    """A text that is not a literal, so that it can't be found in the code."""

    def __init__(self, file: Path, line: int) -> None:
        super().__init__(f"{file}:{line}: the text has to be one literal to be translated")


@dataclass(frozen=True)
class Texts:
    """The texts in the code. One with a plural is a pair: for one, for several."""

    python: frozenset[Id]
    page: frozenset[Id]


def texts_in_code(root: Path = ROOT) -> Texts:
    """Every ``Text`` and ``Plural`` of Python, and every ``t``, ``tn`` and ``mark`` of the page."""
    return Texts(
        frozenset(_of_files(root / "aiserver_tray", "*.py", _in_python)),
        frozenset(_of_files(root / "ui/js", "*.js", _in_page)),
    )


def _of_files(folder: Path, pattern: str, found: Callable[[Path], Iterator[Id]]) -> Iterator[Id]:
    return (text for file in folder.rglob(pattern) for text in found(file))


def _in_python(file: Path) -> Iterator[Id]:
    for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
        if isinstance(node, ast.Call) and (count := PYTHON_CALLS.get(getattr(node.func, "id", ""))):
            values = [getattr(argument, "value", None) for argument in node.args[:count]]
            texts = tuple(value for value in values if isinstance(value, str))
            if len(texts) < count:
                raise NotLiteralError(file, node.lineno)
            yield texts[0] if count == 1 else texts


def _in_page(file: Path) -> Iterator[Id]:
    script = file.read_text(encoding="utf-8")
    calls = list(_PAGE_CALL.finditer(script))
    for call in _CALL.finditer(script):
        if all(found.start() != call.start() for found in calls):
            raise NotLiteralError(file, script.count("\n", 0, call.start()) + 1)
    for call in calls:
        texts = tuple(json.loads(f'"{text}"') for text in call.groups() if text is not None)
        yield texts[0] if len(texts) == 1 else texts


def read(root: Path = ROOT) -> Catalog:
    """The translations as the file has them."""
    with (root / SOURCE).open("rb") as file:
        return read_po(file, locale="zh")


def updated(catalog: Catalog, texts: Texts) -> Catalog:
    """*catalog* with exactly the texts in the code. A new text that is similar to an earlier one
    gets its translation, marked as fuzzy until somebody has read it."""
    template = Catalog()
    for text in sorted(texts.python | texts.page, key=str):
        template.add(text)
    catalog.update(template)
    return catalog


def problems(catalog: Catalog) -> list[str]:
    """Translations to write or correct."""
    return [f"{what}: {_key(message.id)}" for message in catalog if (what := _problem(message))]


def _problem(message: Message) -> str | None:
    if not message.id:
        return None
    if not _translation(message):
        return "not translated"
    if message.fuzzy:
        return "marked as fuzzy"
    original = message.id if isinstance(message.id, str) else message.id[1]
    if _placeholders(original) != _placeholders(_translation(message)):
        return "other placeholders"
    return None


def _placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _key(text: Sequence[str]) -> str:
    return text if isinstance(text, str) else text[0]


def _translation(message: Message) -> str:
    """Chinese has one form for all numbers."""
    string = message.string or ""
    return string if isinstance(string, str) else "".join(string)


def files(catalog: Catalog, texts: Texts) -> dict[Path, str]:
    """The content of each file that is generated from *catalog*."""
    done = {
        _key(m.id): _translation(m) for m in catalog if m.id and not m.fuzzy and _translation(m)
    }
    return {
        SOURCE: _po(catalog),
        PYTHON_TABLE: _json(_part(done, texts.python), 1),
        PAGE_TABLE: _module(_part(done, texts.page)),
    }


def _part(done: Mapping[str, str], texts: Iterable[Id]) -> dict[str, str]:
    return {key: done[key] for key in map(_key, texts) if key in done}


def _po(catalog: Catalog) -> str:
    content = io.BytesIO()
    write_po(
        content,
        catalog,
        width=0,
        no_location=True,
        omit_header=True,
        sort_output=True,
        ignore_obsolete=True,
        include_previous=True,
    )
    return HEADER + content.getvalue().decode().strip() + "\n"


def _json(table: Mapping[str, str], indent: int) -> str:
    return json.dumps(table, ensure_ascii=False, indent=indent, sort_keys=True) + "\n"


def _module(table: Mapping[str, str]) -> str:
    return (
        f"// @ts-check\n// Made from {SOURCE.as_posix()} by: python3 build/dev.py translate\n"
        f"/** @type {{Record<string, string>}} */\nexport default {_json(table, 2).rstrip()};\n"
    )


def check(root: Path = ROOT) -> list[str]:
    """Translations to write or correct, and files that are out of date."""
    wanted, found = _files_and_problems(root)
    return found + [f"out of date: {name.as_posix()}" for name in _stale(wanted, root)]


def translate(root: Path = ROOT) -> list[str]:
    """Bring the files up to date. Returns the translations to write or correct."""
    wanted, found = _files_and_problems(root)
    for name in _stale(wanted, root):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(wanted[name], encoding="utf-8", newline="\n")
    return found


def _files_and_problems(root: Path) -> tuple[dict[Path, str], list[str]]:
    texts = texts_in_code(root)
    catalog = updated(read(root), texts)
    return files(catalog, texts), problems(catalog)


def _stale(wanted: Mapping[Path, str], root: Path) -> list[Path]:
    return [
        name
        for name, content in wanted.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != content
    ]


def main(arguments: list[str]) -> None:
    """Update the translations; with ``--check`` only check them. Fails if there is work left."""
    try:
        found = check() if arguments == ["--check"] else translate()
    except NotLiteralError as error:
        sys.exit(str(error))
    if found:
        advice = f"Edit {SOURCE.as_posix()}, then run: python3 build/dev.py translate"
        sys.exit("\n".join([*found, advice]))


if __name__ == "__main__":
    main(sys.argv[1:])
