"""A home, a runtime folder short enough for sockets, and a host that serves them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aiserver_tray.carriers.local.server import Server
from aiserver_tray.system.paths import Home
from tests.support.store_contract import StoreContract
from tests.unit.runtime_folder import runtime_folder

__all__ = ["runtime_folder"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", "home")


@pytest.fixture
def contract() -> Iterator[StoreContract]:
    contract = StoreContract()
    yield contract
    contract.close()


@pytest.fixture
def server(home: Home, contract: StoreContract) -> Iterator[Server]:
    server = Server(home, contract)
    server.start()
    yield server
    server.close()
