"""``aiserver-tray stats``: the processor and memory use of modules."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import refuse_unknown
from aiserver_tray.base.i18n import Language
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_json_line,
    print_table,
)
from aiserver_tray.cli.core import shared_core
from aiserver_tray.cli.stats_rows import STATS_HEADS, rows, stats_json
from aiserver_tray.cli.terminal import console, is_terminal, live

if TYPE_CHECKING:
    from aiserver_tray.cli.forms import StatsJson
    from aiserver_tray.cli.remote import RemoteCore

Show = Callable[["StatsJson"], None]


@click.command()
@click.argument("modules", nargs=-1, metavar="[MODULE]...", shell_complete=complete.modules)
@click.option("-w", "--watch", is_flag=True, help="Show every new sample until Ctrl-C.")
@as_json_option
@common_options
def command(modules: tuple[str, ...], watch: bool, as_json: bool) -> None:  # noqa: FBT001 - command line flags
    """Show the CPU, memory, network and disk use of MODULEs and their services.

    Without MODULE, show all modules that run. 100 % CPU is one processor. With
    --watch, there is a new sample every second.
    """
    app = current_app()
    with shared_core(app, app.core_for_reading) as core:
        snapshot = core.store.latest
        refuse_unknown(modules, (module.name for module in snapshot.modules))
        snapshot.engine.check_response()
        found = _stats(core, modules)
        if watch:
            with _watching(modules, app.language, as_json=as_json) as show:
                for stats in found:
                    show(stats)
        else:
            print_one: Show = print_json if as_json else _printer(modules, app.language)
            print_one(next(found))


def _stats(core: "RemoteCore", modules: Sequence[str]) -> Iterator["StatsJson"]:
    """Every sample of *modules* from now on.

    Raises:
        AiServerError: the engine does not respond any more.
    """
    for sample in core.samples():
        snapshot = core.store.latest
        snapshot.engine.check_response()
        if sample["total"]["cpu"] is not None:
            yield stats_json(snapshot, sample, modules)


@contextmanager
def _watching(modules: Sequence[str], language: Language, *, as_json: bool) -> Iterator[Show]:
    """A function that shows each sample in turn."""
    if as_json:
        yield print_json_line
    elif not is_terminal(sys.stdout):
        yield _printer(modules, language)
    else:
        from aiserver_tray.cli.tables import stats_table  # noqa: PLC0415 - slow

        screen = console(sys.stdout)
        with live(screen) as show:
            yield lambda stats: show(stats_table(rows(stats, modules, language), language, screen))


def _printer(modules: Sequence[str], language: Language) -> Show:
    """Prints each sample below the one before."""
    if not is_terminal(sys.stdout):
        return lambda stats: print_table(STATS_HEADS, rows(stats, modules, language), language)
    from aiserver_tray.cli.tables import stats_table  # noqa: PLC0415 - slow

    screen = console(sys.stdout)
    return lambda stats: screen.print(stats_table(rows(stats, modules, language), language, screen))
