"""The table of `status` on a terminal, and what others have in common with it."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text as Styled

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import harmless
from aiserver_tray.cli.status_rows import HEADS, StatusRow, engine_lines, rows
from aiserver_tray.cli.terminal import takes
from aiserver_tray.cli.words import PLAIN_SIGNS, STYLES
from aiserver_tray.model import State
from aiserver_tray.state.progress import SIGNS, STATES
from aiserver_tray.state.views import Snapshot

_NARROW = ((60, 3), (70, 4))
"""Columns of a terminal -> how many columns of the table fit; the rest is shown under the table."""


def status_table(snapshot: Snapshot, language: Language, console: Console) -> RenderableType:
    """The state of the whole stack, then a row for each module."""
    signs = _signs(console)
    top = heading(snapshot, language, console)
    if lines := engine_lines(snapshot, language):
        return Group(top, *(Styled(harmless(line)) for line in lines))
    found = rows(snapshot, language)
    shown = new_table(console)
    shown.expand = True
    heads = HEADS[: _room(console)]
    for number, head in enumerate(heads, start=1):
        # the last column gets the remaining width
        ratio = 1 if number == len(heads) else None
        shown.add_column(head.render(language), no_wrap=number <= 3, overflow="fold", ratio=ratio)
    below: list[Styled] = []
    for row in found:
        cells = _cells(row, signs[row.state])
        shown.add_row(*cells[: len(heads)])
        below += [Styled.assemble(f"{cells[0].plain}: ", c) for c in cells[len(heads) :] if c]
    return Group(top, "", shown, *([""] if below else []), *below)


def new_table(console: Console) -> Table:
    """An empty table, with lines if *console* can show them."""
    box = SIMPLE_HEAD if _signs(console) is SIGNS else None
    return Table(box=box, pad_edge=False, show_edge=False)


def _room(console: Console) -> int:
    """The number of columns of the table that fit on *console*."""
    return next((count for width, count in _NARROW if console.width < width), len(HEADS))


def heading(snapshot: Snapshot, language: Language, console: Console) -> Styled:
    """The state of the whole stack, and the engine's version."""
    state: State = snapshot.state
    word = f"{_signs(console)[state]} {STATES[state].render(language)}"
    line = Styled.assemble((word, f"bold {STYLES[state]}"))
    if snapshot.engine.version:
        engine = Text("Docker Engine {version}", version=snapshot.engine.version)
        line.append(f"   {engine.render(language)}", "dim")
    return line


def _signs(console: Console) -> Mapping[State, str]:
    fancy = not console.legacy_windows and takes(console.file, "".join(SIGNS.values()))
    return SIGNS if fancy else PLAIN_SIGNS


def _cells(row: StatusRow, sign: str) -> tuple[Styled, ...]:
    style = STYLES[row.state]
    quiet = "dim" if row.state == "stopped" else ""
    return (
        Styled(harmless(row.module), quiet),
        Styled(f"{sign} {row.word}", style),
        Styled(row.ready),
        Styled(harmless(row.place), "cyan"),
        Styled(harmless(row.reason), style if row.state in ("error", "degraded") else ""),
    )
