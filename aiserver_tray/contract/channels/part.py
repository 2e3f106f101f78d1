"""What all features have in common."""

import inspect
from collections.abc import Iterator
from typing import get_args

from aiserver_tray.contract.channel import Channel, channels_of
from aiserver_tray.contract.contract import Peer


class Part:
    """Some channels of a feature, with what they share."""

    def forget(self, peer: Peer) -> None:
        """The client is gone: end what runs only for it."""

    def close(self) -> None:
        """End what runs in the background."""


class Feature(Part):
    """One thing that the product can do: its channels, with what they share. It is made with one
    argument, its place (`features.place.Place`), when it is first needed.

    ``parts``: further groups of its channels, in modules of their own. The annotation of a feature
    names their classes."""

    parts: tuple[Part, ...] = ()

    @classmethod
    def every_channel(cls) -> Iterator[Channel]:
        """The channels of the feature and of its parts."""
        for part in (cls, *get_args(inspect.get_annotations(cls).get("parts"))):
            yield from channels_of(part)

    def start(self) -> None:
        """Begin what goes on without a request."""

    def refresh(self) -> None:
        """Read again what may have changed outside of this process. Called before each request, and
        every few seconds."""

    def forget(self, peer: Peer) -> None:
        """The client is gone: end what runs only for it."""
        for part in self.parts:
            part.forget(peer)

    def close(self) -> None:
        """End what runs in the background."""
        for part in self.parts:
            part.close()
