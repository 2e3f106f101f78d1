"""The shape of the dashboard's addresses."""

import pytest

from aiserver_tray.base.strings import is_address, page_of


@pytest.mark.parametrize(
    "address",
    [
        "home",
        "home?add=1",
        "modules/dify",
        "modules/dify/settings?changed=1",
        "logs",
        "logs/n8n?level=error&text=a%20b",
        "logs?pattern=%5Eget%5Cs&fields=status%3E%3D500&at=2026-11-27T18%3A00%3A00%2B00%3A00",
        "activity/20261127-1",
        "settings/about",
        "doctor",
    ],
)
def test_pages_parts_and_filters_are_addresses(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/home",
        "Home",
        "home/",
        "modules/dify/settings/port",
        "logs/../etc",
        "../settings",
        "doctor?text=<b>",
        "https://example.com",
        "home\n",
    ],
)
def test_other_texts_are_no_address(address: str) -> None:
    assert not is_address(address)


@pytest.mark.parametrize("address", ["logs", "logs/n8n", "logs?text=a/b", "logs/n8n?level=error"])
def test_an_address_begins_with_its_page(address: str) -> None:
    assert page_of(address) == "logs"
