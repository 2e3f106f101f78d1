"""Networks."""

from typing import TYPE_CHECKING

from aiserver_tray.base.errors import ObjectNotFoundError
from aiserver_tray.engine import parse
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.values import Network

if TYPE_CHECKING:
    from aiserver_tray.spec.model import Body


class Networks:
    """Every method raises `EngineDownError` if the engine is lost, and `EngineRequestError` or a
    subclass if it rejects the request."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> Network | None:
        """The network of this name, with the containers on it."""
        try:
            found = parse.network(self._connection.get("/networks/{}", name))
        except ObjectNotFoundError:
            return None
        return found if found.name == name else None  # the engine also takes beginnings of ids

    def all(self) -> list[Network]:
        """All networks, without the containers on them."""
        return [parse.network(answer) for answer in self._connection.get("/networks")]

    def create(self, name: str, body: "Body") -> str:
        """Create a network from *body*, sent unchanged except for its name, and return its ID.

        Raises:
            ObjectConflictError: there is one of this name.
        """
        # Engines before 25.0 accept a name twice unless they are asked to check.
        whole = {**body, "Name": name, "CheckDuplicate": True}
        answer = self._connection.post("/networks/create", body=whole)
        return str(answer["Id"])

    def remove(self, name: str) -> None:
        """Remove it.

        Raises:
            ObjectNotFoundError: there is none.
            EngineRequestError: containers are on it (status 403).
        """
        self._connection.call("DELETE", "/networks/{}", name)
