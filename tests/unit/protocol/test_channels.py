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
from aiserver_tray.protocol.channel import EVERYONE, Nothing, channels_of, read
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
def test_a_channel_has_limits_and_refuses_other_fields(channel: str) -> None:
    def refused(payload: object) -> list[str]:
        with pytest.raises(RequestError) as raised:
            read(CHANNELS[channel], payload)
        return list(raised.value.data["fields"])

    schema = CHANNELS[channel].reader.json_schema()
    assert [*_unlimited(schema)] == []
    assert "nonsense" in refused({"nonsense": 1})
    assert refused({"\ud800": 1}) == [r"\ud800"]
    for field in schema.get("properties", {}):
        for text in ("\ud800", ["\ud800"], {"\ud800": "a"}):
            with pytest.raises(RequestError, match="not valid Unicode"):
                read(CHANNELS[channel], {field: text})
            assert refused({field: text}) == [field]


def _unlimited(schema: object) -> Iterator[object]:
    """The arrays in a JSON schema that may be of any length."""
    if isinstance(schema, list):
        yield from (found for each in schema for found in _unlimited(each))
    if isinstance(schema, dict):
        if schema.get("type") == "array" and "maxItems" not in schema:
            yield schema
        yield from _unlimited([*schema.values()])


def test_no_client_can_ask_for_a_revival_or_for_too_much() -> None:
    start = CHANNELS["ai/operation/start"]
    with pytest.raises(RequestError, match=f"modules: .*{MAX_NAMES}"):
        read(start, {"kind": "up", "modules": ["n8n"] * (MAX_NAMES + 1)})
    with pytest.raises(RequestError) as raised:
        read(start, {"kind": "up", "revives": True})
    assert "revives" in raised.value.data["fields"]
    assert read(CHANNELS["ai/snapshot/get"], None) == Nothing()


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
