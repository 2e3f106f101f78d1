"""``aiserver-tray status``: the state of all modules."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from aiserver_tray.base.i18n import Language, Listed, Text
from aiserver_tray.base.queues import available
from aiserver_tray.base.strings import harmless
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_json_line,
    print_table,
    report,
    report_facts,
    shown,
)
from aiserver_tray.cli.core import shared_core
from aiserver_tray.cli.status_rows import HEADS, StatusRow, engine_lines, rows
from aiserver_tray.cli.terminal import console, is_terminal, live
from aiserver_tray.state.views import Snapshot

if TYPE_CHECKING:
    from aiserver_tray.cli.remote import RemoteCore, RemoteState
    from aiserver_tray.core.app import App

Show = Callable[[Snapshot], None]
_Data = tuple[dict[str, Any], list[str]]


@click.command()
@click.option("-w", "--watch", is_flag=True, help="Show every change until Ctrl-C.")
@as_json_option
@common_options
def command(watch: bool, as_json: bool) -> None:  # noqa: FBT001 - command line flags
    """Show the status of all modules."""
    app = current_app()
    with shared_core(app, app.core_for_reading) as core:
        snapshot = core.store.latest
        if watch:
            with _watching(app.language, as_json=as_json) as show:
                for snapshot in _changes(core):
                    show(snapshot)
        else:
            at_work = list(_at_work(snapshot, app))
            _print(snapshot, app.language, as_json=as_json)
            report_facts(text.render(app.language) for text in at_work)


def _at_work(snapshot: Snapshot, app: "App") -> Iterator[Text]:
    """The running operations of all processes and installations."""
    if not snapshot.engine.running or snapshot.engine.id is None:
        return
    from aiserver_tray.operations.locks import Work, holders  # noqa: PLC0415 - after Ctrl-C works

    modules: dict[tuple[int, Work], list[str]] = {}
    for module, (pid, work, _) in holders(snapshot.engine.id).items():
        modules.setdefault((pid, work), []).append(module)
    for (pid, work), names in modules.items():
        named = {"command": work.command, "pid": pid, "modules": Listed(names)}
        if work.installation == app.quick_settings.id_for_reading:
            yield Text("{command} (process {pid}) is working on {modules}.", **named)
        else:
            yield Text(
                "Another installation with the home folder {home} is working on {modules}: "
                "{command} (process {pid}).",
                **named,
                home=work.home,
            )


def _print(snapshot: Snapshot, language: Language, *, as_json: bool) -> None:
    if as_json:
        _print_data(_data(snapshot, language), print_json)
    elif is_terminal(sys.stdout):
        _print_table(snapshot, language)
    else:
        _print_plain(snapshot, language)


def _print_table(snapshot: Snapshot, language: Language) -> None:
    from aiserver_tray.cli.tables import heading, status_table  # noqa: PLC0415 - slow

    screen = console(sys.stdout)
    if lines := engine_lines(snapshot, language):
        screen.print(heading(snapshot, language, screen))
        # Not through the screen, which breaks long words.
        _print_lines(lines)
    else:
        screen.print(status_table(snapshot, language, screen))


def _data(snapshot: Snapshot, language: Language) -> _Data:
    """The status as JSON, and lines about a missing engine, which it does not contain."""
    from aiserver_tray.state.encode import status_json  # noqa: PLC0415 - after Ctrl-C works

    return status_json(snapshot, language), engine_lines(snapshot, language)


def _print_data(data: _Data, print_: Callable[[object], None] = print_json_line) -> None:
    status, why = data
    print_(status)
    report(why)


def _print_plain(snapshot: Snapshot, language: Language) -> None:
    if lines := engine_lines(snapshot, language):
        _print_lines(lines)
    else:
        print_table(HEADS, [row.cells for row in rows(snapshot, language)], language)


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(shown(line, sys.stdout))


def _changes(core: "RemoteCore") -> Iterator[Snapshot]:
    """Every snapshot from now on, without those that a newer one has replaced."""
    queue: SimpleQueue[RemoteState] = SimpleQueue()
    unsubscribe = core.store.observe(queue.put)
    try:
        while True:
            for state in available(queue)[-1:]:
                yield state.snapshot()
    finally:
        unsubscribe()


@contextmanager
def _watching(language: Language, *, as_json: bool) -> Iterator[Show]:
    """A function that shows each snapshot in turn."""
    if as_json:
        yield _once(lambda snapshot: _data(snapshot, language), _print_data)
    elif not is_terminal(sys.stdout):
        yield _PlainChanges(language).show
    else:
        from aiserver_tray.cli.tables import status_table  # noqa: PLC0415 - slow

        screen = console(sys.stdout)
        with live(screen) as show:
            yield lambda snapshot: show(status_table(snapshot, language, screen))


def _once(value_of: Callable[[Snapshot], Any], show: Callable[[Any], None]) -> Show:
    """Shows the value of a snapshot if it differs from the last one."""
    last: Any = None

    def changed(snapshot: Snapshot) -> None:
        nonlocal last
        value = value_of(snapshot)
        if value != last:
            last = value
            show(value)

    return changed


class _PlainChanges:
    """One line for each module that changed."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._last: dict[str, StatusRow] = {}

    def show(self, snapshot: Snapshot) -> None:
        if lines := engine_lines(snapshot, self._language):
            self._last = {}
            _print_lines(lines)
            return
        for row in rows(snapshot, self._language):
            if row != self._last.get(row.module):
                self._last[row.module] = row
                click.echo(harmless("  ".join(filter(None, row.cells))))
