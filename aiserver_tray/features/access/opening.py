"""Opening a module to the network, and closing it."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import AddressError, AiServerError
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.catalog.extension import AddressSetting
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.access.addresses import Addresses, is_checked
from aiserver_tray.features.access.config import free_port
from aiserver_tray.features.access.gateway import GATEWAY, access_of, account_of
from aiserver_tray.features.access.internet import checked_domain
from aiserver_tray.features.access.names import free_name
from aiserver_tray.features.access.network import Network, label, networks
from aiserver_tray.features.access.store import LOCK_KEY, AccessData, OpenData, replace_authority
from aiserver_tray.features.access.views import AccessPlan, DeviceLinkView, LockState, OpenRequest
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.model import Actor
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.record import OperationRecord
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.stages import PublishedView, Stages
from aiserver_tray.state.store import StoreClosedError

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.features.place import Place
    from aiserver_tray.operations.operation import Operation
    from aiserver_tray.state.views import OperationView

_REQUIRED: Final = ("certificate", "module", "ports")
"""The parts of the proof without which nothing stays open."""


class Openings:
    """Changes what is open of *addresses* at *place*."""

    def __init__(self, place: "Place", addresses: Addresses) -> None:
        self._place = place
        self._addresses = addresses
        self._file = addresses.file
        self._lock = RLock()

    # -- opening -----------------------------------------------------------------------------------

    def plan(self, asked: OpenRequest) -> AccessPlan:
        """What it takes to open a module as *asked*.

        Raises:
            AddressError: it can't be opened; says why.
        """
        name, (module, wanted, here) = asked.module, self._checked(asked)
        url, _ = self._addresses.urls(name, wanted, here, self._addresses.ports)
        changes = self._values(module, url)
        effects = self._place.core.operations.effects(Request("up", (name,)), changes)
        own = next((one for one in effects.modules if one.name == name), None)
        running = {m.name for m in self._place.core.store.snapshot.modules if m.state == "running"}
        return AccessPlan(
            url,
            here.address if here else "",
            account_of(self._place, name),
            GATEWAY not in running,
            tuple(own.services) if own else (),
            own.seconds if own else None,
            self._addresses.told_before(wanted.way, wanted.name) if not here else (),
        )

    def open(self, asked: OpenRequest, actor: Actor) -> "OperationView | None":
        """Begin to open a module as *asked*. None: it opens once its first account exists.

        Raises:
            AddressError: it can't be opened; says why.
        """
        name, (module, wanted, here) = asked.module, self._checked(asked)
        if not (wanted.locked and asked.unchecked) and not is_checked(module):
            text = Text(
                "The file of {module} does not say how to find out whether somebody owns it. "
                "Nobody has checked whether strangers can create accounts there. It opens only "
                "with the extra lock, after you agree to that: --lock --unchecked.",
                module=name,
            )
            raise AddressError(text, module=name)
        with self._file.update() as data:
            # `_checked` has refused another engine.
            data.engine = self._place.engine_id or ""
            if here:
                self._choose(data, here, asked.address, name)
        account = account_of(self._place, name)
        is_there = account != "unknown" or self._state_of(name) == "running"
        if account == "exists" or (is_there and account != "missing") or _at_start(module):
            return self.begin(name, wanted, actor)
        with self._file.update() as data:
            if name not in data.open:
                data.modules[name] = wanted
        self._addresses.on_change()
        if is_there:
            return None
        # With the variables of its address, nobody might be able to create the first account.
        return self._place.feature(StackFeature).begin(Request("up", (name,)), actor).view

    @staticmethod
    def _choose(data: AccessData, here: Network, address: str, name: str) -> None:
        """Let the network of *here*, whose *address* was chosen, be the one to open modules to."""
        near = data.near.keys() - {name}
        if near and not here.is_same(data.range, data.router):
            text = Text(
                "Other modules are open to another network: {names}. Close them first.",
                names=Listed(sorted(near)),
            )
            raise AddressError(text, module=name)
        data.address = address or data.address
        if not near:
            data.range, data.router = here.range, here.router

    def _state_of(self, name: str) -> str | None:
        found = self._place.core.store.snapshot.modules
        return next((module.state for module in found if module.name == name), None)

    def begin(self, name: str, wanted: OpenData, actor: Actor) -> "OperationView":
        """Begin the operation that opens the module *name* as *wanted*."""
        request = Request("up", (GATEWAY, name))
        task = partial(_Opening, (self, name, wanted, actor))
        with self._lock:
            self._addresses.opening[name] = ""
        try:
            operation = self._place.feature(StackFeature).begin(request, actor, task)
        except BaseException:
            self.over(name)
            raise
        return operation.view

    def _checked(self, asked: OpenRequest) -> "tuple[Module, OpenData, Network | None]":
        """The module, how it is to be opened, and where if not to the internet."""
        name, module = asked.module, self._place.app.catalog.module(asked.module)
        access = access_of(self._place, name)
        known = self._file.read().modules.get(name)
        locked = asked.lock or bool(known and known.locked)
        wanted = OpenData(state="waiting", way=asked.way, locked=locked)
        if access is None:
            text = Text(
                "{module} can't be opened: it has no page on ai-net. If it has one, start it "
                "first.",
                module=name,
            )
            raise AddressError(text, module=name)
        if module.access is None:
            wanted.upstream = f"{access.host}:{access.port}"
        if asked.way == "network":
            return module, wanted, self._near(name, asked.address)
        if problem := self._addresses.internet_problem():
            raise AddressError(problem, module=name)
        wanted.name = checked_domain(asked.domain)
        others = self._file.read().modules.items()
        if taken := next((n for n, one in others if one.name == wanted.name and n != name), None):
            text = Text("{module} already has {domain}.", module=taken, domain=wanted.name)
            raise AddressError(text, module=name)
        return module, wanted, None

    def _near(self, name: str, address: str) -> Network:
        found = networks()
        here = next((one for one in found if one.address == address), None)
        if address and here is None:
            text = Text(
                "This computer does not have the address {address}. It has {known}.",
                address=address,
                known=", ".join(one.address for one in found) or "-",
            )
            raise AddressError(text, module=name)
        if problem := self._addresses.problem(here := here or self._addresses.network()):
            raise AddressError(problem, module=name)
        if here is None:
            raise TypeError(name)
        return here

    # -- in the operation --------------------------------------------------------------------------

    def prepare(self, name: str, wanted: OpenData, operation: str) -> None:
        """Give the module *name* a port and a name, and its variables the address, before the
        *operation* (its ID) starts it with them."""
        with self._lock:
            self._addresses.opening[name] = operation
        self._addresses.on_change()
        module, opened = self._place.app.catalog.module(name), wanted.model_copy()
        here = self._near(name, "") if wanted.way == "network" else None
        if here:
            opened.name = free_name(f"{name}-{label()}", here.address)
        with self._lock, self._file.update() as data:
            known = data.modules.get(name)
            if here:
                taken = (one.port for other, one in data.modules.items() if other != name)
                opened.port = (known and known.port) or free_port(taken) or 0
                if not opened.port:
                    text = Text("All ports for open modules are in use. Close another one first.")
                    raise AddressError(text, module=name)
            data.modules[name] = opened
        if known and known.state == "open":  # another way: the old address is closed at once
            self._addresses.load()
        url, _ = self._addresses.urls(name, opened, here, self._addresses.ports)
        self._set(module, self._values(module, url))

    def finish(self, name: str, cancelled: Cancellation) -> None:
        """The module *name* runs with its address, and so does the gateway: open it, and prove
        that.

        Raises:
            AddressError: it has no first account, the certificate authority refuses its domain, the
                proof failed, or *cancelled* was set.
        """
        if (wanted := self._file.read().modules.get(name)) is None:  # it was closed meanwhile
            raise _closed(name)
        account = account_of(self._place, name)
        if account == "missing":
            return
        if account != "exists" and is_checked(self._place.app.catalog.module(name)):
            text = Text("{module} does not say whether it has a first account.", module=name)
            raise AddressError(text, module=name)
        if wanted.way == "internet":
            self._addresses.certify(wanted.name, cancelled)
        with self._file.update() as data:
            if (known := data.modules.get(name)) is None:
                raise _closed(name)
            known.state, known.since, data.pending = "open", time.time(), True
        self._addresses.load()
        self._addresses.check([name])
        if (known := self._file.read().modules.get(name)) is None:
            raise _closed(name)
        failed = [one.view for one in known.links if one.ok is False and one.kind in _REQUIRED]
        if failed:
            text = Text("{module} was closed again: {why}", module=name, why=failed[0].text)
            raise AddressError(text, module=name)

    def over(self, name: str) -> None:
        """The operation that opens the module *name* has ended."""
        with self._lock:
            self._addresses.opening.pop(name, None)
        self._addresses.on_change()

    # -- closing -----------------------------------------------------------------------------------

    def close(self, name: str, actor: Actor) -> "OperationView | None":
        """Close the module *name* now: no new request reaches it. Then begin what follows: the
        module gets its own address back, and the gateway stops if nothing else is open.

        Raises:
            AddressError: it is not open.
            AiServerError: the engine can't be asked, so it may still be open.
        """
        module = self._place.app.catalog.modules.get(name)
        self._addresses.check_engine()
        with self._file.update() as data:
            known = data.modules.pop(name, None)
            data.pending = data.pending or known is not None
        if known is None:
            raise _closed(name)
        try:
            self._addresses.load()
        except BaseException:
            with self._file.update() as data:
                data.modules[name] = known
            raise
        changes = self._reset(module) if module else {}
        self._addresses.on_change()
        begun = self._follow_up(name, actor, changes)
        return begun.view if begun else None

    # -- the extra lock ----------------------------------------------------------------------------

    def set_lock(self, name: str, state: LockState) -> None:
        """Turn the extra lock of the open module *name* on or off, or give it a new key, which all
        devices then need.

        Raises:
            AddressError: it is not open, or must have it.
        """
        self._addresses.check_engine()
        module = self._place.app.catalog.module(name)
        if state == "off" and not is_checked(module):
            text = Text("{module} is open only with the extra lock.", module=name)
            raise AddressError(text, module=name)
        with self._file.update() as data:
            if name not in data.modules:
                raise _closed(name)
            if state == "new":
                key = {LOCK_KEY.format(name): None}
                self._place.app.settings.secrets.change(key, kept=())
            data.modules[name].locked, data.pending = state != "off", True
        self._addresses.load()
        self._addresses.on_change()

    def link(self, name: str) -> DeviceLinkView:
        """The address of the module *name* for another device, with the key if it has a lock."""
        data, here = self._file.read(), self._addresses.network()
        known = data.modules.get(name)
        urls = self._addresses.urls(name, known, here, self._addresses.ports)
        key = f"/?key={self._addresses.lock(name).key}" if known and known.locked else ""
        return DeviceLinkView(*(f"{url}{key}" for url in urls))

    def _reset(self, module: "Module") -> dict[str, str | None]:
        settings = self._place.app.settings
        own = {a: s for a, s in self._place.app.declared_by(module.name).items()
               if isinstance(s, AddressSetting)}  # fmt: skip
        stored = settings.stored(own)
        changes: dict[str, str | None] = {a: None for a, v in stored.items() if v is not None}
        self._set(module, changes)
        return changes

    def _follow_up(
        self, name: str, actor: Actor, changes: Mapping[str, str | None]
    ) -> "Operation | None":
        stack, snapshot = self._place.feature(StackFeature), self._place.core.store.snapshot
        states = {module.name: module.state for module in snapshot.modules}
        is_last = not self._file.read().modules and states.get(GATEWAY) not in (None, "stopped")
        stop = Request("stop", (GATEWAY,))
        if changes and states.get(name) not in (None, "stopped", "engine_down"):

            def stop_gateway() -> None:
                if is_last:
                    stack.begin(stop, actor).wait()

            task = partial(_Closing, stop_gateway)
            return stack.begin(Request("up", (name,)), actor, task)
        return stack.begin(stop, actor) if is_last else None

    def abandon(self, name: str) -> dict[str, str | None]:
        """Opening the module *name* has failed: nothing of it is left open. Returns the variables
        that have their own values again, with which it does not run yet."""
        module = self._place.app.catalog.modules.get(name)
        with self._file.update() as data:
            data.modules.pop(name, None)
            data.pending = True
        with suppress(AiServerError):  # the watch does it once the engine is back
            self._addresses.load()
        return self._reset(module) if module else {}

    def undo(self, name: str, actor: Actor, changes: Mapping[str, str | None]) -> None:
        """Wait until the module *name* runs with *changes*, and until the gateway has stopped if
        nothing is open, as after closing."""
        with suppress(AiServerError):  # what made opening fail is said
            if begun := self._follow_up(name, actor, changes):
                begun.wait()

    def forget_authority(self) -> None:
        """Remove the authority, and what was open at an engine that is gone. Modules that are open
        here stay so, with a certificate of a new one, which all devices have to trust again.

        Raises:
            AiServerError: the gateway can't be told yet, and gets it later.
        """
        if self._addresses.elsewhere(self._file.read()):
            with self._file.update() as data:
                data.modules, data.engine, data.pending = {}, "", False
        replace_authority(self._place.app.settings, "", None)
        try:
            if self._file.read().modules:
                self._addresses.load()
                self._addresses.check()
        finally:
            self.reconcile()
            self._addresses.on_change()

    # -- variables ---------------------------------------------------------------------------------

    @staticmethod
    def _values(module: "Module", url: str) -> dict[str, str | None]:
        """The variables of *module* at *url*, by address."""
        host = url.removeprefix("https://")
        given = {"url": url, "ws_url": f"wss://{host}", "host": host.partition(":")[0]}
        access = module.access
        return {
            f"{module.name}.{name}": value.format(**given)
            for name, value in (access.variables.items() if access else ())
        }

    def _set(self, module: "Module", changes: Mapping[str, str | None]) -> None:
        if changes:
            settings = self._place.app.settings
            settings.change(self._place.app.declared_by(module.name), changes)
            self._place.refresh()

    def reconcile(self) -> None:
        """See that variables have the addresses that are open, such as after a restore of another
        computer's settings."""
        data, here, ports = self._file.read(), self._addresses.network(), self._addresses.ports
        for module in self._place.app.catalog.modules.values():
            if module.access and module.access.variables:
                known = data.modules.get(module.name)
                url = (
                    self._addresses.urls(module.name, known, here, ports)[0]
                    if known and (known.port or known.way != "network")
                    else ""
                )
                wanted = (
                    self._values(module, url) if url else dict.fromkeys(self._values(module, ""))
                )
                own = {a: self._place.app.declared[a] for a in wanted}
                stored = self._place.app.settings.stored(own)
                self._set(module, {a: v for a, v in wanted.items() if stored[a] != v})


