"""Shared parts of all commands: options, language, output, errors."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO, TypeVar

import click

from aiserver_tray.base.errors import AiServerError, BusyError, CancelledError, each
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import SIGNS, harmless, in_line
from aiserver_tray.cli.terminal import fitted, has_colour, is_interactive, padded, width

if TYPE_CHECKING:
    from aiserver_tray.core.app import App

INTERRUPTED = 130
"""Exit status after the user cancelled."""
_ADVISED = re.compile(r"(?<![\w./\\-])aiserver-tray (?=[a-z])")
"""The beginning of a command of ours in a text."""

_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in SIGNS if code >= 0x7F}

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Options:
    """The common options, from any position of the command line."""

    home: Path | None = None
    catalogs: tuple[Path, ...] = ()
    engine: str | None = None

    @cached_property
    def app(self) -> "App":
        """The application with these options."""
        # Slow to import, and Ctrl-C must work before.
        from aiserver_tray.core.app import App  # noqa: PLC0415

        return App(self.home, self.catalogs, self.engine)

    def with_(self, home: Path | None, catalogs: Sequence[Path], engine: str | None) -> "Options":
        """These options, completed with those from another position of the command line."""
        return Options(home or self.home, (*self.catalogs, *catalogs), engine or self.engine)

    @property
    def words(self) -> list[str]:
        """The options as words of a command line."""
        home = ["--home", str(self.home)] if self.home else []
        catalogs = [word for folder in self.catalogs for word in ("--catalog", str(folder))]
        return [*home, *catalogs, *(["--engine", self.engine] if self.engine else [])]


def language_of(context: click.Context | None) -> Language:
    """The reader's language, also while the command line is still being parsed."""
    options: Options | None = context.obj if context else None
    return options.app.language if options else "en"


class UsageError(click.UsageError):
    """Wrong usage, reported in the reader's language."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self._text = text

    def format_message(self) -> str:
        return self._text.render(language_of(self.ctx))


class _Folder(click.Path):
    """A folder. Refuses an empty word (an unset variable), which would mean the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - as click's
        if value == "":
            raise UsageError(Text("expected a folder, found an empty value"))
        return super().convert(value, param, ctx)


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def common_options(function: _Function) -> Callable[..., Any]:
    """Add the common options to a command. They are stored in ``context.obj``, not in its
    arguments."""

    @click.option(
        "--home",
        type=_Folder(file_okay=False, path_type=Path),
        help="Folder for settings, secrets and state (or AISERVER_HOME).",
    )
    @click.option(
        "--catalog",
        "catalogs",
        type=_Folder(exists=True, file_okay=False, path_type=Path),
        multiple=True,
        help="Another catalog folder. Can be repeated.",
    )
    @click.option(
        "--engine",
        "--host",
        "engine",
        metavar="ENGINE",
        help="Name or address of the Docker engine (or DOCKER_HOST).",
    )
    @click.pass_context
    @wraps(function)
    def command(
        context: click.Context,
        /,
        *args: Any,  # noqa: ANN401
        home: Path | None,
        catalogs: tuple[Path, ...],
        engine: str | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        options: Options = context.obj or Options()
        context.obj = options.with_(home, catalogs, engine)
        try:
            return function(*args, **kwargs)
        except AiServerError as error:
            language = context.obj.app.language
            if kwargs.get("as_json"):
                print_json(failure(error, language))
            fail(error, language)

    return command


def current_app() -> "App":
    """The application of the running command. Notices about its files are reported at the end."""
    context = click.get_current_context()
    app: App = context.obj.app
    context.call_on_close(lambda: report(notice.render(app.language) for notice in app.notices))
    return app


def read_line(prompt: str, *, hide: bool) -> str:
    """A line of standard input. On a terminal, *prompt* for it; *hide* what is typed."""
    if sys.stdin.isatty():
        asked: str = click.prompt(prompt, default="", show_default=False, hide_input=hide, err=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


def report(texts: Iterable[str]) -> None:
    """Show messages beside the result, on standard error."""
    for text in texts:
        click.echo(shown(text, sys.stderr), err=True)


def report_facts(texts: Iterable[str]) -> None:
    """Like `report`, for texts that name commands of other processes, which get no options."""
    for text in texts:
        click.echo(fitted(harmless(text), sys.stderr), err=True)


_GO_ON: Final = Text("Go on?")


def confirm(texts: Iterable[str], refusal: Text, question: Text = _GO_ON) -> None:
    """Show *texts* and ask before something changes.

    Raises:
        UsageError: nobody can be asked; *refusal* says so.
        click.Abort: the answer is no.
    """
    report(texts)
    if not is_interactive():
        raise UsageError(refusal)
    click.confirm(question.render(current_app().language), abort=True, err=True)


def shown(text: str, stream: TextIO) -> str:
    """*text* for *stream*: with escape sequences removed, options added to advised commands, and
    lines wrapped."""
    return fitted(harmless(with_own_options(text)), stream)


def with_own_options(text: str) -> str:
    """*text* with the options of the running command added to the commands that it advises, so that
    they mean the same home, catalog and engine."""
    context = click.get_current_context(silent=True)
    words = context.obj.words if context and context.obj else []
    if not words:
        return text
    from aiserver_tray.system.process import quoted  # noqa: PLC0415 - only with options

    options = quoted(words)
    return _ADVISED.sub(lambda found: f"{found[0]}{options} ", text)


def print_json(value: object, *, indent: int | None = 2) -> None:
    """*value* as JSON on standard output."""
    # A pipe on Windows may accept only Latin letters; others are escaped as in JSON.
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(value, ensure_ascii=not is_unicode, indent=indent)
    # JSON itself escapes only the characters below space.
    click.echo(text.translate(_JSON_ESCAPES))


def print_json_line(value: object) -> None:
    """*value* as one line of JSON on standard output, at once."""
    print_json(value, indent=None)


def print_table(
    heads: Sequence[Text],
    rows: Sequence[Sequence[str]],
    language: Language,
    stream: TextIO | None = None,
) -> None:
    """Plain columns, as wide as their widest cell, on *stream* (None: standard output)."""
    lines = [[head.render(language) for head in heads]]
    lines += [[in_line(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        line = "  ".join(padded(cell, columns) for cell, columns in zip(cells, widths, strict=True))
        click.echo(line.rstrip(), stream)


def failure(error: AiServerError, language: Language) -> dict[str, Any]:
    """*error* as JSON, in the form of every failed request."""
    return {"success": False, **error.as_json(language), "message": _message(error, language)}


def _message(error: AiServerError, language: Language) -> str:
    """The message of *error*. A busy error names another process's command, which gets no
    options."""
    text = error.render(language)
    return text if error.code == BusyError.code else with_own_options(text)


def fail(error: AiServerError, language: Language) -> NoReturn:
    """Show the error's code and message on standard error, and exit."""
    report_failure(error, language)
    sys.exit(status_of(error))


def status_of(error: AiServerError) -> int:
    """The exit status after *error*."""
    return INTERRUPTED if isinstance(error, CancelledError) else 1


def report_failure(error: AiServerError, language: Language) -> None:
    """The error's code and message on standard error; each of several on its own."""
    for one in each(error):
        text = fitted(f"{one.code}: {harmless(_message(one, language))}", sys.stderr)
        if has_colour(sys.stderr):
            code = click.style(one.code, fg="red", bold=True)
            text = code + text.removeprefix(one.code)
        click.echo(text, err=True)
