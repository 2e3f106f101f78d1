"""What a state of many modules costs: owner and window together, in one process."""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from aiserver_tray.base.codec import compact_json
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.model import Container, Port
from aiserver_tray.protocol.message import owner_events
from aiserver_tray.state.encode import snapshot_json
from aiserver_tray.state.facts import (
    ContainerSeen,
    ContainersListed,
    DesiredChanged,
    ModulesChanged,
)
from aiserver_tray.system.paths import Home
from aiserver_tray.window.publisher import Publisher
from tests.bench.result import Figure
from tests.support import made
from tests.support.store_contract import StoreContract

MODULES, SERVICES = 200, 5
CHANGES, BATCH_SECONDS = 150, 0.1
LIMIT = 6.0
NAMES = [f"module-{number}" for number in range(MODULES)]


def changes() -> dict[str, Figure]:
    """Share of a core of owner and window while ten containers a second change, and of encoding
    each of these snapshots as a whole, which is the plain way."""
    with ExitStack() as stack:
        home = Home(Path(stack.enter_context(tempfile.TemporaryDirectory())), "home")
        contract = stack.enter_context(closing(StoreContract()))
        start(contract)
        sizes: list[int] = []
        publisher = Publisher(lambda script: sizes.append(len(script)))
        publisher.start()
        publisher.begin()
        stack.enter_context(closing(server := Server(home, contract)))
        server.start()
        client = stack.enter_context(Client.connect(home, "window"))
        client.subscribe(owner_events(), publisher.put)
        share = _share(lambda number: contract.put(ContainerSeen(container(number))))
        snapshot = contract.store.snapshot
        plain = _share(lambda _number: compact_json(snapshot_json(snapshot, "en")))
    return {
        "many-changes-cpu": Figure(share, "% of a core", LIMIT),
        "many-changes-plain-cpu": Figure(plain, "% of a core"),
        "many-snapshot-size": Figure(max(sizes) / 1000, "kB"),
        "many-batches": Figure(len(sizes), f"of {CHANGES} changes"),
    }


def start(contract: StoreContract) -> None:
    """Let all modules run."""
    services = [f"service-{number}" for number in range(SERVICES)]
    containers = (container(number) for number in range(-MODULES * SERVICES, 0))
    contract.put(
        ContainersListed(tuple(containers)),
        made.UP,
        ModulesChanged(tuple(made.model(name, *services) for name in NAMES)),
        DesiredChanged(frozenset(NAMES)),
    )
    contract.store.flush()


def container(number: int) -> Container:
    """The container that change *number* is about; it turns healthy and unhealthy."""
    service, module = divmod(number % (MODULES * SERVICES), MODULES)
    health = "unhealthy" if number > 0 and number % 2 else "healthy"
    port = Port("127.0.0.1", 20000 + module, 80 + service)
    return made.container(f"{NAMES[module]}/service-{service}", health=health, ports=(port,))


def _share(act: Callable[[int], object]) -> float:
    """Per cent of a core that this process takes while *act* runs ten times a second."""
    begun, busy = time.monotonic(), time.process_time()
    for number in range(1, CHANGES + 1):
        act(number)
        time.sleep(BATCH_SECONDS)
    return 100 * (time.process_time() - busy) / (time.monotonic() - begun)
