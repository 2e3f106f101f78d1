"""Progress on a terminal: a heading with a bar, and a line for each image and service."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text as Styled

from aiserver_tray.base.i18n import Language, Listed, Text
from aiserver_tray.base.strings import harmless
from aiserver_tray.cli import words
from aiserver_tray.cli.progress_lines import Row, collapsed, rows, word
from aiserver_tray.cli.terminal import takes
from aiserver_tray.state.progress import HEADS
from aiserver_tray.state.views import OperationView, StepView

_STYLES = {
    "pending": "dim", "running": "cyan", "done": "green", "skipped": "dim", "failed": "red",
}  # fmt: skip
_BARS = (16, 8, 0)
"""Widths of a pull's bar, for decreasing terminal widths."""
_OTHER_LINES = 5
"""Lines besides the rows: heading, bar, the number of hidden rows, the hint, the prompt."""
_OTHER_COLUMNS = 13
"""Columns of sign, time and gaps."""
_UNPACKING = Text("unpacking")
_SHARED = Text("Waiting for a layer that another image is downloading")
_HINT = Text("Ctrl-C cancels.")


@dataclass(frozen=True)
class Signs:
    """Signs that the terminal's encoding can show."""

    spinner: str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
    pending: str = "·"
    done: str = "✓"
    skipped: str = "-"
    failed: str = "✗"
    bar: str = "━"
    rest: str = "━"
    ellipsis: str = "…"

    @classmethod
    def for_console(cls, console: Console) -> "Signs":
        fancy = cls()
        if not console.legacy_windows and takes(console.file, "".join(vars(fancy).values())):
            return fancy
        return cls("|/-\\", ".", "+", "-", "x", "#", "-", "...")


@dataclass
class Clock:
    """Start times of rows, and end times of finished ones."""

    begun: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    def update(self, found: Iterable[Row], now: float) -> None:
        """Record rows that started or finished since the last view."""
        for row in found:
            if row.step.status == "running":
                self.begun.setdefault(row.name, now)
                self.ended.pop(row.name, None)
            elif row.step.status in ("done", "failed") and row.name in self.begun:
                self.ended.setdefault(row.name, now)

    def seconds(self, row: Row, now: float) -> float | None:
        """The duration of *row*, with all its parts; None before it starts."""
        begun = [self.begun[name] for name in row.parts if name in self.begun]
        if not begun:
            return None
        return max(self.ended.get(name, now) for name in row.parts) - min(begun)


