"""What is remembered of open modules, at each moment at which the process may end. The gateway is a
fake, because a real one does not fail when it is asked to."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import AddressError
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.access import addresses as module
from aiserver_tray.features.access.addresses import Addresses
from aiserver_tray.features.access.names import Names
from aiserver_tray.features.access.network import Network
from aiserver_tray.features.access.opening import Openings
from aiserver_tray.features.access.store import LinkData, OpenData
from aiserver_tray.features.access.views import LinkView
from aiserver_tray.features.access.watch import Watch
from aiserver_tray.features.place import Place
from aiserver_tray.model import Actor

HERE = Network("192.168.1.20", "wlan0", "192.168.1.0/24")
ACTOR = Actor("command", 1)


class Gateway:
    """Takes a configuration, and has a container that was started once."""

    def __init__(self) -> None:
        self.start, self.ports = "c1 08:00", {8080: 18440, 8441: 18441}
        self.loaded: list[bytes] = []
        self.on_load: Callable[[], object] = lambda: None

    def load(self, config: bytes) -> None:
        self.on_load()
        self.loaded.append(config)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def place(tmp_path: Path) -> Any:  # noqa: ANN401 - a fake
    snapshot = SimpleNamespace(modules=(), engine=SimpleNamespace(id="E1"))
    state = SimpleNamespace(engine=SimpleNamespace(running=True), operations=())
    core = SimpleNamespace(store=SimpleNamespace(snapshot=snapshot, state=state))
    return SimpleNamespace(
        app=App(tmp_path / "home", []), core=core, engine_id="E1", feature=lambda _: None
    )


@pytest.fixture
def openings(place: Any, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Openings:  # noqa: ANN401
    monkeypatch.setattr(module, "networks", lambda: [HERE])
    monkeypatch.setattr(module, "further", lambda _: [])
    monkeypatch.setattr(module, "Gateway", lambda _: gateway)
    found = Openings(cast("Place", place), Addresses(cast("Place", place), None))
    with found._file.update() as data:  # as opening leaves it
        data.engine, data.range = "E1", HERE.range
        data.modules["oneapi"] = OpenData(state="open", port=8441, name="oneapi-kitchen.local")
    return found


def test_closing_without_a_gateway_is_repeated(openings: Openings, gateway: Gateway) -> None:
    def refuse() -> None:
        raise AddressError(Text("no answer"))

    gateway.on_load = refuse
    with pytest.raises(AddressError, match="no answer"):
        openings.close("oneapi", ACTOR)
    data = openings._addresses.file.read()
    assert (data.pending, [*data.modules]) == (True, ["oneapi"])
    openings.abandon("oneapi")
    data = openings._addresses.file.read()
    assert (data.pending, [*data.modules]) == (True, []), "the watch loads until it succeeds"


def test_what_is_not_open_gets_no_key_and_what_is_gone_is_not_proven(openings: Openings) -> None:
    key = openings._addresses.lock("n8n").key
    with pytest.raises(AddressError, match="is not open"):
        openings.set_lock("n8n", "new")
    assert openings._addresses.lock("n8n").key == key
    with pytest.raises(AddressError, match="is not open"):
        openings.finish("n8n", Cancellation())
    with openings._file.update() as data:
        data.modules = {"gone": data.modules["oneapi"]}
    openings._addresses.check()
    openings._addresses.check(["gone"])
    assert openings._file.read().modules["gone"].checked_at is None


def test_a_module_that_may_not_be_forwarded_does_not_stay_being_opened(
    openings: Openings, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = openings._addresses
    monkeypatch.setattr(addresses, "_is_allowed", lambda *_: False)
    monkeypatch.setattr(module, "further", lambda _: ["10.8.0.0/24"])
    assert not addresses.refuses(HERE)
    addresses.load()
    assert addresses.refuses(HERE), "it is not loaded again and again"
    assert b"oneapi" not in gateway.loaded[-1]
    assert addresses.file.read().told == HERE.address, "it is loaded for this address"


def test_a_gateway_is_loaded_again_and_a_killed_end(openings: Openings, gateway: Gateway) -> None:
    addresses = openings._addresses
    assert not addresses.is_loaded, "by this process"
    addresses.load()
    assert b"oneapi-kitchen.local" in gateway.loaded[-1]
    assert addresses.is_loaded
    gateway.start = "c1 09:00"
    assert not addresses.is_loaded
    gateway.start = ""
    assert addresses.is_loaded, "it does not run"
    file = openings._addresses.file
    seen = []
    gateway.on_load = lambda: seen.append((file.read().pending, [*file.read().modules]))
    openings.close("oneapi", ACTOR)
    assert seen == [(True, [])], "it is on the disk before the gateway is asked"
    assert not file.read().pending
    assert b"oneapi" not in gateway.loaded[-1]


@pytest.mark.parametrize("days", [-1000, 10, 301])
def test_the_gateway_gets_another_certificate_when_the_clock_was_wrong(
    openings: Openings, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    addresses, done = openings._addresses, list[str]()
    monkeypatch.setattr(addresses, "load", lambda: done.append("certificate"))
    monkeypatch.setattr(addresses, "check", lambda: done.append("proof"))
    monkeypatch.setattr(Addresses, "is_loaded", True)
    with openings._file.update() as data:
        data.told, data.loaded_at = HERE.address, 0.0
        data.modules["oneapi"].checked_at = 0.0
    Watch(openings._place, addresses, openings, Names())._tick(days * 24 * 3600.0)
    assert done == (["proof"] if days == 10 else ["certificate", "proof"])


def test_a_failed_proof_is_repeated(openings: Openings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works again from second 2000 on."""
    proofs, now = list[int](), 0

    def check() -> None:
        proofs.append(now)
        link = LinkView("name", ok=now > 2000, text=Text("off"))
        with openings._file.update() as data:
            data.modules["oneapi"].links = [LinkData.of(link)]
            data.modules["oneapi"].checked_at = now

    monkeypatch.setattr(openings._addresses, "check", check)
    monkeypatch.setattr(Addresses, "is_loaded", True)
    with openings._file.update() as data:
        data.told = HERE.address
    check()
    watch = Watch(openings._place, openings._addresses, openings, Names())
    for now in range(0, 3000, 5):
        watch._tick(now)
    assert proofs == [0, 20, 55, 120, 245, 490, 975, 1580, 2185]


