"""The table of `stats` on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from aiserver_tray.base.harmless import harmless
from aiserver_tray.base.i18n import Language
from aiserver_tray.cli.stats_rows import HEADS, Row
from aiserver_tray.cli.status_table import new_table


def table(rows: Sequence[Row], language: Language, console: Console) -> Table:
    """*rows*, the last one of which is the total."""
    shown = new_table(console)
    for number, head in enumerate(HEADS):
        shown.add_column(head.render(language), no_wrap=True, justify="right" if number else "left")
    for row in rows:
        is_total = row is rows[-1]
        shown.add_row(*map(harmless, row), style="bold" if is_total else None)
    return shown
