"""The only place that converts errors of urllib3, the operating system and Windows pipes into our
errors. `sdk` has those of the SDK."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import urllib3

from aiserver_tray.base.errors import (
    AiServerError,
    EngineDownError,
    EngineNotInstalledError,
    EngineRequestError,
    ObjectConflictError,
    ObjectNotFoundError,
    ResourcesError,
    UnsupportedError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.address import Address
from aiserver_tray.system.engine_place import can_install, is_installed, start_by_hand

_SDK: Final = ("docker", "requests")
"""The SDK and the package that it speaks to the engine with."""
LOST: tuple[type[Exception], ...] = (urllib3.exceptions.HTTPError, OSError, EOFError)
"""Errors of a missing or interrupted response."""
_TIMEOUTS = (TimeoutError, urllib3.exceptions.TimeoutError)
_BROKEN = (
    ConnectionResetError, ConnectionAbortedError, BrokenPipeError, EOFError,
    urllib3.exceptions.HTTPError,
)  # fmt: skip
_REFUSALS = {404: ObjectNotFoundError, 409: ObjectConflictError, 501: UnsupportedError}
_ABSENT = 2  # ERROR_FILE_NOT_FOUND
_DENIED = 5  # ERROR_ACCESS_DENIED
_NO_SPACE = "no space left on device"
_NO_CARD = re.compile(r"could not select device driver .*\bgpu\b")


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Convert errors that the block raises into ours.

    Raises:
        EngineDownError, EngineNotInstalledError: it can't be reached, or went away.
        EngineRequestError and its subclasses, ResourcesError: it refused.
        SettingError: Docker's own settings on this machine are wrong.
    """
    try:
        yield
    except Exception as error:
        if (found := translate(error, address)) is None:
            raise
        raise found from error


def translate(error: Exception, address: Address) -> AiServerError | None:
    """Our error for *error*. None if it does not come from the engine."""
    if _is_of_sdk(error):
        from aiserver_tray.engine import sdk  # noqa: PLC0415 - slow

        if answer := sdk.answer_in(error):
            return refusal(*answer)
        if found := sdk.translate_sdk(error):
            return found
    if isinstance(error, LOST) or _is_pipe_error(error):
        return _lost(error, address)
    return None


def refusal(status: int, explanation: str) -> AiServerError:
    """The error for the engine's answer *status* (HTTP; 0: none) in its own words."""
    if _NO_SPACE in explanation:
        text = Text(
            "The engine's disk is full ({why}). Free some space, for example with `docker "
            "system prune`, then try again.",
            why=explanation,
        )
        return ResourcesError(text)
    if _NO_CARD.search(explanation):
        text = Text(
            "The engine has no GPU for containers ({why}). Install the NVIDIA Container "
            "Toolkit on the engine's machine, or turn the GPU off in compose.override.yaml: "
            "`deploy: !reset null` (`gpus: !reset null`).",
            why=explanation,
        )
        return ResourcesError(text)
    return _REFUSALS.get(status, EngineRequestError)(status, explanation)


def _lost(error: Exception, address: Address) -> AiServerError:
    cause = _root_of(error)
    code = getattr(cause, "winerror", None)
    if address.is_bridged:
        return EngineDownError.unreachable(address.host, _reason(cause))
    if isinstance(cause, PermissionError) or code == _DENIED:
        return EngineDownError.forbidden(address.host)
    is_absent = isinstance(cause, FileNotFoundError) or code == _ABSENT
    if is_absent and not address.is_named and not is_installed():
        known = EngineNotInstalledError.installable if can_install() else EngineNotInstalledError
        return known(address.host)
    if command := start_by_hand(address.host):
        return EngineDownError.startable(address.host, _reason(cause), command)
    return EngineDownError(address.host, _reason(cause))


def _root_of(error: BaseException) -> BaseException:
    """The operating system's error, which requests and urllib3 wrap as argument, reason or cause.
    Not ``__context__``: that may be an error that the caller is handling."""
    for found in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(found, BaseException):
            return _root_of(found)
    return error


def _reason(cause: BaseException) -> str | Text:
    if _is_timeout(cause):
        return Text("the request timed out")
    if isinstance(cause, _BROKEN):
        return Text("the connection was lost")
    if why := getattr(cause, "why", None):  # of a program that connects
        return str(why) if not isinstance(why, Text) else why
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _is_timeout(cause: BaseException) -> bool:
    if _is_of_sdk(cause):
        from aiserver_tray.engine.sdk import is_timeout  # noqa: PLC0415 - slow

        return is_timeout(cause)
    return isinstance(cause, _TIMEOUTS)


def _is_of_sdk(error: BaseException) -> bool:
    """Whether the SDK or requests raised *error*, and so is imported already."""
    return any(kind.__module__.partition(".")[0] in _SDK for kind in type(error).__mro__)


def _is_pipe_error(error: Exception) -> bool:
    """Windows: ``pywintypes.error`` is no OSError. RuntimeError: the SDK's pipe, closed."""
    return type(error).__module__ == "pywintypes" or (
        isinstance(error, RuntimeError) and "after connection was closed" in str(error)
    )
