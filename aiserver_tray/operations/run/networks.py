"""Networks: create, remove, and create again if one disappears while it is needed."""

from collections.abc import Callable, Iterable

from aiserver_tray.base.errors import (
    EngineRequestError,
    NameConflictError,
    ObjectConflictError,
    ObjectNotFoundError,
)
from aiserver_tray.engine.engine import Engine
from aiserver_tray.spec.labels import HOME, INSTALLATION
from aiserver_tray.spec.model import NetworkTarget


def make_network(engine: Engine, network: NetworkTarget) -> None:
    """Create *network*. Another module's operation may have created the shared one in the meantime.

    Raises:
        NameConflictError: there is one of this name that is not ours.
    """
    try:
        engine.networks.create(network.name, network.body)
    except ObjectConflictError:
        found = engine.networks.find(network.name)
        labels = found.labels if found else {}
        owner, home = labels.get(INSTALLATION), labels.get(HOME)
        if owner != network.body["Labels"][INSTALLATION]:
            raise NameConflictError("network", network.name, owner, home) from None


def on_networks(engine: Engine, networks: Iterable[NetworkTarget], act: Callable[[], None]) -> None:
    """Do *act*, which needs *networks*. The network that all modules share has no lock, so another
    operation's `down` may have removed it in the meantime."""
    try:
        act()
    except ObjectNotFoundError:
        if not _make_missing(engine, networks):
            raise
        act()


def _make_missing(engine: Engine, networks: Iterable[NetworkTarget]) -> bool:
    """Create those of our *networks* that are missing. Returns whether there were any."""
    missing = [
        network
        for network in networks
        if INSTALLATION in network.body["Labels"] and engine.networks.find(network.name) is None
    ]
    for network in missing:
        make_network(engine, network)
    return bool(missing)


def remove_network(engine: Engine, name: str) -> None:
    """Remove the network, unless a container has joined it after the plan. Then the network
    stays."""
    try:
        engine.networks.remove(name)
    except ObjectNotFoundError:
        return
    except EngineRequestError as error:
        if error.status != 403:
            raise
