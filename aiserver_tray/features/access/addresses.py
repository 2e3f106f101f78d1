"""The addresses of an installation: what is open, opening and closing it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from threading import RLock
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import AddressError, AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.extension import Access, AddressSetting, FirstAccount
from aiserver_tray.features.access.config import (
    HTTP,
    Certificates,
    Site,
    encoded,
    free_port,
    gateway_config,
)
from aiserver_tray.features.access.events import OpenModule
from aiserver_tray.features.access.gateway import GATEWAY, Gateway, account_of
from aiserver_tray.features.access.names import SUFFIX, Names, free_name
from aiserver_tray.features.access.network import Network, label, networks
from aiserver_tray.features.access.proof import Address, OtherPort, prove
from aiserver_tray.features.access.store import (
    AUTHORITY_KEY,
    AccessData,
    AccessFile,
    LinkData,
    OpenData,
)
from aiserver_tray.features.access.views import (
    AccessList,
    AccessPlan,
    AccessState,
    CertificateView,
    LinkView,
    ModuleAccessView,
    NetworkView,
)
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.model import Actor
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.record import OperationRecord
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.stages import PublishedView, Stages

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.features.access.authority import Pair
    from aiserver_tray.features.place import Place
    from aiserver_tray.state.views import OperationView

_REQUIRED: Final = ("certificate", "module", "ports")
"""The parts of the proof without which nothing stays open."""


class Addresses:
    """The addresses of the modules of *place*. *names* answers for their names; None: nobody does,
    because this process does not stay."""

    def __init__(self, place: "Place", names: Names | None) -> None:
        self._place = place
        self._names = names
        self._lock = RLock()
        self._opening: dict[str, str] = {}
        """Module -> the operation that opens it."""
        self.on_change: Callable[[], object] = lambda: None
        """Called when `list` has changed."""

    @cached_property
    def file(self) -> AccessFile:
        """What is remembered."""
        return AccessFile(self._place.app.settings)

    @cached_property
    def _gateway(self) -> Gateway:
        return Gateway(self._place)

    # -- what there is -----------------------------------------------------------------------------

    def list(self) -> AccessList:
        """From where each module can be used."""
        data, here = self.file.read(), self.network()
        modules = [m for m in self._place.app.catalog.modules.values() if m.access]
        ports = self._gateway.ports if GATEWAY in self._place.app.catalog.modules else {}
        found = (
            NetworkView(one.address, one.interface, chosen=bool(here and one == here))
            for one in networks()
        )
        return AccessList(
            tuple(self._view(module, data, here, ports) for module in modules),
            tuple(found),
            self._certificate(data, here, ports),
            self._problem(here),
        )

    def _view(
        self, module: "Module", data: AccessData, here: Network | None, ports: Mapping[int, int]
    ) -> ModuleAccessView:
        known = data.modules.get(module.name)
        url, ip_url = self._urls(module.name, known, here, ports)
        account = account_of(self._place, module.name)
        view = ModuleAccessView(module.name, module.title, "closed", url, ip_url, None, account)
        operation = self._opening.get(module.name)
        if operation is not None:
            return replace(view, state="opening", operation=operation or None)
        if known is None:
            return view
        at = known.checked_at
        return replace(
            view,
            state=self._state(known, data, here),
            since=datetime.fromtimestamp(known.since, UTC),
            links=tuple(link.view for link in known.links),
            checked_at=datetime.fromtimestamp(at, UTC) if at else None,
        )

    @staticmethod
    def _state(known: OpenData, data: AccessData, here: Network | None) -> AccessState:
        if known.state == "waiting":
            return "waiting"
        if here is None or not here.is_same(data.range, data.router):
            return "paused"
        return "broken" if any(link.ok is False for link in known.links) else "open"

    def _urls(
        self, name: str, known: OpenData | None, here: Network | None, ports: Mapping[int, int]
    ) -> tuple[str, str]:
        inside = (known and known.port) or free_port(
            one.port for one in self.file.read().modules.values()
        )
        outside = ports.get(inside or 0, 0)
        host = (known and known.name) or f"{name}-{label()}{SUFFIX}"
        ip = here.address if here else "0.0.0.0"
        return f"https://{host}:{outside}", f"https://{ip}:{outside}"

    def _certificate(
        self, data: AccessData, here: Network | None, ports: Mapping[int, int]
    ) -> CertificateView | None:
        if not data.certificate or here is None:
            return None
        from aiserver_tray.features.access import authority  # noqa: PLC0415 - slow

        guide = f"http://{here.address}:{ports[HTTP]}/"
        return CertificateView(
            authority.name_of(data.certificate),
            authority.fingerprint(data.certificate),
            authority.until(data.certificate),
            guide,
            f"{guide}ca.crt",
        )

    def _problem(self, here: Network | None) -> Text | None:
        if self._place.core.engine.address.needs_forwarding:
            return Text(
                "The engine is on another machine, whose network is another one. Modules can be "
                "opened only where the engine runs on this computer."
            )
        if here is None:
            return Text("This computer is in no home or office network now.")
        return None

    def network(self) -> Network | None:
        """The network in which modules are opened: of the address that the user has chosen, if this
        computer has it, or else the usual one."""
        found, chosen = networks(), self.file.read().address
        return next((one for one in found if one.address == chosen), next(iter(found), None))

    def told(self) -> Sequence[OpenModule]:
        """What clients hear of by themselves."""
        data, here = self.file.read(), self.network()
        ports = self._gateway.ports
        return [
            {
                "name": name,
                "state": "opening" if name in self._opening else self._state(known, data, here),
                "url": self._urls(name, known, here, ports)[0],
                "since": datetime.fromtimestamp(known.since, UTC).isoformat(),
            }
            for name, known in data.modules.items()
        ]

    # -- opening -----------------------------------------------------------------------------------

    def plan(self, name: str, address: str) -> AccessPlan:
        """What it takes to open the module *name* at this computer's *address*; empty: the usual
        one.

        Raises:
            AddressError: it can't be opened; says why.
        """
        module, here = self._checked(name, address)
        known = self.file.read().modules.get(name)
        url, ip_url = self._urls(name, known, here, self._gateway.ports)
        changes = self._values(module, url)
        effects = self._place.core.operations.effects(Request("up", (name,)), changes)
        own = next((one for one in effects.modules if one.name == name), None)
        running = {m.name for m in self._place.core.store.snapshot.modules if m.state == "running"}
        return AccessPlan(
            url,
            ip_url,
            here.address,
            account_of(self._place, name),
            GATEWAY not in running,
            tuple(own.services) if own else (),
            own.seconds if own else None,
        )

    def open(self, name: str, address: str, actor: Actor) -> "OperationView | None":
        """Begin to open the module *name*. None: it opens by itself once its first account exists.

        Raises:
            AddressError: it can't be opened; says why.
        """
        module, here = self._checked(name, address)
        with self.file.update() as data:
            data.address = address or data.address
            if not data.open:
                data.range, data.router = here.range, here.router
        if account_of(self._place, name) == "missing":
            with self.file.update() as data:
                data.modules.setdefault(name, OpenData(state="waiting"))
            self.on_change()
            return None
        return self.begin(module.name, actor)

    def begin(self, name: str, actor: Actor) -> "OperationView":
        """Begin the operation that opens the module *name*."""
        request = Request("up", (GATEWAY, name))
        task = partial(_Opening, (self, name))
        with self._lock:
            self._opening[name] = ""
        try:
            operation = self._place.feature(StackFeature).begin(request, actor, task)
        except BaseException:
            self.over(name)
            raise
        return operation.view

    def _checked(self, name: str, address: str) -> "tuple[Module, Network]":
        module, found = self._place.app.catalog.module(name), networks()
        here = next((one for one in found if one.address == address), None)
        if address and here is None:
            text = Text(
                "This computer does not have the address {address}. It has {known}.",
                address=address,
                known=", ".join(one.address for one in found) or "-",
            )
            raise AddressError(text, module=name)
        if problem := self._problem(here := here or self.network()):
            raise AddressError(problem, module=name)
        if here is None:
            raise TypeError(name)
        if module.access is None or module.access.first_account is None:
            text = Text(
                "{module} can't be opened: its file does not say how to find out whether somebody "
                "owns it already (x-aiserver.access).",
                module=name,
            )
            raise AddressError(text, module=name)
        return module, here

    # -- in the operation --------------------------------------------------------------------------

    def prepare(self, name: str, operation: str) -> None:
        """Give the module *name* a port and a name, and its variables the address, before the
        *operation* (its ID) starts it with them."""
        with self._lock:
            self._opening[name] = operation
        self.on_change()
        module, here = self._checked(name, "")
        free = free_name(f"{name}-{label()}", here.address)
        with self._lock, self.file.update() as data:
            taken = (one.port for other, one in data.modules.items() if other != name)
            known = data.modules.get(name)
            port = (known and known.port) or free_port(taken)
            if port is None:
                text = Text("All ports for open modules are in use. Close another module first.")
                raise AddressError(text, module=name)
            data.modules[name] = OpenData(state="waiting", port=port, name=free)
            opened = data.modules[name]
        url, _ = self._urls(name, opened, here, self._gateway.ports)
        self._set(module, self._values(module, url))

    def finish(self, name: str) -> None:
        """The module *name* runs with its address, and so does the gateway: open it, and prove
        that.

        Raises:
            AddressError: it has no first account, or the proof failed.
        """
        account = account_of(self._place, name)
        if account == "missing":
            return
        if account != "exists":
            text = Text("{module} does not say whether it has a first account.", module=name)
            raise AddressError(text, module=name)
        with self.file.update() as data:
            data.modules[name].state = "open"
            data.modules[name].since = time.time()
        self.load()
        self.check([name])
        links = self.file.read().modules[name].links
        failed = [one.view for one in links if one.ok is False and one.kind in _REQUIRED]
        if failed:
            text = Text("{module} was closed again: {why}", module=name, why=failed[0].text)
            raise AddressError(text, module=name)

    def is_opening(self, name: str) -> bool:
        """Whether an operation opens the module *name* now."""
        with self._lock:
            return name in self._opening

    def over(self, name: str) -> None:
        """The operation that opens the module *name* has ended."""
        with self._lock:
            self._opening.pop(name, None)
        self.on_change()

    def load(self) -> None:
        """Let the gateway and the names follow what is open in the network where this computer
        is."""
        data, here = self.file.read(), self.network()
        is_here = bool(here and here.is_same(data.range, data.router))
        opened = data.open if is_here else {}
        address = here.address if here and opened else ""
        certificates = self._certificates(data, opened, address) if opened else None
        sites = [self._site(name, one, address) for name, one in opened.items()]
        self._gateway.load(encoded(gateway_config(sites, certificates, address)))
        with self.file.update() as now:
            now.told, now.loaded_at = address, time.time()
        if self._names:
            ports = self._gateway.ports
            with suppress(OSError):  # the proof says so
                told = {one.name: ports[one.port] for one in opened.values()}
                self._names.publish(address, told)

    def _site(self, name: str, one: OpenData, address: str) -> Site:
        access = self._access(name)
        return Site(
            (one.name, address),
            one.port,
            f"{access.host or name}:{access.port}",
            access.closed,
            access.cookies == "secure",
        )

    def _access(self, name: str) -> Access:
        access = self._place.app.catalog.module(name).access
        if access is None:
            raise AddressError(Text("{module} can't be opened any more.", module=name), module=name)
        return access

    def _certificates(
        self, data: AccessData, opened: Mapping[str, OpenData], address: str
    ) -> Certificates:
        from aiserver_tray.features.access import authority  # noqa: PLC0415 - slow

        root = self._authority(data)
        leaf = authority.make_leaf(root, [*(one.name for one in opened.values()), address])
        name, print_ = authority.name_of(root.certificate), authority.fingerprint(root.certificate)
        return Certificates(root.certificate, leaf.certificate, leaf.key, name, print_)

    def _authority(self, data: AccessData) -> "Pair":
        """That of the installation, which is made for the first module that is opened."""
        from aiserver_tray.features.access import authority  # noqa: PLC0415 - slow

        secrets = self._place.app.settings.secrets
        key = secrets.values([AUTHORITY_KEY]).get(AUTHORITY_KEY)
        if data.certificate and key:
            return authority.Pair(data.certificate, key)
        pair = authority.make_authority(f"AI-Server Tray on {label()}")
        secrets.change({AUTHORITY_KEY: pair.key}, kept=())
        with self.file.update() as now:
            now.certificate = pair.certificate
        return pair

    # -- the proof ---------------------------------------------------------------------------------

    def check(self, names: Sequence[str] = ()) -> None:
        """Prove the addresses of the modules *names*; without, of all that are open."""
        data, here = self.file.read(), self.network()
        if here is None or not here.is_same(data.range, data.router):
            return
        ports = self._gateway.ports
        chosen = {n: one for n, one in data.open.items() if not names or n in names}
        for name, one in chosen.items():
            module = self._place.app.catalog.module(name)
            first = module.access.first_account if module.access else None
            path = first.http if isinstance(first, FirstAccount) and first.http else "/"
            published = bool(self._names and one.name in self._names.names)
            address = Address(
                module.title,
                one.name,
                here.address,
                ports[one.port],
                path,
                data.certificate,
                published,
            )
            self._remember(name, prove(address, self._others()))
        if chosen:
            self.on_change()

    def _remember(self, name: str, links: Sequence[LinkView]) -> None:
        with self.file.update() as data:
            if known := data.modules.get(name):
                known.links, known.checked_at = [*map(LinkData.of, links)], time.time()

    def _others(self) -> Iterator[OtherPort]:
        """The published ports of all modules but the gateway."""
        language = self._place.app.language
        for module in self._place.core.store.snapshot.modules:
            for port in module.ports if module.name != GATEWAY else ():
                if port.protocol == "tcp":
                    yield OtherPort(module.title_in(language), port.host)

    # -- closing -----------------------------------------------------------------------------------

    def close(self, name: str, actor: Actor) -> "OperationView | None":
        """Close the module *name* now: no new request reaches it. Then begin what follows: the
        module gets its own address back, and the gateway stops if nothing else is open.

        Raises:
            AddressError: it is not open.
            AiServerError: the engine can't be asked, so it may still be open.
        """
        module = self._place.app.catalog.modules.get(name)
        with self.file.update() as data:
            known = data.modules.pop(name, None)
        if known is None:
            raise AddressError(Text("{module} is not open.", module=name), module=name)
        try:
            self.load()
        except BaseException:
            with self.file.update() as data:
                data.modules[name] = known
            raise
        changes = self._reset(module) if module else {}
        self.on_change()
        return self._follow_up(name, actor, changes)

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
    ) -> "OperationView | None":
        stack, snapshot = self._place.feature(StackFeature), self._place.core.store.snapshot
        states = {module.name: module.state for module in snapshot.modules}
        is_last = not self.file.read().modules and states.get(GATEWAY) not in (None, "stopped")
        stop = Request("stop", (GATEWAY,))
        if changes and states.get(name) not in (None, "stopped", "engine_down"):

            def stop_gateway() -> None:
                if is_last:
                    stack.begin(stop, actor).wait()

            task = partial(_Closing, stop_gateway)
            return stack.begin(Request("up", (name,)), actor, task).view
        return stack.begin(stop, actor).view if is_last else None

    def abandon(self, name: str) -> None:
        """Opening the module *name* has failed: nothing of it is left open."""
        module = self._place.app.catalog.modules.get(name)
        with self.file.update() as data:
            data.modules.pop(name, None)
        with suppress(AiServerError):  # the engine is away; the next load comes before a start
            self.load()
        if module:
            self._reset(module)

    def forget_authority(self) -> None:
        """Remove the authority. The next module that is opened gets a new one, which all devices
        have to trust again.

        Raises:
            AddressError: something is open.
        """
        if self.file.read().modules:
            raise AddressError(Text("Close all modules first."))
        self._place.app.settings.secrets.change({AUTHORITY_KEY: None}, kept=())
        with self.file.update() as data:
            data.certificate = ""
        self.on_change()

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
        data, here, ports = self.file.read(), self.network(), self._gateway.ports
        for module in self._place.app.catalog.modules.values():
            if module.access and module.access.variables:
                known = data.modules.get(module.name)
                url = self._urls(module.name, known, here, ports)[0] if known and known.port else ""
                wanted = (
                    self._values(module, url) if url else dict.fromkeys(self._values(module, ""))
                )
                own = {a: self._place.app.declared[a] for a in wanted}
                stored = self._place.app.settings.stored(own)
                self._set(module, {a: v for a, v in wanted.items() if stored[a] != v})


class _Opening(Stages):
    """Starts the gateway and a module with its new address, then opens it."""

    def __init__(
        self,
        what: tuple[Addresses, str],
        request: Request,
        parts: Parts,
        record: OperationRecord,
        view: PublishedView,
    ) -> None:
        super().__init__(request, parts, record, view)
        self._addresses, self._name = what

    def run(self) -> None:
        try:
            self._addresses.prepare(self._name, self._view.now.id)
            super().run()
            self._parts.store.flush()
            self._addresses.finish(self._name)
        except BaseException:
            self._addresses.abandon(self._name)
            raise
        finally:
            self._addresses.over(self._name)


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
