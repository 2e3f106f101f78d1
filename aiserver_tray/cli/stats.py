"""``aiserver-tray stats``: the processor and memory use of modules."""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import click

from aiserver_tray.base.errors import refuse_unknown
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import harmless
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
from aiserver_tray.cli.terminal import console, is_terminal, live
from aiserver_tray.cli.words import memory, size
from aiserver_tray.features.monitoring.rows import FIELDS
from aiserver_tray.state.views import ModuleView, Snapshot

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from aiserver_tray.cli.forms import ModuleStatsJson, StatsJson, UseJson
    from aiserver_tray.cli.remote import RemoteCore
    from aiserver_tray.features.monitoring.samples import LoadJson, SampleJson

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
        screen = console(sys.stdout)
        with live(screen) as show:
            yield lambda stats: show(stats_table(rows(stats, modules, language), language, screen))


def _printer(modules: Sequence[str], language: Language) -> Show:
    """Prints each sample below the one before."""
    if not is_terminal(sys.stdout):
        return lambda stats: print_table(STATS_HEADS, rows(stats, modules, language), language)
    screen = console(sys.stdout)
    return lambda stats: screen.print(stats_table(rows(stats, modules, language), language, screen))


# -- the rows -------------------------------------------------------------------------------------

STATS_HEADS = (
    Text("MODULE"),
    Text("CPU %"),
    Text("MEMORY"),
    Text("LIMIT"),
    Text("NET RX / TX"),
    Text("DISK R / W"),
)
"""Headings of the columns."""
_ALL = Text("all modules")

Row = tuple[str, str, str, str, str, str]


def stats_json(snapshot: Snapshot, sample: "SampleJson", named: Collection[str]) -> "StatsJson":
    """The use of the modules *named*, or of all running modules if none is named."""
    from aiserver_tray.state.progress import sorted_by_name  # noqa: PLC0415 - after Ctrl-C works

    running = {load["module"] for load in sample["modules"]}
    return {
        "time": datetime.fromtimestamp(sample["time"], UTC).isoformat(),
        "cpus": snapshot.engine.cpus,
        "total": _use(sample["total"], snapshot.engine.memory),
        "modules": [
            _module(module, sample)
            for module in sorted_by_name(snapshot.modules)
            if module.name in (named or running)
        ],
    }


def rows(stats: "StatsJson", named: Collection[str], language: Language) -> list[Row]:
    """A row for each module and for each service of the modules *named*, and the total."""
    found: list[Row] = []
    for module in stats["modules"]:
        found.append(_row(module["name"], module))
        if module["name"] in named:
            services = module["services"]
            found += [_row(f"{module['name']}/{each['name']}", each) for each in services]
    return [*found, _row(_ALL.render(language), stats["total"])]


def _module(module: ModuleView, sample: "SampleJson") -> "ModuleStatsJson":
    whole = {load["module"]: load for load in sample["modules"]}
    parts = {load["service"]: load for load in sample["services"] if load["module"] == module.name}
    return {
        "name": module.name,
        **_use(whole.get(module.name), module.memory_limit),
        "services": [
            {"name": service.name, **_use(parts[service.name], service.memory_limit)}
            for service in module.services
            if service.name in parts
        ],
    }


def _use(load: "LoadJson | None", limit: int | None) -> "UseJson":
    known: Mapping[str, Any] = load or {}
    return cast("UseJson", {name: known.get(name) for name in FIELDS} | {"memoryLimit": limit})


def _row(name: str, use: "UseJson") -> Row:
    cpu = "-" if use["cpu"] is None else f"{use['cpu']:.1f}"
    network, disk = _rates(use["rx"], use["tx"]), _rates(use["read"], use["write"])
    return (name, cpu, _memory(use["memory"]), _memory(use["memoryLimit"]), network, disk)


def _rates(one: int | None, other: int | None) -> str:
    """Two rates in one cell."""
    return "-" if one is None or other is None else f"{size(one)}/s / {size(other)}/s"


def _memory(count: int | None) -> str:
    return "-" if count is None else memory(count)


def stats_table(rows: Sequence[Row], language: Language, console: "Console") -> "Table":
    """*rows*, the last one of which is the total."""
    from aiserver_tray.cli.tables import new_table  # noqa: PLC0415 - slow

    shown = new_table(console)
    for number, head in enumerate(STATS_HEADS):
        shown.add_column(head.render(language), no_wrap=True, justify="right" if number else "left")
    for row in rows:
        shown.add_row(*map(harmless, row), style="bold" if row is rows[-1] else None)
    return shown
