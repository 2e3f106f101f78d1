"""The pages of the dashboard, for tests that look at each."""

from collections.abc import Iterable

from aiserver_tray.base.strings import page_of
from aiserver_tray.carriers.http.page import page_names


def pages_beside(addresses: Iterable[str]) -> list[str]:
    """The pages that none of *addresses* leads to."""
    return sorted({*page_names()} - {page_of(address) for address in addresses})
