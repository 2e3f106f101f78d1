"""Channels about the system beside the engine: web addresses, and the application's log."""

import logging
from typing import Final, Literal

from pydantic import Field

from aiserver_tray.protocol.channel import Part, Payload, channel
from aiserver_tray.system.desktop import open_url

APPEND: Final = "ai/logs/client/append"
_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO}

_page = logging.getLogger("aiserver_tray.page")


class WebAddress(Payload):
    """A web address."""

    url: str = Field(max_length=2000)
    """http or https only"""


class ClientLine(Payload):
    """A line for the application's log."""

    level: Literal["error", "warn", "info", "debug"] = "info"
    message: str = Field(max_length=20_000)


class SystemChannels(Part):
    """``ai/system/openExternal`` and ``ai/logs/client/append``."""

    @channel("ai/system/openExternal")
    def _open_external(self, asked: WebAddress) -> None:
        """Open an address in the web browser."""
        open_url(asked.url)

    @channel(APPEND)
    def _append(self, asked: ClientLine) -> None:
        """Add a line to the application's log."""
        # In one line: others would look like the application's own.
        line = asked.message.encode("unicode_escape").decode("ascii")
        _page.log(_LEVELS.get(asked.level, logging.DEBUG), "%s", line)
