"""Every text has its Chinese translation with the same values, in Python and in the page."""

import json
import re
from pathlib import Path

import pytest

import translations
from aiserver_tray.base.i18n import Listed, LocalText, Plural, Text
from aiserver_tray.base.masking import MASK, hide
from translations import HEADER, PAGE_TABLE, PYTHON_TABLE, SOURCE, NotLiteralError, texts_in_code

PYTHON = """\
Text("Port {port} " "is free", port=1)
Plural("{count} image", "{count} images", count=2)
"""
PAGE = """\
const WORDS = { up: mark("Starting {names}") };
html`<p>${busy ? html`<b>${t("It doesn't")}</b>` : ""} it's
  ${tn("{count} day", "{count} days", n)}</p> ${t(WORDS[kind])}`;
"""
CHINESE = """\
msgid "It doesn't"
msgstr "没有"

msgid "Port {port} is free"
msgstr "端口 {port} 空闲"

msgid "Starting {names}"
msgstr "正在启动 {names}"

msgid "{count} day"
msgid_plural "{count} days"
msgstr[0] "{count} 天"

msgid "{count} image"
msgid_plural "{count} images"
msgstr[0] "{count} 个镜像"
"""
PYTHON_FILE, PAGE_FILE = Path("aiserver_tray/a.py"), Path("ui/js/b.js")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a text of each kind, all translated."""
    for name, content in ((PYTHON_FILE, PYTHON), (PAGE_FILE, PAGE), (SOURCE, HEADER + CHINESE)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert translations.translate(tmp_path) == []
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.smoke  # it reads every source
def test_every_text_is_translated_and_the_generated_files_are_up_to_date() -> None:
    assert translations.check() == [], "run: python3 build/dev.py translate"
    texts = texts_in_code()
    assert len(texts.python) > 500, "the texts of Python were not found"
    assert len(texts.page) > 50, "the texts of the page were not found"


def test_python_and_page_get_the_texts_that_each_of_them_has(project: Path) -> None:
    assert json.loads((project / PYTHON_TABLE).read_text(encoding="utf-8")) == {
        "Port {port} is free": "端口 {port} 空闲",
        "{count} image": "{count} 个镜像",
    }
    page = (project / PAGE_TABLE).read_text(encoding="utf-8")
    assert dict(re.findall(r'^  "(.+)": "(.+)",?$', page, re.M)) == {
        "It doesn't": "没有",
        "Starting {names}": "正在启动 {names}",
        "{count} day": "{count} 天",
    }
    assert translations.check(project) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [(PYTHON_FILE, 'Text("Quite other")'), (PAGE_FILE, 't("Quite other")')],
    ids=["python", "page"],
)
def test_a_text_without_a_translation_is_reported_and_added_to_the_file(
    project: Path, file: Path, text: str
) -> None:
    with (project / file).open("a", encoding="utf-8") as script:
        script.write(text)
    missing = ["not translated: Quite other"]
    assert translations.check(project) == [*missing, f"out of date: {SOURCE.as_posix()}"]
    assert translations.translate(project) == missing
    assert translations.check(project) == missing
    change(project / SOURCE, 'msgid "Quite other"\nmsgstr ""', 'msgid "Quite other"\nmsgstr "别的"')
    assert translations.translate(project) == []


@pytest.mark.parametrize(
    ("file", "line", "table"),
    [
        (PYTHON_FILE, PYTHON.splitlines()[1], PYTHON_TABLE),
        (PAGE_FILE, PAGE.splitlines()[0], PAGE_TABLE),
    ],
    ids=["python", "page"],
)
def test_a_translation_that_nothing_uses_is_reported_and_removed(
    project: Path, file: Path, line: str, table: Path
) -> None:
    change(project / file, line, "")
    stale = [f"out of date: {name.as_posix()}" for name in (SOURCE, table)]
    assert translations.check(project) == stale
    assert translations.translate(project) == []
    assert translations.check(project) == []


def test_a_changed_text_keeps_its_translation_until_somebody_has_read_it(project: Path) -> None:
    change(project / PAGE_FILE, "Starting {names}", "Starting {names}…")
    fuzzy = ["marked as fuzzy: Starting {names}…"]
    assert translations.translate(project) == fuzzy
    assert "Starting" not in (project / PAGE_TABLE).read_text(encoding="utf-8")
    change(project / SOURCE, "#, fuzzy", "#")
    assert translations.translate(project) == []
    assert "正在启动 {names}" in (project / PAGE_TABLE).read_text(encoding="utf-8")


@pytest.mark.parametrize("wrong", ["端口空闲", "端口 {ports} 空闲", "端口 {port} {name} 空闲"])
def test_a_translation_uses_the_values_of_the_original(project: Path, wrong: str) -> None:
    # One of a plural may leave out the number.
    for file in (PAGE_FILE, SOURCE):
        change(project / file, '"{count} day"', '"One day"')
    assert translations.translate(project) == []
    change(project / SOURCE, "端口 {port} 空闲", wrong)
    assert translations.translate(project) == ["other placeholders: Port {port} is free"]


@pytest.mark.parametrize(
    ("file", "call"),
    [
        (PYTHON_FILE, 'Text(f"{a} b")'),
        (PYTHON_FILE, 'Plural("one", several, count=n)'),
        (PAGE_FILE, 't("a " + b)'),
        (PAGE_FILE, "t('a')"),
        (PAGE_FILE, "t(`${a} b`)"),
        (PAGE_FILE, "mark(a)"),
        (PAGE_FILE, 'tn("one", several, count)'),
    ],
)
def test_a_text_that_is_not_one_literal_is_refused(project: Path, file: Path, call: str) -> None:
    (project / file).write_text(f"\n{call}", encoding="utf-8")
    with pytest.raises(NotLiteralError, match=rf"{re.escape(str(file))}:2: .* one literal"):
        translations.check(project)


# -- as they are shown -----------------------------------------------------------------------------


def test_a_value_that_is_itself_a_text_is_translated_too() -> None:
    inner = Text("expected one line of text without control characters")
    outer = Text("{name}: {why}", name="n8n.X", why=inner)
    assert outer.render("zh") == f"n8n.X：{inner.render('zh')}"
    assert inner.render("zh") != inner.render("en")


def images(count: int, several: str = "{count} images pulled ({time})") -> Plural:
    return Plural("{count} image pulled ({time})", several, count=count, time="3 s")


def test_a_plural_reads_differently_for_one_and_for_several() -> None:
    assert [str(images(count)) for count in (0, 1, 2)] == [
        "0 images pulled (3 s)",
        "1 image pulled (3 s)",
        "2 images pulled (3 s)",
    ]
    assert repr(images(1)) == "Plural('1 image pulled (3 s)')"


def test_plurals_are_equal_where_both_their_texts_and_their_values_are() -> None:
    assert images(2) == images(2)
    assert len({images(2), images(2)}) == 1
    assert images(2) != images(1)
    assert images(2) != images(2, "other")
    one = Text("{count} image pulled ({time})", count=2, time="3 s")
    assert one != images(2)
    assert images(2) != one


def test_a_masked_plural_stays_one() -> None:
    masked = hide(Plural("{count} {name}", "{count} {name}s", count=2, name="secret"), ["secret"])
    assert str(masked) == f"2 {MASK}s"


def test_a_list_of_names_reads_as_in_a_sentence() -> None:
    titles: list[str | LocalText] = [{"en": "Object storage", "zh": "对象存储"}, "n8n", "Dify"]
    known = [Listed(titles[:count]) for count in range(4)]
    assert [one.render("en") for one in known] == [
        "", "Object storage", "Object storage and n8n", "Object storage, n8n and Dify",
    ]  # fmt: skip
    assert Text("needs {names}", names=known[3]).render("zh") == "需要 对象存储、n8n 和 Dify"
    assert hide(Listed(["n8n", "secret"]), ["secret"]).render() == f"n8n and {MASK}"
    assert known[2] == Listed(titles[:2]) != known[3]
