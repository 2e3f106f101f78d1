"""Servers that end at once."""

import pytest

from aiserver_tray.carriers.http import httpd


@pytest.fixture(autouse=True)
def _quick_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpd, "POLL_SECONDS", 0.02)
