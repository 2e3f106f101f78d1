"""The event of clean-ups."""

from typing import TypedDict

from aiserver_tray.protocol.message import Event


class CleanupProgress(TypedDict):
    """How far a clean-up is."""

    done: int
    """things that were removed, or could not be"""
    total: int


CLEANUP = Event("ai/cleanup/event", CleanupProgress, "A clean-up has gone on.", key=lambda _: "")
