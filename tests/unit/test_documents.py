"""The documents: links lead somewhere, commands exist, and both READMEs say the same."""

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from unittest.mock import patch
from urllib.parse import unquote

import click
import pytest
from PIL import Image, ImageChops

import tray_pictures
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.cli import root
from developer.command_line import parse
from tests.support.documents import (
    ELSEWHERE,
    GUIDE,
    PAGES,
    README,
    REFERENCE,
    elsewhere,
    mentioned,
    typed,
    words_of,
)
from tests.support.markdown import ROOT, Page, page
from tests.support.pictures import for_documents

DEV = "build/dev.py"
CHINESE = page(ROOT / "README.zh.md")


def tree(kind: type[AiServerError]) -> Iterator[type[AiServerError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


def commands(pages: Sequence[Page]) -> list[tuple[str, str]]:
    """Each page's name and command that it tells a reader to type."""
    return [(each.name, line) for each in pages for line in each.console]


def named_commands() -> Iterator[tuple[str, str]]:
    """Each page's name and command that it mentions in its text."""
    for each in PAGES:
        for span in each.spans:
            if re.match(r"aiserver-tray |(?:python3 |py )?build[/\\]dev\.py ", span):
                yield each.name, span


# -- links -----------------------------------------------------------------------------------------


def test_each_link_leads_to_a_file_and_a_heading_in_it() -> None:
    broken = [
        f"{each.name}: {target}"
        for each in PAGES
        for target in (*each.links, *each.pictures)
        if not re.match(r"[a-z]+:", target) and not leads_somewhere(each.path, target)
    ]
    assert not broken


def leads_somewhere(source: Path, target: str) -> bool:
    file, _, anchor = unquote(target).partition("#")
    path = (source.parent / file).resolve() if file else source
    if not path.exists() or not path.is_relative_to(ROOT):
        return False
    return not anchor or anchor in page(path).anchors


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    text = "# Top\n\n## The `--json` option\n\n[![a](docs/none.png)](docs/errors.md)\n"
    (tmp_path / "a.md").write_text(text)
    one = page(tmp_path / "a.md")

    assert one.anchors == {"top", "the---json-option"}
    assert (one.links, one.pictures) == (["docs/errors.md"], ["docs/none.png"])
    assert leads_somewhere(ROOT / "README.md", "docs/errors.md#error-codes")
    assert not leads_somewhere(ROOT / "README.md", "docs/none.png")
    assert not leads_somewhere(ROOT / "README.md", "docs/errors.md#error-code")


def test_each_picture_is_shown_somewhere() -> None:
    shown = {(each.path.parent / target).resolve() for each in PAGES for target in each.pictures}
    assert set((ROOT / "docs/pictures").iterdir()) <= shown


def test_a_small_mark_in_a_picture_keeps_its_colour() -> None:
    """Beside greys, blues and greens in thousands of shades, as shadows and charts have them."""
    shades = Image.radial_gradient("L")
    picture = Image.merge("RGB", (shades, shades.rotate(90), Image.linear_gradient("L")))
    marks = ["#c9302c", "#ff8f87", "#f2b84b", "#5fd38d"]
    for place, colour in enumerate(marks):
        picture.paste(colour, (8 * place, 0, 8 * place + 4, 4))
    shown = for_documents(picture).convert("RGB")
    apart = ImageChops.difference(picture.crop((0, 0, 32, 4)), shown.crop((0, 0, 32, 4)))
    assert all(max(band.histogram()[16:]) == 0 for band in apart.split())


def test_each_page_is_in_the_index() -> None:
    index = page(ROOT / "docs/README.md")
    linked = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links}
    documents = {each.path for each in PAGES if each.path.is_relative_to(ROOT / "docs")}
    assert documents - {index.path} <= linked


def test_the_icons_are_drawn_by_the_tray_itself() -> None:
    for state in tray_pictures.STATES:
        with Image.open(tray_pictures.path(state)) as file:
            bands = ImageChops.difference(file, tray_pictures.drawn(state)).split()
            # Pillow's versions differ a little.
            assert not any(band.point(lambda value: value >= 32).getbbox() for band in bands), (
                "run: python3 build/dev.py exec -- python build/tray_pictures.py"
            )


# -- commands --------------------------------------------------------------------------------------


def understood(line: str) -> None:
    """Read the command *line* as the program does, without running it. Raises an exception if it is
    no valid command."""
    words = words_of(line)
    if words[0] == "build/dev.py":
        options = parse(words[1:])
        words = [word for word in options.words if word != "--yes"]
        words = ["aiserver-tray", *words] if options.command == "run" else []
    if words[:1] == ["aiserver-tray"]:
        with patch.object(click.Command, "invoke"):
            root.main(words[1:], prog_name="aiserver-tray", standalone_mode=False)


def test_a_command_to_type_is_valid() -> None:
    assert not list(wrong_ones(commands(PAGES), understood))


def test_a_command_in_the_text_has_words_and_options_that_exist() -> None:
    spelled = [(name, line) for name, span in named_commands() for line in spelled_out(span)]
    assert not list(wrong_ones(spelled, words_exist))


def wrong_ones(lines: Iterable[tuple[str, str]], read: Callable[[str], None]) -> Iterator[str]:
    """Those of *lines*, each with the name of its page, that *read* refuses, and why."""
    for name, line in lines:
        try:
            read(line)
        except (click.ClickException, SystemExit, AssertionError) as error:
            yield f"{name}: {line}: {error}"


def spelled_out(span: str) -> Iterator[str]:
    """The command *span* without what may be left out, once for each choice in it."""
    line = re.sub(r"\[[^\]]*\](\.\.\.)?|…|\.\.\.", "", span)
    choice = re.search(r"(?<= )[\w-]+(\|[\w-]+)+", line)
    if choice is None:
        yield line
        return
    for word in choice[0].split("|"):
        yield from spelled_out(line[: choice.start()] + word + line[choice.end() :])


def words_exist(line: str) -> None:
    """Raise an exception if *line*, whose values may be placeholders, has an unknown word."""
    words = shlex.split(line.replace("\\", "/"))
    if words[0] != "aiserver-tray":
        understood(re.sub(r"\bN\b", "1", line))
        return
    command: click.Command = root
    context = click.Context(root, info_name="aiserver-tray")
    known = {option for p in root.get_params(context) for option in p.opts}
    for word in words[1:]:
        if word.startswith("-"):
            assert word.partition("=")[0] in known, f"no option {word}"
        elif isinstance(command, click.Group) and not word.isupper():
            _, found, _ = command.resolve_command(context, [word])
            assert found is not None, f"no command {word}"
            command, context = found, click.Context(found, parent=context, info_name=word)
            known |= {option for p in command.get_params(context) for option in p.opts}


@pytest.mark.parametrize(
    "line", ["aiserver-tray up n8n --wait", "aiserver-tray halt", "build/dev.py tests"]
)
def test_a_wrong_command_is_found(line: str) -> None:
    for reads in (understood, words_exist):
        with pytest.raises((click.ClickException, SystemExit, AssertionError)):
            reads(line)


def verb(line: str) -> tuple[str, ...]:
    """The program of the command *line*, and the words that choose its command."""
    program, *words = words_of(line)
    command: click.Command | None = root
    chosen = [program]
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), word)
        chosen.append(word)
    return tuple(chosen)


