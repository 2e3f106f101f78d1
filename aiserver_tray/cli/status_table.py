"""The status on a terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text as Styled

from aiserver_tray.cli.status_rows import StatusRow, engine_line, heads, rows
from aiserver_tray.cli.terminal import harmless, takes
from aiserver_tray.cli.words import PLAIN_SIGNS, SIGNS, STATES, STYLES
from aiserver_tray.i18n import Language, Text
from aiserver_tray.model import Snapshot, State


def table(snapshot: Snapshot, language: Language, console: Console) -> RenderableType:
    """Everything at one moment: the whole's state, then a row for each module."""
    fancy = not console.legacy_windows and takes(console.file, "".join(SIGNS.values()))
    signs = SIGNS if fancy else PLAIN_SIGNS
    heading = _heading(snapshot, language, signs[snapshot.state])
    if line := engine_line(snapshot, language):
        return Group(heading, Styled(harmless(line)))
    shown = Table(box=SIMPLE_HEAD if fancy else None, pad_edge=False, show_edge=False, expand=True)
    module, state, ready, place, reason = heads(language)
    shown.add_column(module, no_wrap=True)
    shown.add_column(state, no_wrap=True)
    shown.add_column(ready, no_wrap=True, justify="right")
    shown.add_column(place, overflow="fold")
    shown.add_column(reason, overflow="fold", ratio=1)
    for row in rows(snapshot, language):
        shown.add_row(*_cells(row, signs[row.state]))
    return Group(heading, "", shown)


def _heading(snapshot: Snapshot, language: Language, sign: str) -> Styled:
    state: State = snapshot.state
    word = STATES[state].render(language)
    line = Styled.assemble((f"{sign} {word}", f"bold {STYLES[state]}"))
    if snapshot.engine.version:
        engine = Text("Docker Engine {version}", version=snapshot.engine.version)
        line.append(f"   {engine.render(language)}", "dim")
    return line


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
