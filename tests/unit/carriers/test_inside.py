"""A client in the process of its contract is answered as one behind a carrier."""

import json
import os
from collections.abc import Iterator

import pytest

from aiserver_tray.base.errors import RemoteError
from aiserver_tray.carriers.inside import Inside
from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.protocol.message import Json
from tests.support.store_contract import StoreContract


@pytest.fixture
def contract() -> Iterator[StoreContract]:
    contract = StoreContract()
    yield contract
    contract.close()


@pytest.fixture
def client(contract: StoreContract) -> Iterator[Inside]:
    with Inside(contract, "command", "zh") as client:
        yield client


def test_it_is_answered_in_json_and_a_no_is_an_error(
    client: Inside, contract: StoreContract
) -> None:
    data = client.request("echo", {"names": ("a", "b"), 1: {}})  # type: ignore[dict-item]
    payload = {"names": ["a", "b"], "1": {}}
    assert data == {"payload": payload, "language": "zh", "kind": "command"}
    told = {"code": "E_IN_USE", "message": "“base” is in use.", "data": {"users": ["web"]}}
    contract.handlers["echo"] = lambda: {"success": False, **told}
    with pytest.raises(RemoteError) as no:
        client.request("echo")
    assert {"code": no.value.code, "message": str(no.value), "data": no.value.data} == told
    client.close()
    (peer,) = contract.forgotten
    assert peer.pid == os.getpid()


def test_each_listener_gets_its_events_from_the_current_state_on(
    client: Inside, contract: StoreContract
) -> None:
    snapshots: list[Json] = []
    lines: list[Json] = []
    contract.start_stack()
    client.subscribe([SNAPSHOT.name], lambda message: snapshots.append(json.loads(message.payload)))
    client.subscribe([LOG.name], lambda message: lines.append(json.loads(message.payload)))
    client.request("emit", {"count": 1, "size": 1})
    assert snapshots[0] == contract.snapshot("zh")
    assert [line["chunk"] for line in lines] == ["x"]
