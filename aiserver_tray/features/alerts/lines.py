"""Log lines that rules watch for. The time is an argument; nothing is read here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import SGR, in_line
from aiserver_tray.features.alerts import words
from aiserver_tray.features.alerts.finding import Due, Finding
from aiserver_tray.features.alerts.rules import Rule
from aiserver_tray.features.logs.line import Kept, Line, is_at_least
from aiserver_tray.features.logs.store.database import LogFilterError
from aiserver_tray.state.views import Snapshot

QUIET_LOG_SECONDS: Final = 60.0
"""Seconds without a further line after which an alert is over."""
_MAX_LINE: Final = 300
"""Characters of a line that an alert shows."""
_MAX_MEMORY: Final = 8 * 2**20
"""Bytes that a compiled pattern may take."""


@dataclass
class _Hits:
    """Lines of a service that match a rule: how many, and when and what the last one was."""

    count: int
    last: float
    text: str


class Lines:
    """Follows lines, which `see` is given from any thread."""

    def __init__(self) -> None:
        self._rules: Sequence[Rule] = ()
        self._matchers: Sequence[tuple[Rule, Any]] = ()
        self._hits: dict[tuple[str, str, str], _Hits] = {}
        """Rule, module and service."""
        self._lock = Lock()

    def use(self, rules: Sequence[Rule]) -> None:
        """Watch for what *rules* say from now on."""
        own = [rule for rule in rules if rule.kind == "line" and rule.is_on]
        if own == self._rules:
            return
        self._rules = own
        self._matchers = [(rule, _matcher(rule.pattern)) for rule in own]

    def see(self, lines: Iterable[Kept], now: float, since: int = 0) -> bool:
        """Take *lines* in, and return whether one matches a rule. Those that were written before
        *since* (nanoseconds since 1970) are no news: they are only stored now."""
        if not (matchers := self._matchers):
            return False
        new = (line for _, line in lines if line.time >= since)
        hits = [(rule, line) for line in new for rule, m in matchers if _matches(rule, m, line)]
        with self._lock:
            for rule, line in hits:
                key = (rule.id, line.module, line.service)
                count = self._hits[key].count + 1 if key in self._hits else 1
                self._hits[key] = _Hits(count, now, _shown(line))
        return bool(hits)

    def findings(self, snapshot: Snapshot, due: Due) -> Iterator[Finding]:
        """The services that wrote matching lines lately."""
        modules = {module.name: module for module in snapshot.modules}
        rules = {rule.id: rule for rule in self._rules}
        with self._lock:
            self._hits = {
                key: hits
                for key, hits in self._hits.items()
                if key[0] in rules and not due.reached(hits.last + QUIET_LOG_SECONDS)
            }
            found = [*self._hits.items()]
        for (id, module, service), hits in found:
            rule = rules[id]
            yield Finding(
                rule,
                module,
                service,
                words.name_of(modules.get(module)) or {"en": module},
                Text("{name}: {why}", name=service, why=hits.text),
                words.page("line", module, service, rule.level)
                if module in modules
                else f"logs/{module}",  # our own journal
                count=hits.count,
            )


def check_pattern(pattern: str) -> None:
    """Refuse a *pattern* that can't be used.

    Raises:
        LogFilterError: it is no regular expression of RE2.
    """
    _matcher(pattern)


def _matcher(pattern: str) -> Any:  # noqa: ANN401 - re2 has no types
    if not pattern:
        return None
    import re2  # noqa: PLC0415 - takes memory, and few rules have a pattern

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        reason = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        text = Text("The pattern is no regular expression: {reason}", reason=reason)
        raise LogFilterError(text, "pattern") from None


def _matches(rule: Rule, matcher: Any, line: Line) -> bool:  # noqa: ANN401 - re2 has no types
    if rule.module not in (None, line.module):
        return False
    if rule.level and not is_at_least(line.level, rule.level):
        return False
    return matcher is None or matcher.search(_plain(line.text)) is not None


def _plain(text: str) -> str:
    return SGR.sub("", text) if "\x1b" in text else text


def _shown(line: Line) -> str:
    text = in_line(_plain(line.text)).strip()
    return text if len(text) <= _MAX_LINE else f"{text[:_MAX_LINE]}…"
