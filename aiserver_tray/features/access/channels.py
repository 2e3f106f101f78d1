"""The channels of addresses."""

import logging
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.access.events import ACCESS, OpenModule
from aiserver_tray.features.access.views import (
    FILE,
    OPEN,
    AccessList,
    AccessPlan,
    CodeView,
    DeviceLinkView,
    LockState,
    OpenRequest,
)
from aiserver_tray.features.alerts.channels import AlertsFeature
from aiserver_tray.features.app.channels import AppFeature
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.protocol.channel import Feature, Names, OfModule, Payload, channel
from aiserver_tray.protocol.message import Caller, Message, Peer
from aiserver_tray.settings.entries import RevealedEntry, SettingEntry

if TYPE_CHECKING:
    from aiserver_tray.features.access.addresses import Addresses
    from aiserver_tray.features.access.names import Names as NetworkNames
    from aiserver_tray.features.access.opening import Openings
    from aiserver_tray.features.access.watch import Watch

_logger = logging.getLogger(__name__)

_ONLY_HERE = Text("A module can be opened to others only on this computer itself.")
_MAX_TEXT = 300
_LOCK, _KEY, _AUTHORITY = "extra-lock", "extra-lock-key", "app.certificate-authority"
"""As the journal names them, the first two after their module."""


class LockRequest(OfModule):
    """What to do with the extra lock of a module."""

    state: LockState


class CheckRequest(Payload):
    """Whose addresses to prove."""

    modules: Names = ()
    """all that are open without it"""


class CodeRequest(Payload):
    """What to show as a QR code."""

    text: str = Field(min_length=1, max_length=_MAX_TEXT)


class AccessChanged(TypedDict):
    """A module is being opened or closed."""

    operationId: str | None
    """the operation that does it; `null`: none is needed. A module that is opened waits for its
    first account then"""


class AccessFeature(Feature):
    """``ai/access/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._is_owner = False
        self._told: list[OpenModule] = []
        place.hub.add_state(self._current)

    def _current(self, _peer: Peer, events: Collection[str]) -> Iterable[Message]:
        return [ACCESS.message({"modules": self._told})] if ACCESS.name in events else []

    def _page_of(self, name: str) -> str | None:
        """Where this computer opens the module *name* while it is open to the network, because
        others send it back there: cookies and sign-ins count only at that address."""
        live = (one["page"] for one in self._told if one["name"] == name and one["state"] in OPEN)
        return next(live, None)

    @cached_property
    def _addresses(self) -> "Addresses":
        # Few need it.
        from aiserver_tray.features.access.addresses import Addresses  # noqa: PLC0415

        addresses = Addresses(self._place, self._names if self._is_owner else None)
        addresses.on_change = self._changed
        return addresses

    @cached_property
    def _names(self) -> "NetworkNames":
        from aiserver_tray.features.access.names import Names as NetworkNames  # noqa: PLC0415

        return NetworkNames()

    @cached_property
    def _watch(self) -> "Watch":
        from aiserver_tray.features.access.watch import Watch  # noqa: PLC0415

        return Watch(self._place, self._addresses, self._openings, self._names)

    @cached_property
    def _openings(self) -> "Openings":
        from aiserver_tray.features.access.opening import Openings  # noqa: PLC0415

        return Openings(self._place, self._addresses)

    def _changed(self) -> None:
        self._told = [*self._addresses.told()]
        if self._is_owner and self._told:
            self._watch.start()
        self._place.hub.update()
        if self._is_owner:
            self._place.feature(AlertsFeature).watch.refresh()

    def _troubles(self) -> Mapping[str, Text]:
        broken = [one["name"] for one in self._told if one["state"] == "broken"]
        known = self._addresses.file.read().modules if broken else {}
        return {name: why for name in broken if name in known and (why := known[name].trouble)}

    def start(self) -> None:
        self._is_owner = True
        self._place.feature(AlertsFeature).watch.addresses = self._troubles
        self._place.feature(AppFeature).page_of = self._page_of
        if (self._place.app.home.folder / FILE).exists():
            try:
                self._openings.reconcile()
                self._changed()
                self._watch.start()  # the gateway may have an older configuration
            except AiServerError as error:  # it is reported where it is used
                _logger.warning("addresses can't be followed: %s", error)

    def close(self) -> None:
        if "_watch" in vars(self):
            self._watch.close()

    @channel("ai/access/list")
    def _list(self) -> AccessList:
        """List from where modules can be used."""
        return self._addresses.list()

    @channel("ai/access/plan")
    def _plan(self, asked: OpenRequest) -> AccessPlan:
        """Show what opening a module does. Changes nothing."""
        return self._openings.plan(asked)

    @channel("ai/access/open")
    def _open(self, asked: OpenRequest, caller: Caller) -> AccessChanged:
        """Start to open a module to the home or office network, or to the internet; an operation. A
        module without its first account opens by itself once that exists."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        begun = self._openings.open(asked, caller.actor)
        return {"operationId": begun.id if begun else None}

    @channel("ai/access/close")
    def _close(self, asked: OfModule, caller: Caller) -> AccessChanged:
        """Close a module at once: no new request from the network reaches it. Then an operation
        gives it its own address back."""
        begun = self._openings.close(asked.module, caller.actor)
        return {"operationId": begun.id if begun else None}

    @channel("ai/access/lock")
    def _lock(self, asked: LockRequest, caller: Caller) -> None:
        """Turn the extra lock of an open module on or off, or renew its key. It counts at once."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        self._openings.set_lock(asked.module, asked.state)
        is_key = asked.state == "new"
        name, value = (_KEY, None) if is_key else (_LOCK, asked.state)
        self._record(f"{asked.module}.{name}", value, caller)

    @channel("ai/access/link")
    def _link(self, asked: OfModule, caller: Caller) -> DeviceLinkView:
        """Show the address for another device, with the key of the extra lock. The journal records
        that the key was shown, unless a command asks."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        link = self._openings.link(asked.module)
        if "?key=" in link.url and caller.kind != "command":  # as for secrets of settings
            entry = RevealedEntry(actor=caller.actor, address=f"{asked.module}.{_KEY}")
            self._place.app.settings.journal.add(entry)
        return link

    @channel("ai/access/check")
    def _check(self, asked: CheckRequest) -> AccessList:
        """Prove addresses as another device uses them."""
        self._addresses.check(asked.modules)
        return self._addresses.list()

    @channel("ai/access/forget")
    def _forget(self, caller: Caller) -> None:
        """Remove the certificate authority. What is open, or is opened next, gets a certificate of
        a new one, which all devices have to trust."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        try:
            self._openings.forget_authority()
        finally:  # also if the gateway gets it later
            self._record(_AUTHORITY, None, caller)

    def _record(self, address: str, value: str | None, caller: Caller) -> None:
        entry = SettingEntry(actor=caller.actor, address=address, is_reset=False, value=value)
        self._place.app.settings.journal.add(entry)

    @channel("ai/access/code")
    def _code(self, asked: CodeRequest) -> CodeView:
        """Make a QR code."""
        import segno  # noqa: PLC0415 - for the first code

        rows = segno.make_qr(asked.text, error="m").matrix
        path = "".join(
            f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
        )
        return CodeView(len(rows), path)
