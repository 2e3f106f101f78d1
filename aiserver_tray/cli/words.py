"""Words, signs, amounts and points in time that several commands use."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

import click

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import language_of
from aiserver_tray.model import State, StepKind

PLAIN_SIGNS: Mapping[State, str] = {
    "stopped": "-",
    "starting": "~",
    "running": "+",
    "degraded": "!",
    "error": "x",
    "stopping": "~",
    "engine_down": "/",
}
"""For terminals that can't show `state.progress.SIGNS`."""

STYLES: Mapping[State, str] = {
    "stopped": "bright_black",
    "starting": "yellow",
    "running": "green",
    "degraded": "red",
    "error": "red",
    "stopping": "yellow",
    "engine_down": "bright_black",
}


class StepWords(NamedTuple):
    """What a step will do, what it does, and what it has done."""

    planned: Text
    running: Text
    done: Text


STEPS: Mapping[StepKind, StepWords] = {
    "pull": StepWords(Text("pull image"), Text("pulling"), Text("pulled")),
    "build": StepWords(Text("build image"), Text("building"), Text("built")),
    "network": StepWords(Text("create network"), Text("creating"), Text("created")),
    "volume": StepWords(Text("create volume"), Text("creating"), Text("created")),
    "create": StepWords(Text("create container"), Text("creating"), Text("created")),
    "start": StepWords(Text("start"), Text("starting"), Text("started")),
    "wait": StepWords(Text("wait until ready"), Text("started, not ready yet"), Text("ready")),
    "stop": StepWords(Text("stop"), Text("stopping"), Text("stopped")),
    "remove": StepWords(Text("remove container"), Text("removing"), Text("removed")),
    "remove_network": StepWords(Text("remove network"), Text("removing"), Text("removed")),
    "remove_volume": StepWords(Text("remove volume"), Text("removing"), Text("removed")),
    "kernel_setting": StepWords(Text("set kernel setting"), Text("setting"), Text("set")),
    "clone": StepWords(Text("copy volume"), Text("copying"), Text("copied")),
    "dump": StepWords(Text("copy database"), Text("copying"), Text("copied")),
    "pack": StepWords(Text("write to the backup"), Text("writing"), Text("written")),
    "unpack": StepWords(Text("unpack"), Text("unpacking"), Text("unpacked")),
    "swap": StepWords(Text("replace"), Text("replacing"), Text("replaced")),
    "proof": StepWords(Text("check"), Text("checking"), Text("checked")),
    "trial": StepWords(
        Text("start on a copy"), Text("started on a copy, not ready yet"), Text("ready on a copy")
    ),
    "probe": StepWords(Text("check that it answers"), Text("checking"), Text("answers")),
    "discard": StepWords(Text("remove the copy"), Text("removing"), Text("removed")),
}

GRADES: Mapping[str, Text] = {
    "ok": Text("OK"),
    "fact": Text("INFO"),
    "note": Text("NOTE"),
    "problem": Text("PROBLEM"),
}

_SIZES = ("B", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """*count* bytes with a decimal unit, as registries and Docker give them: ``12.3 MB``."""
    return amount(count, unit_of(count))


def unit_of(count: float) -> int:
    """The unit that suits *count* bytes: the power of 1000."""
    unit = 0
    while count >= 999.95 and unit < len(_SIZES) - 1:
        count, unit = count / 1000, unit + 1
    return unit


def amount(count: float, unit: int) -> str:
    """*count* bytes in the given *unit*."""
    return f"{number(count, unit)} {_SIZES[unit]}"


def number(count: float, unit: int) -> str:
    """*count* bytes in the given *unit*, without its name."""
    return f"{count:.0f}" if unit == 0 else f"{count / 1000**unit:.1f}"


def memory(count: float) -> str:
    """*count* bytes of memory with a binary unit, as ``docker stats`` shows them: ``12.3 MiB``."""
    gibi, mebi = 1024**3, 1024**2
    return f"{count / gibi:.1f} GiB" if count >= 1000 * mebi else f"{count / mebi:.1f} MiB"


def seconds(duration: float) -> str:
    """A duration in seconds: ``12.3 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if duration < 99.95:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def rough_seconds(duration: float) -> str:
    """Like `seconds`, for an estimate: whole seconds."""
    return f"{max(1, round(duration))} s" if duration < 99.5 else seconds(duration)


_SPAN = re.compile(
    r"(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s)?"
)


class Since(click.ParamType[datetime]):
    """``10m`` or ``1h30m`` ago, or an ISO 8601 date and time (local time without a zone)."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Convert to a point in time.

        Raises:
            click.BadParameter: it is none.
        """
        if isinstance(value, datetime):
            return value
        found = parse_since(str(value), datetime.now(UTC))
        if found is None:
            text = Text(
                "expected a duration such as 10m, 2h or 1d, or a time such as 2026-01-31T12:00, "
                "found {value!r}",
                value=value,
            )
            self.fail(text.render(language_of(ctx)), param, ctx)
        return found


EVERY: Final = "all"
"""The tail that leaves nothing out."""


class Tail(click.ParamType["int | Literal['all']"]):
    """A number of lines, or `EVERY`."""

    name = "lines"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "int | Literal['all']":
        """Convert to a number, or to `EVERY`.

        Raises:
            click.BadParameter: it is neither.
        """
        text = str(value)
        if text == EVERY:
            return EVERY
        if not text.isdecimal():
            wrong = Text("expected a number of lines or all, found {value!r}", value=text)
            self.fail(wrong.render(language_of(ctx)), param, ctx)
        return int(text)


def parse_since(text: str, now: datetime) -> datetime | None:
    """The point in time of *text*, relative to *now*. None if it is not valid."""
    text = text.strip()
    span = _SPAN.fullmatch(text)
    if text and span:
        parts = {name: float(value) for name, value in span.groupdict().items() if value}
        try:
            return now - timedelta(**parts)
        except OverflowError:
            return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
