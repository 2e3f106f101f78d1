"""The event of addresses."""

from typing import Final, TypedDict

from aiserver_tray.protocol.message import Event


class OpenModule(TypedDict):
    """A module that is open to other devices, or is to be."""

    name: str
    state: str
    """as in `ai/access/list`"""
    url: str
    page: str
    """where this computer opens it: the same, or with the IP address if no name is found here"""
    since: str
    way: str
    """as in `ai/access/list`"""


class AccessEvent(TypedDict):
    """The modules that are open to the network, or are to be; `ai/access/list` has more."""

    modules: list[OpenModule]


ACCESS: Final = Event(
    "ai/access/event",
    AccessEvent,
    "A module was opened to the network or closed, or the proof of its address has changed.",
    key=lambda _: "",
)
