"""The contract's declarations, and what its page tells of them by hand. `build/dev.py check`
compares the tables that are generated."""

import json
import re
from collections.abc import Iterator

import pytest

from aiserver_tray.base.errors import RequestError
from aiserver_tray.features.stack.channels import OperationStart
from aiserver_tray.model import MAX_NAMES
from aiserver_tray.operations.request import Request
from aiserver_tray.owner.features import classes, every_channel
from aiserver_tray.protocol.channel import EVERYONE, Handler, Nothing, channels_of, handler_of, read
from aiserver_tray.protocol.message import EVENTS
from aiserver_tray.window.bridge import Bridge
from tests.unit.pages import sections

CHANNELS = every_channel()
PAGE = sections("docs/ipc.md")


def test_each_channel_of_the_predecessor_is_kept_or_has_a_reason() -> None:
    rows = PAGE["What became of the predecessor's channels"]
    known = {*CHANNELS, *EVENTS}

    for name, now, why in rows:
        verdict, *target = re.findall(r"^\w+|`(?:ai/[\w/]+)`", now)
        assert verdict in ("kept", "replaced", "dropped"), name
        assert (name.strip("`") in known) == (verdict == "kept"), name
        assert all(channel.strip("`") in known for channel in target), name
        assert why or verdict == "kept", name


def test_each_channel_is_declared_once_and_says_what_it_does() -> None:
    declared = [channel.name for feature in classes() for channel in feature.every_channel()]
    declared += [channel.name for channel in channels_of(Bridge)]
    assert len(declared) == len(set(declared))
    assert all(channel.summary.endswith(".") for channel in CHANNELS.values())


def test_channels_that_open_windows_are_not_for_pages() -> None:
    limited = {name: each.callers for name, each in CHANNELS.items() if each.callers != EVERYONE}
    of_terminals = [name for name in CHANNELS if name.startswith("ai/terminal/")]
    assert limited == {
        **{name: {"window", "browser"} for name in of_terminals},
        "ai/assistant/answer": {"window", "browser", "tray"},
        "ai/assistant/propose": {"command"},
        "ai/catalog/folders": {"browser"},
        "ai/config/reveal": {"window", "browser", "command"},
        "ai/doctor/connection": {"window", "browser", "command"},
        "ai/doctor/trustHostKey": {"window", "browser", "command"},
        "ai/support/write": {"command"},
        "ai/window/show": {"command", "tray"},
        "browser/open": {"command"},
        "owner/yield": {"tray"},
    }


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_takes_no_list_without_a_limit(channel: str) -> None:
    assert [*_unlimited(CHANNELS[channel].reader.json_schema())] == []


def _unlimited(schema: object) -> Iterator[object]:
    """The arrays in a JSON schema that may be of any length."""
    if isinstance(schema, list):
        yield from (found for each in schema for found in _unlimited(each))
    if isinstance(schema, dict):
        if schema.get("type") == "array" and "maxItems" not in schema:
            yield schema
        yield from _unlimited([*schema.values()])


def test_a_list_that_is_too_long_is_refused() -> None:
    request = {"kind": "up", "modules": ["n8n"] * (MAX_NAMES + 1)}
    with pytest.raises(RequestError, match=f"modules: .*{MAX_NAMES}"):
        read(CHANNELS["ai/operation/start"], request)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_refuses_fields_that_it_does_not_have(channel: str) -> None:
    with pytest.raises(RequestError) as raised:
        read(CHANNELS[channel], {"nonsense": 1})

    assert "nonsense" in raised.value.data["fields"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_half_a_character_in_any_field_is_refused(channel: str) -> None:
    reader = CHANNELS[channel].reader
    for field in reader.json_schema().get("properties", {}):
        for text in ("\ud800", ["\ud800"], {"\ud800": "a"}):
            with pytest.raises(RequestError, match="not valid Unicode") as raised:
                read(CHANNELS[channel], {field: text})
            assert raised.value.data["fields"] == [field]


def test_half_a_character_in_the_name_of_a_field_is_refused() -> None:
    with pytest.raises(RequestError) as raised:
        read(CHANNELS["ai/module/start"], {"\ud800": 1})
    assert raised.value.data["fields"] == [r"\ud800"]


@pytest.mark.parametrize(
    "request_",
    [
        Request("up"),
        Request("down", ("web", "base"), volumes=frozenset({"b", "a"})),
        Request("restart", ("web",), services=("b", "a"), recreate=True),
        Request("down", all=True, cascade=True, volumes="all", detach=True, wait=False),
    ],
)
def test_a_request_is_the_same_at_the_other_end_of_the_channel(request_: Request) -> None:
    taken = read(CHANNELS["ai/operation/start"], json.loads(json.dumps(request_.as_json())))

    assert taken == OperationStart(**vars(request_))


def test_no_client_can_ask_for_a_revival() -> None:
    with pytest.raises(RequestError) as raised:
        read(CHANNELS["ai/operation/start"], {"kind": "up", "revives": True})

    assert "revives" in raised.value.data["fields"]


@pytest.mark.parametrize("payload", [[], "text", 7, True])
def test_a_payload_is_an_object(payload: object) -> None:
    with pytest.raises(RequestError):
        read(CHANNELS["ai/module/start"], payload)


def test_an_unknown_channel_is_refused_with_near_ones() -> None:
    handlers = {name: Handler(channel, None) for name, channel in CHANNELS.items()}
    with pytest.raises(RequestError, match="ai/module/start"):
        handler_of(handlers, "ai/module/strat")


def test_no_payload_is_an_empty_one() -> None:
    assert read(CHANNELS["ai/snapshot/get"], None) == Nothing()