class ProgressScreen:
    """Draws one operation on *console*."""

    def __init__(self, console: Console, language: Language, begun: float) -> None:
        self._console = console
        self._language = language
        self._begun = begun
        self._signs = Signs.for_console(console)
        self._clock = Clock()
        self._estimate = 0.0, begun
        """Seconds left, and the time of that estimate."""

    def draw(self, view: OperationView, now: float, *, note: Text | None = None) -> RenderableType:
        """The whole display at *now* (seconds of a monotonic clock)."""
        found = rows(view)
        self._clock.update(found, now)
        shown = collapsed(found)
        parts: list[RenderableType] = []
        if not view.is_over:
            parts += [self._heading(view, now), self._bar(view)]
        parts.append(self._table(shown, now))
        if not view.is_over:
            # Short, so that the terminal's own echo of Ctrl-C does not begin a new line.
            hint, style = (note, "yellow") if note else (_HINT, "dim")
            parts.append(Styled(hint.render(self._language), style))
        return Group(*parts)

    def _heading(self, view: OperationView, now: float) -> RenderableType:
        names = Listed(view.modules).render(self._language)
        left = Styled.assemble((HEADS[view.kind].render(self._language), "bold"), " ", names)
        if view.status == "waiting" and view.detail:
            left = Styled(harmless(view.detail.render(self._language)), "yellow")
        times = self._times(view, now)
        line = Table.grid(expand=True, padding=(0, 0, 0, 2))
        line.add_column(ratio=1, no_wrap=view.status != "waiting", overflow="ellipsis")
        line.add_column(justify="right", no_wrap=True)
        line.add_row(left, Styled(times, "dim"))
        return line

    def _times(self, view: OperationView, now: float) -> str:
        """The time so far and the time left, with the reason if that is more than before."""
        time, left, why = (
            words.seconds(now - self._begun),
            self._seconds_left(view, now),
            view.delay,
        )
        if view.status == "waiting":
            return time
        if left is None:
            text = Text("{time}, estimating…", time=time)
            if why:
                text = Text("{time}, estimating: {why}", time=time, why=why)
            return text.render(self._language)
        rest = words.rough_seconds(left)
        text = Text("{time}, about {rest} left", time=time, rest=rest)
        if why:
            text = Text("{time}, about {rest} left: {why}", time=time, rest=rest, why=why)
        return text.render(self._language)

    def _seconds_left(self, view: OperationView, now: float) -> float | None:
        """The estimate minus its age, because views arrive only on changes."""
        if view.seconds_left is None:
            return None
        if view.seconds_left != self._estimate[0]:
            self._estimate = view.seconds_left, now
        estimate, made = self._estimate
        return max(1.0, estimate - (now - made))

    def _bar(self, view: OperationView) -> RenderableType:
        counter = f" {view.done}/{view.total}"
        columns = max(4, self._console.width - len(counter))
        bar = self._bar_text(view.share, columns)
        return Styled.assemble(bar, (counter, "dim"), no_wrap=True)

    def _bar_text(self, part: float, columns: int) -> Styled:
        full = round(part * columns)
        return Styled.assemble(
            (self._signs.bar * full, "green"), (self._signs.rest * (columns - full), "bright_black")
        )

    def _table(self, shown: Sequence[Row], now: float) -> RenderableType:
        room = max(3, self._console.height - _OTHER_LINES)
        fitting, hidden = _fit(shown, room)
        # As wide as the longest name, within the limit that leaves space for the other columns.
        width, longest = self._console.width, max((cell_len(r.name) for r in fitting), default=1)
        names = min(longest, width * 2 // 5)
        room = width - names - _OTHER_COLUMNS
        table = Table.grid(expand=True, padding=(0, 2, 0, 0))
        table.add_column(width=1)
        table.add_column(no_wrap=True, overflow="ellipsis", width=names)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column(justify="right", no_wrap=True)
        for row in fitting:
            seconds = self._clock.seconds(row, now)
            table.add_row(
                self._sign(row.step, now),
                Styled(harmless(row.name), "dim" if row.step.status == "pending" else ""),
                self._what(row, room),
                Styled("" if seconds is None else words.seconds(seconds), "dim"),
            )
        if not hidden:
            return table
        more = Text("and {count} more", count=hidden)
        return Group(table, Styled(f"   {more.render(self._language)}", "dim"))

    def _sign(self, step: StepView, now: float) -> Styled:
        match step.status:
            case "running":
                sign = self._signs.spinner[int(now * 10) % len(self._signs.spinner)]
            case "pending" | "done" | "skipped" | "failed":
                sign = getattr(self._signs, step.status)
        return Styled(sign, _STYLES[step.status])

    def _what(self, row: Row, room: int) -> Styled:
        step = row.step
        if step.kind == "pull" and step.status == "running" and step.total:
            return self._transfer(step, room)
        text = Styled(word(step).render(self._language), _STYLES[step.status])
        if step.detail and (step.status == "running" or step.kind not in ("pull", "build")):
            text.append(f"  {harmless(step.detail.render(self._language))}", "dim")
        return text

    def _transfer(self, step: StepView, room: int) -> Styled:
        """Bar, bytes, rate and layers of a pull, as far as they fit into *room* columns."""
        unit = words.unit_of(step.total)
        part = min(1.0, step.current / step.total)
        detail = harmless(step.detail.render(self._language)) if step.detail else ""
        arrived = step.current >= step.total
        doing = _SHARED if step.awaits_shared else _UNPACKING
        numbers = [
            f"{words.number(step.current, unit)}/{words.amount(step.total, unit)}",
            doing.render(self._language) if arrived else f"{words.size(step.rate)}/s",
        ]
        for columns in _BARS:
            bar = self._bar_text(part, columns)
            for shown in ([*numbers, detail], numbers) if detail else (numbers,):
                line = Styled("  ").join(([bar] if columns else []) + [Styled(t) for t in shown])
                if line.cell_len <= room:
                    return line
        return Styled(f"{part:.0%}")


def _fit(shown: Sequence[Row], room: int) -> tuple[list[Row], int]:
    """The rows that fit into *room* lines, in their order, and the number of the others. Finished
    rows are left out first, then those that have not started, from the end."""
    if len(shown) <= room:
        return list(shown), 0
    weight = {"failed": 0, "running": 1, "pending": 2, "skipped": 3, "done": 4}
    ranked = sorted(range(len(shown)), key=lambda i: (weight[shown[i].step.status], i))
    kept = sorted(ranked[:room])
    return [shown[i] for i in kept], len(shown) - room
