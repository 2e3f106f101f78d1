"""What goes wrong between the host of the core and its clients."""

from collections.abc import Iterable
from typing import Any

from aiserver_tray.base.errors.base import AiServerError
from aiserver_tray.base.errors.operations import BusyError
from aiserver_tray.base.i18n import Text


class RequestError(AiServerError):
    """A client asked for what is not in the contract, or in a wrong form; ``fields`` are the
    payload's that are wrong."""

    code = "E_REQUEST"

    def __init__(self, why: Text, fields: Iterable[str] = ()) -> None:
        text = Text("The request can't be understood: {why}. Is the client as new?", why=why)
        super().__init__(text, fields=list(fields))


class NotRunningError(AiServerError):
    """There is no tray (or ``serve``) of this home, or it went away."""

    code = "E_NOT_RUNNING"

    def __init__(self) -> None:
        super().__init__(
            Text("AI-Server Tray does not run for this user. Start it with: aiserver-tray")
        )


class HostEndedError(NotRunningError):
    """The host of the home ended while it was at what this process had asked of it."""

    def __init__(self) -> None:
        AiServerError.__init__(
            self,
            Text(
                "AI-Server Tray ended while it was at this. What it had begun is as it was then, "
                "unless another process goes on with it: see aiserver-tray status. The same "
                "command again goes on from there"
            ),
        )


class AlreadyRunningError(BusyError):
    """Another process of this home is what this one wanted to be."""

    def __init__(self, pid: int | None) -> None:
        text = Text(
            "AI-Server Tray runs already, but does not answer (process {pid}). Wait a little, or "
            "end that process, then try again.",
            pid=pid or "?",
        )
        AiServerError.__init__(self, text, pid=pid)


class OverloadedError(AiServerError):
    """A client wants more at once than the host of the core gives it."""

    code = "E_BUSY"

    def __init__(self, why: Text) -> None:
        super().__init__(
            Text("AI-Server Tray has too much to do: {why}. Try again a little later.", why=why)
        )


class AccessError(AiServerError):
    """Someone asks over HTTP who was not let in."""

    code = "E_REQUEST"

    def __init__(self, why: Text) -> None:
        super().__init__(
            Text(
                "Refused: {why}. Open the address that `aiserver-tray serve` printed last.", why=why
            )
        )


class RemoteError(AiServerError):
    """What the host of the core answered a request with: its error, in the client's language."""

    def __init__(self, code: str, message: str, data: dict[str, Any]) -> None:
        super().__init__(Text("{message}", message=message), **data)
        self.code = code  # type: ignore[misc]