def _closed(name: str) -> AddressError:
    return AddressError(Text("{module} is not open.", module=name), module=name)


def _at_start(module: "Module") -> bool:
    return bool(module.access and module.access.first_account == "at-start")


class _Opening(Stages):
    """Starts the gateway and a module with its new address, then opens it."""

    def __init__(
        self,
        what: tuple[Openings, str, OpenData, Actor],
        request: Request,
        parts: Parts,
        record: OperationRecord,
        view: PublishedView,
    ) -> None:
        super().__init__(request, parts, record, view)
        self._openings, self._name, self._wanted, self._actor = what

    def run(self) -> None:
        is_changed = False
        try:
            self._openings.prepare(self._name, self._wanted, self._view.now.id)
            super().run()
            is_changed = True
            self._parts.store.flush()
            self._openings.finish(self._name, self._cancelled)
        except StoreClosedError:  # the process ends
            self._openings.abandon(self._name)
            raise
        except BaseException:
            changes = self._openings.abandon(self._name)
            # A module that did not start with them is not started again, to fail again.
            self._openings.undo(self._name, self._actor, changes if is_changed else {})
            raise
        finally:
            self._openings.over(self._name)


class _Closing(Stages):
    """Gives a module its own address back, and does what comes *after* that in any case."""

    def __init__(
        self,
        after: Callable[[], object],
        request: Request,
        parts: Parts,
        record: OperationRecord,
        view: PublishedView,
    ) -> None:
        super().__init__(request, parts, record, view)
        self._after = after

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._after()
