"""The shape of the dashboard's addresses."""

import pytest

from aiserver_tray.base.strings import is_address, page_of

ADDRESSES = (
    "home", "home?add=1", "modules/dify", "modules/dify/settings?changed=1", "logs",
    "logs/n8n?level=error&text=a%20b", "activity/20261127-1", "settings/about", "doctor",
    "logs?pattern=%5Eget%5Cs&fields=status%3E%3D500&at=2026-11-27T18%3A00%3A00%2B00%3A00",
)  # fmt: skip
OTHERS = (
    "", "/home", "Home", "home/", "modules/dify/settings/port", "logs/../etc", "../settings",
    "doctor?text=<b>", "https://example.com", "home\n",
)  # fmt: skip


@pytest.mark.parametrize("text", [*ADDRESSES, *OTHERS])
def test_pages_with_parts_and_filters_are_addresses_and_nothing_else_is(text: str) -> None:
    assert is_address(text) == (text in ADDRESSES)


@pytest.mark.parametrize("address", ["logs", "logs/n8n", "logs?text=a/b", "logs/n8n?level=error"])
def test_an_address_begins_with_its_page(address: str) -> None:
    assert page_of(address) == "logs"
