"""Images: those that are there, pulling and building others."""

from aiserver_tray.engine import parse
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.values import Image, PullProgress
from aiserver_tray.errors import ObjectNotFoundError


class Images:
    """Every method raises `EngineDownError` where the engine is lost, and `EngineRequestError` or
    a subclass of it where it refuses."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> Image | None:
        """The image of this name (``repository:tag``, ``…@digest``) or id."""
        try:
            return parse.image(self._connection.get("/images/{}/json", name), name)
        except ObjectNotFoundError:
            return None


__all__ = ["Images", "PullProgress"]
