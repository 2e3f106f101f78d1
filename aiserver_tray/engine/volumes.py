"""Volumes."""

from typing import TYPE_CHECKING

from aiserver_tray.base.errors import ObjectNotFoundError
from aiserver_tray.engine import parse
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.values import Volume

if TYPE_CHECKING:
    from aiserver_tray.spec.model import Body


class Volumes:
    """Every method raises `EngineDownError` if the engine is lost, and `EngineRequestError` or a
    subclass if it rejects the request."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> Volume | None:
        """The volume of this name."""
        try:
            return parse.volume(self._connection.get("/volumes/{}", name))
        except ObjectNotFoundError:
            return None

    def all(self) -> list[Volume]:
        """All volumes."""
        answer = self._connection.get("/volumes")
        return [parse.volume(entry) for entry in answer["Volumes"] or ()]

    def create(self, name: str, body: "Body") -> Volume:
        """Create the volume *name* from *body*, sent unchanged except for its name. If it exists
        with the same driver, the engine returns it."""
        answer = self._connection.post("/volumes/create", body={**body, "Name": name})
        return parse.volume(answer)

    def remove(self, name: str) -> None:
        """Remove the volume with its data.

        Raises:
            ObjectNotFoundError: there is none.
            ObjectConflictError: a container uses it.
        """
        self._connection.call("DELETE", "/volumes/{}", name)
