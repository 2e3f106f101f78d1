"""Short lines for a tooltip and a menu. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from aiserver_tray.base.i18n import Plural, Text
from aiserver_tray.state.progress import headline
from aiserver_tray.state.views import ModuleView, OperationSummary, Snapshot
from aiserver_tray.state.words import CONDITIONS, STATES

_TROUBLE = ("error", "degraded")
_MAX_WORD_UNITS = 16
"""Letters of a word that is rather left out than cut."""


def active(snapshot: Snapshot) -> tuple[OperationSummary, ...]:
    """The operations under way."""
    return tuple(operation for operation in snapshot.operations if not operation.is_over)


def busy(operations: Sequence[OperationSummary]) -> Text | None:
    """The running *operations* in one line: the first one, and the number of the others."""
    if not operations:
        return None
    first, others = headline(operations[0]), len(operations) - 1
    if not others:
        return first
    return Plural(
        "{what} (and {count} more task)",
        "{what} (and {count} more tasks)",
        count=others,
        what=first,
    )


def summary(snapshot: Snapshot, titles: Mapping[str, str]) -> Text:
    """The whole state in one line: the running operation, or the state and the number of healthy
    modules; then the worst module and its reason."""
    first = busy(active(snapshot)) or _condition(snapshot)
    worst = None if snapshot.state == "engine_down" else _worst(snapshot.modules, titles)
    return Text("{first} – {second}", first=first, second=worst) if worst else first


def _condition(snapshot: Snapshot) -> Text:
    word = CONDITIONS[snapshot.state]
    if snapshot.state == "engine_down":
        if snapshot.engine.starting:
            return Text("Starting Docker…")
        error = snapshot.engine.error
        return Text("{name}: {why}", name=word, why=error.text) if error else word
    concerned = [module for module in snapshot.modules if module.state != "stopped"]
    if not concerned or snapshot.state == "stopping":
        return word  # during a stop, the number of healthy modules does not matter
    return Text(
        "{state}, {ready} of {total} healthy",
        state=word,
        ready=sum(module.state == "running" for module in concerned),
        total=len(concerned),
    )


def _worst(modules: Iterable[ModuleView], titles: Mapping[str, str]) -> Text | None:
    troubled = [module for module in modules if module.state in _TROUBLE]
    if not troubled:
        return None
    module = min(troubled, key=lambda module: _TROUBLE.index(module.state))
    why = module.reason or STATES[module.state]
    return Text("{name}: {why}", name=titles.get(module.name, module.name), why=why)


def shortened(text: str, units: int) -> str:
    """*text* in at most *units* of UTF-16, cut after a word if possible."""
    if _units(text) <= units:
        return text
    while _units(text) >= units:
        text = text[:-1]
    words, _, last = text.rpartition(" ")
    # A longer one is a path, or a sentence in a language without spaces.
    if words and len(last) <= _MAX_WORD_UNITS:
        text = words
    return text.rstrip(" ,.:;–-，。：；（(") + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2