def test_each_command_is_run_by_a_test() -> None:
    """tests/engine/test_documents.py, or another one."""
    pages = [README, *GUIDE, REFERENCE]
    run = {verb(line) for each in pages for line in typed(each)}
    others = [f"{each.name}: {line}" for each in pages[:-1] for line in mentioned(each)
              if not elsewhere(line) and verb(line) not in run]  # fmt: skip
    assert not others, "add them to ELSEWHERE, with the test that runs them"


def test_the_tests_of_other_commands_are_there() -> None:
    used = {elsewhere(line) for each in (README, *GUIDE, REFERENCE) for line in mentioned(each)}
    assert ELSEWHERE.keys() <= used
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), test


@pytest.mark.parametrize("one", [README, CHINESE], ids=lambda one: one.name)
def test_the_first_commands_set_up_a_fresh_machine_to_run_and_to_test(one: Page) -> None:
    top = one.path.read_text(encoding="utf-8").splitlines()[:40]
    assert [words_of(line) for line in one.console[:2]] == [[DEV, "run"], [DEV, "test"]]
    for command, line in zip(("run", "test"), one.console, strict=False):
        assert f"$ {line}" in top
        (row,) = [row for row in top if row.startswith(f"| `{command}` |")]
        assert len([cell for cell in row.strip("|").split("|") if cell.strip()]) == 4
    *_, last = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert words_of(last) == words_of(one.console[1])


# -- error messages --------------------------------------------------------------------------------


def test_each_error_code_exists() -> None:
    known = {error.code for error in tree(AiServerError)}
    spans = [(each.name, span) for each in PAGES for span in each.spans]
    named = {(name, found[0]) for name, span in spans if (found := re.match("E_[A-Z_]+", span))}
    assert not {(name, code) for name, code in named if code not in known}


def test_the_readme_quotes_messages_as_they_are() -> None:
    """“…” is any text."""
    texts = json.loads((ROOT / "aiserver_tray/locale/zh.json").read_text(encoding="utf-8"))
    lines = [line for line in README.prose.splitlines() if line.startswith("| E_")]
    quoted = [text for line in lines for text in re.findall("“(.+?)”", line)]
    assert len(quoted) > 5
    for text in quoted:
        pattern = ".*".join(map(re.escape, text.split("…")))
        assert any(re.search(pattern, known) for known in texts), text


# -- both languages --------------------------------------------------------------------------------


def test_the_chinese_readme_has_the_same_parts() -> None:
    assert [level for level, _ in CHINESE.headings] == [level for level, _ in README.headings]
    assert [*map(words_of, CHINESE.console)] == [*map(words_of, README.console)]
    assert sorted(commands_of(CHINESE)) == sorted(commands_of(README))
    assert rows(CHINESE) == rows(README)
    assert [in_english(picture) for picture in CHINESE.pictures] == README.pictures
    links = {README.path.name: set(README.links), CHINESE.path.name: set(CHINESE.links)}
    assert links["README.md"] - {"README.zh.md"} == links["README.zh.md"] - {"README.md"}


def commands_of(one: Page) -> list[str]:
    return [span for span in one.spans if span.startswith(("aiserver-tray ", "E_"))]


def rows(one: Page) -> list[int]:
    """How many cells each row of its tables has."""
    return [line.count(" | ") for line in one.prose.splitlines() if line.startswith("|")]


def in_english(target: str) -> str:
    """A picture of the Chinese page is a twin of one in English."""
    return target.replace("-zh.png", ".png")