@pytest.mark.parametrize(
    ("host", "is_owner", "near", "public"),
    [
        ("unix:///run/docker.sock", False, None, None),
        ("wsl://aiserver", True, None, None),
        ("wsl://aiserver", False, "Start it first", "Start it first"),
        ("ssh://me@machine", True, "only where the engine runs on this computer", None),
    ],
)
def test_where_modules_can_be_opened_depends_on_the_engine(
    place: Any,  # noqa: ANN401
    host: str,
    near: str | None,
    public: str | None,
    *,
    is_owner: bool,
) -> None:
    place.core.engine = SimpleNamespace(address=Address(host, "app.engine", {}))
    addresses = Addresses(place, Names() if is_owner else None)
    assert (near or "None") in str(addresses.problem(HERE))
    assert (public or "None") in str(addresses.internet_problem())
    assert near or "IPv4 is needed" in str(addresses.problem(None))


def test_what_is_open_at_another_engine_is_not_touched_from_this_one(
    openings: Openings,
    gateway: Gateway,
    place: Any,  # noqa: ANN401
) -> None:
    place.engine_id = "E2"
    addresses = openings._addresses
    with pytest.raises(AddressError, match="opened at another engine"):
        addresses.load()
    with pytest.raises(AddressError, match="opened at another engine"):
        openings.close("oneapi", ACTOR)
    assert gateway.loaded == []
    assert [*addresses.file.read().modules] == ["oneapi"]
    openings.forget_authority()
    assert len(gateway.loaded) == 0, "it is another engine's"
    assert not addresses.file.read().modules
    addresses.check_engine()
