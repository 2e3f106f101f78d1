"""Channels that send kept log lines as they come."""

from aiserver_tray.contract.channel import Name, Payload, channel
from aiserver_tray.contract.channels.log_filter import LogFilterForm
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.contract import Caller


class LogFollowRequest(Payload):
    """A stream of the lines that are kept from now on."""

    stream_id: str = Name
    """the client's own name for the stream"""
    filter: LogFilterForm


class LogUnfollowRequest(Payload):
    """A stream of this client."""

    stream_id: str = Name
    """the client's own name for the stream"""


class LogFollowChannels(Part):
    """``ai/logs/follow`` and ``ai/logs/unfollow``."""

    @channel("ai/logs/follow")
    def _follow(self, asked: LogFollowRequest, caller: Caller) -> None:
        """Start a stream of the kept lines that are new, which arrive as `ai/logs/followed`. It
        ends with the client. To miss none, start it before `ai/logs/lines`."""

    @channel("ai/logs/unfollow")
    def _unfollow(self, asked: LogUnfollowRequest, caller: Caller) -> None:
        """End a stream of this client."""
