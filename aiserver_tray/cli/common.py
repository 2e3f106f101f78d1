"""What all commands share: options, language, output, errors."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from aiserver_tray.errors import AiServerError
from aiserver_tray.i18n import Language

if TYPE_CHECKING:
    from aiserver_tray.app import App

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Options:
    """The common options, wherever on the command line they stood."""

    home: Path | None = None
    catalogs: tuple[Path, ...] = ()

    @cached_property
    def app(self) -> "App":
        """The application with these options."""
        # The parts take a while to import: Ctrl-C has to be answered before.
        from aiserver_tray.app import App  # noqa: PLC0415

        return App(home=self.home, catalogs=self.catalogs)


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def common_options(function: _Function) -> Callable[..., Any]:
    """Add the common options to a command; they end up in ``context.obj``, not in its
    arguments."""

    @click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of all settings, secrets and state (or AISERVER_HOME).",
    )
    @click.option(
        "--catalog",
        "catalogs",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        multiple=True,
        help="A further catalog folder; may be repeated.",
    )
    @click.pass_context
    @wraps(function)
    def command(
        context: click.Context,
        /,
        *args: Any,  # noqa: ANN401
        home: Path | None,
        catalogs: tuple[Path, ...],
        **kwargs: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        options: Options = context.obj or Options()
        context.obj = replace(
            options, home=home or options.home, catalogs=(*options.catalogs, *catalogs)
        )
        try:
            return function(*args, **kwargs)
        except AiServerError as error:
            fail(error, context.obj.app.language)

    return command


def current_app() -> "App":
    """The application of the running command; what it notices about its files is told last."""
    context = click.get_current_context()
    app: App = context.obj.app
    notices = app.settings.notices
    context.call_on_close(lambda: tell(notice.render(app.language) for notice in notices))
    return app


def tell(texts: Iterable[str]) -> None:
    """What a person should know beside the result, on standard error."""
    for text in texts:
        click.echo(text, err=True)


def print_json(value: object) -> None:
    """*value* as JSON on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Plain columns; put texts that may be wide (Chinese) last."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def fail(error: AiServerError, language: Language) -> NoReturn:
    """End with the error's code and message on standard error."""
    click.echo(f"{error.code}: {error.render(language)}", err=True)
    sys.exit(1)
