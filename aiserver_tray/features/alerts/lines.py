"""Follows log lines, for the rules that watch for some. The time is an argument."""

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Final

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import SGR, in_line
from aiserver_tray.features.alerts.facts import Due, Hits
from aiserver_tray.features.logs.line import Kept, Line
from aiserver_tray.features.logs.store.database import LogFilterError

QUIET_LOG_SECONDS: Final = 60.0
"""Seconds without a further line after which an alert is over."""
_MAX_LINE: Final = 300
"""Characters of a line that an alert shows."""
_MAX_MEMORY: Final = 8 * 2**20
"""Bytes that a compiled pattern may take."""


class Lines:
    """Follows lines, which `see` gets from any thread."""

    def __init__(self) -> None:
        self.matchers: Mapping[str, Callable[[Line], bool]] = {}
        """By the id of the rule: whether it looks for a line."""
        self._hits: dict[tuple[str, str, str], Hits] = {}
        """By rule, module and service."""
        self._lock = Lock()

    def see(self, lines: Iterable[Kept], now: float, since: int = 0) -> bool:
        """Take *lines* in, and return whether one matches a rule. Those that were written before
        *since* (nanoseconds since 1970) are no news: they are only stored now."""
        if not (matchers := self.matchers):
            return False
        new = (line for _, line in lines if line.time >= since)
        found = [(id, line) for line in new for id, matches in matchers.items() if matches(line)]
        with self._lock:
            for id, line in found:
                key = (id, line.module, line.service)
                before = self._hits[key].number if key in self._hits else 0
                self._hits[key] = Hits(before + 1, now, _shown(line))
        return bool(found)

    def hits(self, due: Due) -> Mapping[str, Mapping[tuple[str, str], Hits]]:
        """The lines that matched lately: by the id of the rule, then by module and service."""
        found: dict[str, dict[tuple[str, str], Hits]] = {id: {} for id in self.matchers}
        with self._lock:
            self._hits = {
                key: hits
                for key, hits in self._hits.items()
                if key[0] in found and not due.reached(hits.last + QUIET_LOG_SECONDS)
            }
            for (id, module, service), hits in self._hits.items():
                found[id][module, service] = hits
        return found


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text has a match of *pattern*, colours aside.

    Raises:
        LogFilterError: it is no regular expression of RE2.
    """
    if not pattern:
        return lambda _text: True
    import re2  # noqa: PLC0415 - takes memory, and few rules have a pattern

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        search = re2.compile(pattern, options).search
    except re2.error as error:
        why = error.args[0] if error.args else ""
        reason = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        text = Text("The pattern is no regular expression: {reason}", reason=reason)
        raise LogFilterError(text, "pattern") from None
    return lambda text: search(_plain(text)) is not None


def _plain(text: str) -> str:
    return SGR.sub("", text) if "\x1b" in text else text


def _shown(line: Line) -> str:
    text = in_line(_plain(line.text)).strip()
    return text if len(text) <= _MAX_LINE else f"{text[:_MAX_LINE]}…"
