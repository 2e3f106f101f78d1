"""The tray's view of a snapshot: icon, tooltip and menu. Pure."""

from dataclasses import dataclass

from aiserver_tray.base.i18n import Language
from aiserver_tray.base.strings import in_line
from aiserver_tray.model import State
from aiserver_tray.state.views import Snapshot
from aiserver_tray.tray.menu import Entry, TrayFacts, menu, shortened, summary

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
    text = summary(snapshot, facts.titles).render(language)
    tooltip = shortened(in_line(f"{NAME} – {text}"), TOOLTIP_UNITS)
    return TrayView(_icon(snapshot), tooltip, menu(snapshot, facts, language))


def _icon(snapshot: Snapshot) -> IconSpec:
    if snapshot.state != "starting":
        return IconSpec(snapshot.state)
    wanted = [m for m in snapshot.modules if m.wanted or m.state == "starting"]
    return IconSpec("starting", sum(m.ready for m in wanted), sum(m.total for m in wanted))
