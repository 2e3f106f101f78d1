"""The tray's view of a snapshot: icon, tooltip and menu. Pure."""

from dataclasses import dataclass

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import in_line
from aiserver_tray.model import State
from aiserver_tray.state.progress import how_far
from aiserver_tray.state.views import Snapshot
from aiserver_tray.tray.menu import Entry, TrayFacts, active, menu, shortened, summary

TOOLTIP_UNITS = 127
"""Windows' limit for a tooltip, in units of UTF-16."""

NAME = "AI-Server Tray"


@dataclass(frozen=True, slots=True)
class IconSpec:
    """The content of an icon."""

    state: State
    ready: int = 0
    """the number of ready services while the state is starting, otherwise 0"""
    total: int = 0
    """the number of services while the state is starting, otherwise 0"""


@dataclass(frozen=True, slots=True)
class TrayView:
    """Everything that the tray shows at one moment."""

    icon: IconSpec
    tooltip: str
    menu: tuple[Entry, ...]


def tray_view(snapshot: Snapshot, facts: TrayFacts, language: Language) -> TrayView:
    text = _tooltip(snapshot, facts).render(language)
    engine = snapshot.engine.name
    name = f"{NAME} ({engine.render(language)})" if engine else NAME
    tooltip = shortened(in_line(f"{name} – {text}"), TOOLTIP_UNITS)
    return TrayView(_icon(snapshot, facts), tooltip, menu(snapshot, facts, language))


def _tooltip(snapshot: Snapshot, facts: TrayFacts) -> Text:
    """The state in a line; of a single operation but a stop, also how far it is."""
    line, operations = summary(snapshot, facts.titles), active(snapshot)
    if facts.silent and snapshot.state == "running" and not operations:
        return Text("{first} – {second}", first=line, second=Text("models don't answer"))
    starts = [one for one in operations if one.kind not in ("stop", "down")]
    if len(operations) != 1 or not starts or not starts[0].total or starts[0].status != "running":
        return line
    return Text("{first} – {second}", first=line, second=how_far(starts[0]))


def _icon(snapshot: Snapshot, facts: TrayFacts) -> IconSpec:
    if facts.silent and snapshot.state == "running":
        return IconSpec("degraded")
    if snapshot.engine.reconnecting:
        return IconSpec("starting")
    if snapshot.state != "starting":
        return IconSpec(snapshot.state)
    wanted = [m for m in snapshot.modules if m.wanted or m.state == "starting"]
    return IconSpec("starting", sum(m.ready for m in wanted), sum(m.total for m in wanted))
