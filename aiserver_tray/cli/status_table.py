"""The status on a terminal."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text as Styled

from aiserver_tray.cli.status_rows import HEADS, StatusRow, engine_lines, rows
from aiserver_tray.cli.terminal import harmless, takes
from aiserver_tray.cli.words import PLAIN_SIGNS, STYLES
from aiserver_tray.i18n import Language, Text
from aiserver_tray.model import Snapshot, State
from aiserver_tray.state.words import SIGNS, STATES

_NARROW = 70
"""Columns below which reasons stand under the table, not in it."""


def table(snapshot: Snapshot, language: Language, console: Console) -> RenderableType:
    """Everything at one moment: the whole's state, then a row for each module."""
    signs = _signs(console)
    top = heading(snapshot, language, console)
    if lines := engine_lines(snapshot, language):
        return Group(top, *(Styled(harmless(line)) for line in lines))
    found = rows(snapshot, language)
    is_narrow = console.width < _NARROW
    box = SIMPLE_HEAD if signs is SIGNS else None
    shown = Table(box=box, pad_edge=False, show_edge=False, expand=True)
    shown_heads = HEADS[: 4 if is_narrow else 5]
    for number, head in enumerate(shown_heads, start=1):
        # The last one gets what is left.
        ratio = 1 if number == len(shown_heads) else None
        shown.add_column(head.render(language), no_wrap=number <= 3, overflow="fold", ratio=ratio)
    for row in found:
        shown.add_row(*_cells(row, signs[row.state])[: len(shown.columns)])
    if not is_narrow:
        return Group(top, "", shown)
    reasons = [
        Styled(harmless(f"{r.module}: {r.reason}"), _reason_style(r)) for r in found if r.reason
    ]
    return Group(top, "", shown, *([""] if reasons else []), *reasons)


def heading(snapshot: Snapshot, language: Language, console: Console) -> Styled:
    """The whole's state, and which engine."""
    state: State = snapshot.state
    sign = _signs(console)[state]
    word = STATES[state].render(language)
    line = Styled.assemble((f"{sign} {word}", f"bold {STYLES[state]}"))
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
        Styled(harmless(row.reason), _reason_style(row)),
    )


def _reason_style(row: StatusRow) -> str:
    return STYLES[row.state] if row.state in ("error", "degraded") else ""
