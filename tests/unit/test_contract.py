"""The contract, and what its page tells of it."""

import json
import re

import pytest
from pydantic import TypeAdapter

from aiserver_tray.base.errors import RequestError
from aiserver_tray.contract.channels.dispatch import read
from aiserver_tray.contract.contract import CHANNELS, EVENTS, OperationStart, Payload
from aiserver_tray.operations.request import Request
from tests.unit.pages import names, sections

PAGE = sections("docs/ipc.md")


def test_the_page_has_every_channel_with_its_fields() -> None:
    rows = {row[0].strip("`"): names(row[1]) for row in PAGE["Channels"]}

    fields = {
        channel: {*TypeAdapter(takes).json_schema().get("properties", {})}
        for channel, takes in CHANNELS.items()
    }
    assert rows == fields


def test_the_page_explains_what_else_an_operation_is_asked_for() -> None:
    rows = {row[0].strip("`"): row[1] for row in PAGE["What an operation is asked for"]}
    fields = TypeAdapter(OperationStart).json_schema()["properties"]
    told = {
        name: "none" if field["default"] == [] else str(field["default"]).lower()
        for name, field in fields.items()
        if name not in ("kind", "modules", "all")
    }
    assert rows == told


def test_the_page_has_every_event() -> None:
    assert {row[0].strip("`") for row in PAGE["Events"]} == set(EVENTS)


def test_what_is_kept_of_the_predecessor_is_there_and_nothing_goes_without_a_reason() -> None:
    rows = PAGE["What became of the predecessor's channels"]
    known = {*CHANNELS, *EVENTS}

    for name, now, why in rows:
        verdict, *target = re.findall(r"^\w+|`(?:ai/[\w/]+)`", now)
        assert verdict in ("kept", "replaced", "dropped"), name
        assert (name.strip("`") in known) == (verdict == "kept"), name
        assert all(channel.strip("`") in known for channel in target), name
        assert why or verdict == "kept", name


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_refuses_fields_that_it_does_not_have(channel: str) -> None:
    with pytest.raises(RequestError) as raised:
        read(channel, {"nonsense": 1})

    assert "nonsense" in raised.value.data["fields"]


@pytest.mark.parametrize(
    "request_",
    [
        Request("up"),
        Request("down", ("web", "base"), volumes=frozenset({"b", "a"})),
        Request("down", all=True, cascade=True, volumes="all", detach=True, wait=False),
    ],
)
def test_a_request_is_the_same_at_the_other_end_of_the_channel(request_: Request) -> None:
    taken = read("ai/operation/start", {**json.loads(json.dumps(request_.as_json()))})

    assert taken == OperationStart(**vars(request_))


def test_no_client_can_ask_for_a_revival() -> None:
    with pytest.raises(RequestError) as raised:
        read("ai/operation/start", {"kind": "up", "revives": True})

    assert "revives" in raised.value.data["fields"]


@pytest.mark.parametrize("payload", [[], "text", 7, True])
def test_a_payload_is_an_object(payload: object) -> None:
    with pytest.raises(RequestError):
        read("ai/module/start", payload)


def test_an_unknown_channel_is_refused_with_near_ones() -> None:
    with pytest.raises(RequestError, match="ai/module/start"):
        read("ai/module/strat", {})


def test_no_payload_is_an_empty_one() -> None:
    found = read("ai/snapshot/get", None)

    assert isinstance(found, Payload)
