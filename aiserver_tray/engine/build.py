"""Building an image by the builder that every engine has, the one without BuildKit."""

import json
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from docker.api.build import process_dockerfile
from docker.utils import tar

from aiserver_tray.base.errors import CancelledError, EngineRequestError, ImageBuildError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.auth import build_auth
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.proxies import beside, configured, of_engine
from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.translate import refusal

if TYPE_CHECKING:
    from aiserver_tray.spec.model import BuildTarget

_ERROR_LINES = 20
_REPEATED = ("t", "extrahosts")
"""Parameters that are repeated for each value; other lists are JSON
(https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageBuild)."""


class _NotUtf8Error(Exception):
    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        self.why = Text("{file} is not UTF-8; save it as UTF-8", file=file)


def build(
    connection: Connection,
    target: "BuildTarget",
    on_line: Callable[[str], None],
    cancelled: Cancellation,
) -> None:
    """As `Images.build`."""
    last: deque[str] = deque(maxlen=_ERROR_LINES)
    try:
        with TemporaryFile() as context, ExitStack() as stack:
            stream = stack.enter_context(_open(connection, target, context))
            stack.enter_context(cancelled.closes(stream.close))
            for line in _lines(stream):
                last.append(line)
                on_line(line)
    except OSError as error:
        why = f"{error.filename or target.context}: {error.strerror or error}"
        raise ImageBuildError(target.module, target.tag, why) from error
    except _NotUtf8Error as error:
        raise ImageBuildError(target.module, target.tag, error.why) from error
    except EngineRequestError as error:
        raise ImageBuildError(target.module, target.tag, error.explanation, last) from error
    if cancelled.is_set():
        raise CancelledError


def _open(connection: Connection, target: "BuildTarget", context: IO[bytes]) -> Stream:
    name = _write_context(target, context)
    given = target.options.get("buildargs", {})
    proxies = of_engine(configured(), connection.address.host)
    options = {
        **target.options,
        "buildargs": {**beside(given, proxies), **given},
        "labels": {**target.options.get("labels", {}), **target.labels},
        "t": [target.tag, *target.options.get("t", ())],
        "dockerfile": name,
        "rm": True,
        "forcerm": True,
    }
    headers, _ = build_auth()
    return connection.stream(
        "POST",
        "/build",
        params={key: _parameter(key, value) for key, value in options.items()},
        data=context,
        headers={**headers, "Content-Type": "application/x-tar"},
    )


def _parameter(key: str, value: object) -> object:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Mapping) or (isinstance(value, list) and key not in _REPEATED):
        return json.dumps(value)
    return value


def _write_context(target: "BuildTarget", file: IO[bytes]) -> str:
    """Write the archive of the context to *file*; the Dockerfile's name in it."""
    dockerfile = _dockerfile(target)
    ignored = _ignored(Path(target.context) / ".dockerignore")
    tar(target.context, exclude=ignored, dockerfile=dockerfile, fileobj=file)
    return str(dockerfile[0])


def _dockerfile(target: "BuildTarget") -> tuple[str, str | None]:
    """The name of the Dockerfile in the archive, and its text if it is not in the context: the SDK
    would read it in the encoding of the machine's language."""
    if target.inline is not None:
        return f".dockerfile.{secrets.token_hex(8)}", target.inline
    file = os.path.join(target.context, target.dockerfile)  # noqa: PTH118 - as the SDK does
    drives = {os.path.splitdrive(path)[0] for path in (target.context, file)}
    if len(drives) == 1 and not os.path.relpath(file, target.context).startswith(".."):
        name, text = process_dockerfile(target.dockerfile, target.context)
        return name, text
    return f".dockerfile.{secrets.token_hex(8)}", _read(Path(file))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _NotUtf8Error(file) from error


def _ignored(file: Path) -> list[str]:
    if not file.exists():
        return []
    lines = (line.strip() for line in _read(file).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _lines(stream: Stream) -> Iterator[str]:
    """The output line by line.

    Raises:
        EngineRequestError, ResourcesError: the build failed.
    """
    begun = ""
    for message in stream.messages():
        if "error" in message:
            raise refusal(0, str(message["error"]))
        *lines, begun = (begun + _text(message)).split("\n")
        yield from (line.rstrip() for line in lines if line.strip())
    if begun.strip():
        yield begun.rstrip()


def _text(message: Mapping[str, Any]) -> str:
    """The text of a message: output, or the progress of the base image's pull (each layer's state,
    not each of its bytes)."""
    if "stream" in message:
        return str(message["stream"])
    if "status" in message and not message.get("progressDetail"):
        return f"{message['status']} {message.get('id', '')}\n"
    return ""
