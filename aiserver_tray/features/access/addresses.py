"""The addresses of an installation: what is open, what the gateway shows of it, and the proof."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property
from secrets import token_hex
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiserver_tray.base.errors import AddressError, AiServerError
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.catalog.extension import Access, FirstAccount
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.access import internet
from aiserver_tray.features.access.config import (
    HTTP,
    INTERNET,
    REDIRECT,
    TUNNEL,
    Certificates,
    Lock,
    Site,
    Surroundings,
    encoded,
    free_port,
    gateway_config,
)
from aiserver_tray.features.access.events import OpenModule
from aiserver_tray.features.access.gateway import GATEWAY, Gateway, access_of, account_of
from aiserver_tray.features.access.internet import prove_public
from aiserver_tray.features.access.names import SUFFIX, Admits, Names
from aiserver_tray.features.access.network import (
    Network,
    apart,
    further,
    is_private,
    label,
    networks,
    others,
)
from aiserver_tray.features.access.proof import (
    Address,
    OtherPort,
    is_found_here,
    ports_closed,
    prove,
)
from aiserver_tray.features.access.store import (
    LOCK_KEY,
    AccessData,
    AccessFile,
    LinkData,
    OpenData,
    authority_of,
    replace_authority,
)
from aiserver_tray.features.access.views import (
    AccessList,
    AccessState,
    CertificateView,
    LinkView,
    ModuleAccessView,
    NetworkView,
    Way,
)
from aiserver_tray.system.ports import firewall_commands

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.features.access.authority import Pair
    from aiserver_tray.features.place import Place

_logger = logging.getLogger(__name__)

_IN_WSL: Final = Text(
    "The engine is in WSL, whose ports only this computer reaches. The applet passes on what other "
    "devices send. Start it first."
)


def is_checked(module: "Module") -> bool:
    """Whether the file of *module* says how to find out whether somebody owns it."""
    return module.access is not None and module.access.first_account is not None


class Addresses:
    """The addresses of the modules of *place*. *names* answers for their names; None: nobody does,
    because this process does not stay."""

    def __init__(self, place: "Place", names: Names | None) -> None:
        self._place = place
        self._names = names
        self.opening: dict[str, str] = {}
        """Module -> the operation that opens it now; empty: it has not begun."""
        self._trials: dict[str, str] = {}
        """Domain -> the ACME directory that checks it now."""
        self._loading = threading.Lock()
        self._loaded: str | None = None
        """The start of the gateway's container at the last load; None: this process did not."""
        self._refused_ranges: Sequence[str] = []
        self.on_change: Callable[[], object] = lambda: None
        """Called when `list` has changed."""

    @cached_property
    def file(self) -> AccessFile:
        """What is remembered."""
        return AccessFile(self._place.app.settings)

    @cached_property
    def _gateway(self) -> Gateway:
        return Gateway(self._place)

    @property
    def ports(self) -> Mapping[int, int]:
        """Port of the gateway's container -> port of this computer."""
        return self._gateway.ports

    # -- what there is -----------------------------------------------------------------------------

    def list(self) -> AccessList:
        """From where each module can be used."""
        opening = {**self.opening}  # before the file, which then is at least as new
        data, here = self.file.read(), self.network()
        catalog = self._place.app.catalog.modules
        modules = [m for n, m in catalog.items() if n in data.modules or access_of(self._place, n)]
        ports = self.ports if GATEWAY in self._place.app.catalog.modules else {}
        found = (
            NetworkView(one.address, one.interface, chosen=bool(here and one == here))
            for one in networks()
        )
        return AccessList(
            tuple(
                replace(view, state="opening", operation=opening[view.name] or None)
                if view.name in opening
                else view
                for view in (self._view(module, data, here, ports) for module in modules)
            ),
            tuple(found),
            self._certificate(data, here, ports),
            self.problem(here),
            tuple(others(here)),
            self.internet_problem(),
            self._firewall(ports),
        )

    def _firewall(self, ports: Mapping[int, int]) -> tuple[str, ...]:
        is_here = ports and self._place.core.engine.address.is_local
        return tuple(firewall_commands(ports.values())) if is_here else ()

    def _view(
        self, module: "Module", data: AccessData, here: Network | None, ports: Mapping[int, int]
    ) -> ModuleAccessView:
        known = data.modules.get(module.name)
        url, ip_url = self.urls(module.name, known, here, ports)
        account = account_of(self._place, module.name)
        bound = bool(module.access and module.access.cookies == "bound")
        view = ModuleAccessView(
            module.name, module.title, "closed", url, ip_url, None, account, bound=bound
        )
        view = replace(view, checked=is_checked(module))
        if known is None:
            return view
        at = known.checked_at
        return replace(
            view,
            state=self._state(known, data, here),
            since=datetime.fromtimestamp(known.since, UTC),
            links=tuple(link.view for link in known.links),
            checked_at=datetime.fromtimestamp(at, UTC) if at else None,
            way=known.way,
            locked=known.locked,
        )

    @staticmethod
    def _state(known: OpenData, data: AccessData, here: Network | None) -> AccessState:
        if known.state == "waiting":
            return "waiting"
        if known.way != "network":
            return "broken" if known.trouble else "open"
        if here is None or not here.is_same(data.range, data.router):
            return "paused"
        if data.told != here.address:  # this computer has got another one just now
            return "opening"
        return "broken" if known.trouble else "open"

    def urls(
        self, name: str, known: OpenData | None, here: Network | None, ports: Mapping[int, int]
    ) -> tuple[str, str]:
        """The addresses of the module *name*, by its name and by IP address. The latter is the same
        on the internet."""
        if known and known.way != "network":
            return (f"https://{known.name}",) * 2
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

    def problem(self, here: Network | None) -> Text | None:
        """Why nothing can be opened *here*."""
        if text := self.elsewhere(self.file.read()):
            return text
        if self.is_forwarding and not self._names:
            return _IN_WSL
        if not self._place.core.engine.address.is_local:
            return Text(
                "The engine is on another machine, whose network is another one. Modules can be "
                "opened to your network only where the engine runs on this computer."
            )
        if here is None:
            return Text(
                "This computer is in no home or office network now. One with IPv4 is needed."
            )
        return None

    def internet_problem(self) -> Text | None:
        """Why nothing can be opened to the internet."""
        if text := self.elsewhere(self.file.read()):
            return text
        return _IN_WSL if self.is_forwarding and not self._names else None

    @property
    def is_forwarding(self) -> bool:
        """Whether the owner passes on what other devices send: the engine is in WSL, which shows
        its ports only to this computer."""
        engine = self._place.core.engine.address
        return engine.is_bridged and not engine.needs_forwarding

    def network(self) -> Network | None:
        """The network in which modules are opened: of the address that the user has chosen, else
        the one that they are open to, if this computer is in it, else the usual one."""
        found, data = networks(), self.file.read()
        chosen = [one for one in found if one.address == data.address]
        same = [one for one in found if one.is_same(data.range, data.router)]
        return next(iter([*chosen, *same, *found]), None)

    def told(self) -> Sequence[OpenModule]:
        """What clients hear of by themselves."""
        opening = {*self.opening}
        data, here = self.file.read(), self.network()
        ports = self.ports
        found: list[OpenModule] = []
        for name, known in data.modules.items():
            url, ip_url = self.urls(name, known, here, ports)
            found.append(
                {
                    "name": name,
                    "state": "opening" if name in opening else self._state(known, data, here),
                    "url": url,
                    "page": url if known.is_found else ip_url,
                    "since": datetime.fromtimestamp(known.since, UTC).isoformat(),
                    "way": known.way,
                }
            )
        return found

    # -- what the gateway shows --------------------------------------------------------------------

    @property
    def is_loaded(self) -> bool:
        """This process has loaded the configuration since the gateway's container has started: its
        volume may have an older one."""
        start = self.gateway_start
        return self._loaded is not None and start in ("", self._loaded)

    @property
    def gateway_start(self) -> str:
        """Which start of the gateway's container this is; empty: it does not run."""
        return self._gateway.start

    def elsewhere(self, data: AccessData) -> Text | None:
        """Why nothing can be changed here: the modules of *data* are open at another engine."""
        here = self._place.engine_id
        if not (data.modules or data.pending) or not (data.engine and here) or data.engine == here:
            return None
        return Text(
            "{modules} were opened at another engine, whose gateway may still forward requests. "
            "Use that engine again (app.engine) and close them there. If it is gone for good, "
            "`aiserver-tray access ca forget` forgets them.",
            modules=Listed(data.modules),
        )

    def check_engine(self) -> None:
        """Raises AddressError: what is open is open at another engine."""
        if text := self.elsewhere(self.file.read()):
            raise AddressError(text)

    def load(self) -> None:
        """Let the gateway and the names follow what is open in the network where this computer
        is."""
        with self._loading:  # an older state never comes after a newer one
            self.check_engine()
            self._load()
        self.answer_names()

    def _load(self) -> None:
        data, here = self.file.read(), self.network()
        start = self._gateway.start
        is_here = bool(here and here.is_same(data.range, data.router))
        opened = {
            n: o
            for n, o in data.open.items()
            if (is_here or o.way != "network") and self._is_allowed(n, o)
        }
        near = {n: o for n, o in opened.items() if o.way == "network"}
        address = here.address if here and is_here and data.near else ""
        certificates = self._certificates(near, address) if near else None
        sites = [self._site(name, one, address) for name, one in opened.items()]
        directory = self.directories[-1]
        domains = {o.name: directory for o in opened.values() if o.way == "internet"}
        domains |= self._trials
        ranges = further(here)
        refused = self._refused(ranges) if near and ranges else []
        around = Surroundings(address, tuple(refused))
        config = gateway_config(sites, certificates, around, domains, nonce := token_hex(16))
        self._gateway.load(encoded(config))
        with self.file.update() as now:
            now.told, now.loaded_at, now.nonce = address, time.time(), nonce
            now.pending = now.pending and now.open.keys() != data.open.keys()
        self._loaded, self._refused_ranges = start, ranges

    def _refused(self, ranges: Sequence[str]) -> Sequence[str]:
        """Those of *ranges* from which no client gets in. An engine that does not show who asks
        passes on everything from its own networks."""
        engine = self._place.core.engine.networks.all()
        return apart(ranges, (subnet for one in engine for subnet in one.subnets))

    def refuses(self, here: Network) -> bool:
        """Whether the gateway knows in which further networks this computer is, beside *here*. One
        that has gone may stay: each load cuts connections."""
        return {*further(here)} <= {*self._refused_ranges}

    def _is_allowed(self, name: str, one: OpenData) -> bool:
        """Whether the file of the open module *name* may still do what it does. Otherwise, it alone
        is not forwarded."""
        try:
            self._place.app.targets.check_trust(name)
            module = self._place.app.catalog.module(name)
            can = bool(module.access or one.upstream)
            return can and (one.locked or is_checked(module))
        except AiServerError as error:
            _logger.warning("%s is not forwarded: %s", name, error)
            return False

    def forward(self) -> None:
        """Pass on what other devices send to the ports of what is open here, if only this process
        can."""
        if not (self._names and self.is_forwarding and self.gateway_start):
            return
        data, here, ports = self.file.read(), self.network(), self.ports
        found: dict[int, Admits] = {}
        if here and here.address == data.told and data.near:
            found |= {ports[n]: is_private for n in (HTTP, *(o.port for o in data.near.values()))}
        if self._trials or any(one.way == "internet" for one in data.open.values()):
            found |= {ports[n]: lambda _: True for n in (INTERNET, REDIRECT)}
        self._names.forward(here.address if here else "", found if here else {})

    def answer_names(self) -> None:
        """Answer for the names of what is open here, if this process stays."""
        self.forward()
        data = self.file.read()
        if self._names:
            ports, opened = self.ports, data.near if data.told else {}
            with suppress(OSError):  # the proof says so
                self._names.publish(data.told, {o.name: ports[o.port] for o in opened.values()})

    def _site(self, name: str, one: OpenData, address: str) -> Site:
        access = self._place.app.catalog.module(name).access
        port = {"network": one.port, "internet": INTERNET, "tunnel": TUNNEL}[one.way]
        return Site(
            (one.name, address) if one.way == "network" else (one.name,),
            port,
            one.upstream or (f"{access.host or name}:{access.port}" if access else ""),
            access.closed if access else (),
            access is None or access.cookies == "secure",
            self.lock(name) if one.locked else None,
        )

    def lock(self, name: str) -> Lock:
        """The extra lock of the module *name*. Its key is made the first time."""
        key, access = LOCK_KEY.format(name), self._place.app.catalog.module(name).access
        secrets = self._place.app.settings.secrets
        secrets.ensure({key: "base64url32"})
        return Lock(name, secrets.values([key])[key], access.open if access else ())

    def _certificates(self, opened: Mapping[str, OpenData], address: str) -> Certificates:
        from aiserver_tray.features.access import authority  # noqa: PLC0415 - slow

        root = self._authority()
        leaf = authority.make_leaf(root, [*(one.name for one in opened.values()), address])
        name, print_ = authority.name_of(root.certificate), authority.fingerprint(root.certificate)
        return Certificates(root.certificate, leaf.certificate, leaf.key, name, print_)

    def _authority(self) -> "Pair":
        """That of the installation, which is made for the first module that is opened."""
        from aiserver_tray.features.access import authority  # noqa: PLC0415 - slow

        settings = self._place.app.settings
        if found := authority_of(settings):
            return authority.Pair(*found)
        pair = authority.make_authority(f"AI-Server Tray on {label()}")
        replace_authority(settings, pair.certificate, pair.key)
        return pair

    # -- the internet ------------------------------------------------------------------------------

    @property
    def directories(self) -> Sequence[str]:
        """The ACME directories, the one that counts last. Those before it are for checks."""
        return self._place.app.settings.app.acme_directory

    def told_before(self, way: Way, domain: str) -> tuple[LinkView, ...]:
        """What is known of *domain* before a module is opened there."""
        found, engine = internet.resolved(domain), self._place.core.engine.address
        if way == "tunnel":
            return internet.told_before(domain, found, None, None)
        here = self.network() if engine.is_local else None
        machine = here.address if here else urlsplit(engine.host).hostname or engine.host
        outside = internet.router_outside() if engine.is_local else None
        forward = internet.forwarding(self.ports, machine)
        return internet.told_before(domain, found, outside, forward)

    def certify(self, domain: str, cancelled: Cancellation) -> None:
        """Let the authority check *domain*, first those for checks, which have to check again, and
        get its certificate. It is not open meanwhile.

        Raises:
            AddressError: the authority has refused, with its words; or *cancelled* was set.
        """
        for directory in self.directories[:-1]:
            self._gateway.forget(directory, domain)
        try:
            for directory in self.directories:
                self._trials.pop(domain, None)
                self.load()  # Caddy would keep the certificate of another authority
                self._trials[domain], since = directory, time.time()
                self.load()
                internet.await_certificate(self._gateway, domain, directory, since, cancelled)
        finally:
            self._trials.pop(domain, None)

    # -- the proof ---------------------------------------------------------------------------------

    def check(self, names: Sequence[str] = ()) -> None:
        """Prove the addresses of the modules *names*; without, of all that are open."""
        data, here = self.file.read(), self.network()
        is_here = bool(here and here.is_same(data.range, data.router))
        if here and is_here and data.near and data.told != here.address:
            self.load()
        # Before an older version has loaded, there is no nonce.
        if not data.nonce and any(one.way == "tunnel" for one in data.open.values()):
            self.load()
        nonce = self.file.read().nonce
        there = self._place.app.catalog.modules.keys()  # the file of an open module may be gone
        chosen = {n: data.open[n] for n in data.open if n in there and (not names or n in names)}
        for name, one in chosen.items():
            if one.way != "network":
                request = self._request(name, one)
                found = prove_public(self._gateway, one.name, one.way, request, nonce)
                is_found = True
                if here and self._place.core.engine.address.is_local:
                    found += (ports_closed(here.address, [*self._others()]),)
            elif here and is_here:
                found = prove(self._address(name, one, here, data), self._others())
                is_found = is_found_here(one.name, here.address)
            else:
                continue
            with self.file.update() as now:
                if known := now.modules.get(name):
                    known.links = [*map(LinkData.of, found)]
                    known.checked_at, known.is_found = time.time(), is_found
        if chosen:
            self.on_change()

    def _address(self, name: str, one: OpenData, here: Network, data: AccessData) -> Address:
        module, (path, cookie) = self._place.app.catalog.module(name), self._request(name, one)
        published = bool(self._names and one.name in self._names.names)
        return Address(
            module.title,
            one.name,
            here.address,
            self.ports[one.port],
            path,
            data.certificate,
            published,
            cookie,
        )

    def _request(self, name: str, one: OpenData) -> tuple[str, str]:
        """A path that the module answers without a login, and the cookie of the extra lock."""
        path = _asked_path(self._place.app.catalog.module(name).access)
        return path, self.lock(name).cookie if one.locked else ""

    def _others(self) -> Iterator[OtherPort]:
        """The published ports of all modules but the gateway."""
        language = self._place.app.language
        for module in self._place.core.store.snapshot.modules:
            for port in module.ports if module.name != GATEWAY else ():
                if port.protocol == "tcp":
                    yield OtherPort(module.title_in(language), port.host)


def _asked_path(access: Access | None) -> str:
    """A path that the module answers without a login, and that the gateway forwards."""
    first = access.first_account if access else None
    path = first.http if isinstance(first, FirstAccount) else None
    is_closed = path and access and any(fnmatchcase(path, one) for one in access.closed)
    return "/" if path is None or is_closed else path
