"""Errors between the owner of the core and its clients."""

from collections.abc import Iterable
from typing import Any

from aiserver_tray.base.errors.base import AiServerError
from aiserver_tray.base.errors.operations import BusyError
from aiserver_tray.base.i18n import Text


class RequestError(AiServerError):
    """A client sent a request that is not in the contract, or has a wrong form; ``fields`` are the
    wrong fields of the payload."""

    code = "E_REQUEST"

    def __init__(self, why: Text, fields: Iterable[str] = ()) -> None:
        text = Text(
            "The request is not valid: {why}. The client may have another version than the server.",
            why=why,
        )
        super().__init__(text, fields=list(fields))
        self.why = why


class RefusedError(RequestError):
    """A request of the right form that can't be done now. *why* is a whole sentence for the user,
    who may have mistyped something."""

    def __init__(self, why: Text, fields: Iterable[str] = (), **data: Any) -> None:  # noqa: ANN401 - JSON
        AiServerError.__init__(self, why, fields=list(fields), **data)
        self.why = why


class NotPossibleError(AiServerError):
    """An action that can't be done with a module; ``why``: the ability's reason."""

    code = "E_REQUEST"

    def __init__(self, module: str, action: str, why: Text) -> None:
        super().__init__(Text("{name}: {why}", name=module, why=why), module=module, action=action)


class NotRunningError(AiServerError):
    """There is no tray (or ``serve``) of this home folder, or it has exited."""

    code = "E_NOT_RUNNING"

    def __init__(self) -> None:
        text = Text("AI-Server Tray is not running for this user. Start it with: aiserver-tray")
        super().__init__(text)


class OwnerEndedError(NotRunningError):
    """The owner exited while it worked on a request of this process."""

    def __init__(self) -> None:
        text = Text(
            "AI-Server Tray exited during this operation. Completed steps are kept. Another "
            "process may continue the operation; check with: aiserver-tray status. To "
            "continue it yourself, run the same command again"
        )
        AiServerError.__init__(self, text)


class AlreadyRunningError(BusyError):
    """Another process of this home folder already has this role."""

    def __init__(self, pid: int | None) -> None:
        text = Text(
            "AI-Server Tray is already running, but does not respond (process {pid}). Wait a "
            "moment or end that process, then try again.",
            pid=pid or "?",
        )
        AiServerError.__init__(self, text, pid=pid)


class OverloadedError(AiServerError):
    """The owner of the core accepts no such request now: a client sent too many at once, or the
    tray is taking over."""

    code = "E_BUSY"

    def __init__(self, why: Text) -> None:
        super().__init__(Text("AI-Server Tray is busy: {why}. Try again later.", why=why))


class AccessError(AiServerError):
    """A client over HTTP has no valid token."""

    code = "E_REQUEST"

    def __init__(self, why: Text) -> None:
        text = Text(
            "Access denied: {why}. Open the latest address printed by `aiserver-tray serve`.",
            why=why,
        )
        super().__init__(text)
        self.why = why


class RemoteError(AiServerError):
    """An error that the owner of the core returned, in the client's language."""

    def __init__(self, code: str, message: str, data: dict[str, Any]) -> None:
        super().__init__(Text("{message}", message=message), **data)
        self.code = code  # type: ignore[misc]


class NoDesktopError(AiServerError):
    """The icon can't be shown: the display or a library is missing."""

    code = "E_NO_DESKTOP"

    def __init__(self, why: object) -> None:
        text = Text(
            "Can't show the tray icon ({why}). On Debian or Ubuntu, install python3-gi and "
            "gir1.2-ayatanaappindicator3-0.1. Without a desktop, use: aiserver-tray serve",
            why=why,
        )
        super().__init__(text)


class NoSessionError(NoDesktopError):
    """There is no desktop session."""

    def __init__(self) -> None:
        text = Text(
            "Can't show the tray icon, because there is no desktop session (DISPLAY and "
            "WAYLAND_DISPLAY are not set). Start the applet on a desktop, or use the "
            "dashboard in a web browser: aiserver-tray serve. All other commands work "
            "without a desktop: aiserver-tray --help"
        )
        AiServerError.__init__(self, text)


class MissingExtraError(NoDesktopError):
    """The Python packages for a desktop are not installed."""

    def __init__(self, package: str) -> None:
        text = Text(
            "Can't show the tray icon, because the Python package {package} is missing. Install "
            'the applet with its packages for a desktop: pip install "aiserver-tray[desktop]". '
            "Or use the dashboard in a web browser: aiserver-tray serve",
            package=package,
        )
        AiServerError.__init__(self, text)
