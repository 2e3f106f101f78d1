"""The rows of the status table. Pure."""

from dataclasses import dataclass

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.model import State
from aiserver_tray.state.progress import STATES
from aiserver_tray.state.views import ModuleView, PortView, Snapshot

HEADS = (Text("MODULE"), Text("STATE"), Text("READY"), Text("ADDRESS"), Text("REASON"))
"""Headings of the columns."""
_ORPHAN = Text("no longer in the catalog")
_NO_RESPONSE = Text("The Docker engine has not responded yet. Try again in a moment.")
_DOCTOR = Text("To find the cause, run: aiserver-tray doctor")


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A module's row: its name, state, ready services, address and reason."""

    module: str
    state: State
    word: str
    ready: str
    place: str
    reason: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as plain texts, with a dash for an empty one."""
        cells = (self.module, self.word, self.ready, self.place, self.reason)
        return tuple(cell or "-" for cell in cells)


def rows(snapshot: Snapshot, language: Language) -> list[StatusRow]:
    """One for each module."""
    from aiserver_tray.state.progress import sorted_by_name  # noqa: PLC0415 - after Ctrl-C works

    return [_row(module, language) for module in sorted_by_name(snapshot.modules)]


def engine_lines(snapshot: Snapshot, language: Language) -> list[str]:
    """Why there is no table, and what to do next."""
    if snapshot.engine.running:
        return []
    error = snapshot.engine.error
    return [text.render(language) for text in ((error, _DOCTOR) if error else (_NO_RESPONSE,))]


def _row(module: ModuleView, language: Language) -> StatusRow:
    reason = module.reason or (_ORPHAN if module.orphan else None)
    return StatusRow(
        module=module.name,
        state=module.state,
        word=STATES[module.state].render(language),
        ready="" if module.state == "stopped" else f"{module.ready}/{module.total}",
        place=_place(module),
        reason=reason.render(language) if reason else "",
    )


def _place(module: ModuleView) -> str:
    """The address of its page, or else of its ports."""
    if not module.ports:
        return ""
    return module.open or ", ".join(dict.fromkeys(map(_address, module.ports)))


def _address(port: PortView) -> str:
    host = f"[{port.address}]" if ":" in port.address else port.address
    return f"{host}:{port.host}" + ("" if port.protocol == "tcp" else f"/{port.protocol}")
