"""Building an image by the builder that every engine has, the one without BuildKit."""

import json
import os
import secrets
import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from docker.api.build import process_dockerfile
from docker.constants import IS_WINDOWS_PLATFORM
from docker.utils.build import exclude_paths

from aiserver_tray.base.errors import CancelledError, EngineRequestError, ImageBuildError
from aiserver_tray.base.file_paths import is_open_at, real_path
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.proxies import beside, configured, of_engine
from aiserver_tray.engine.registry import build_auth
from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.translate import refusal

if TYPE_CHECKING:
    from aiserver_tray.spec.model import BuildTarget

_ERROR_LINES = 20
_REPEATED = ("t", "extrahosts")
"""Parameters that are repeated for each value; other lists are JSON
(https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageBuild)."""


class _UnfitError(Exception):
    def __init__(self, why: Text) -> None:
        super().__init__(str(why))
        self.why = why


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
    except _UnfitError as error:
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
    name, text = _dockerfile(target)
    root = target.context
    if real_path(root) != root:
        raise _UnfitError(Text("{file} has become a link", file=root))
    ignored = _ignored(os.path.join(root, ".dockerignore"))  # noqa: PTH118 - as the SDK does
    given = {} if text is None else {name: text, ".dockerignore": "\n".join([*ignored, name])}
    with tarfile.open(fileobj=file, mode="w") as archive:
        for path in sorted(exclude_paths(root, ignored, dockerfile=name)):
            if path not in given:
                _add(archive, root, path)
        for path, content in given.items():
            about = tarfile.TarInfo(path)
            about.size = len(content.encode())
            archive.addfile(about, BytesIO(content.encode()))
    file.seek(0)
    return name


def _add(archive: tarfile.TarFile, root: str, path: str) -> None:
    """Add the file *path* below *root*. A link is added as such, and not followed, not even if it
    takes the place of a file or folder in the meantime."""
    full = os.path.join(root, path)  # noqa: PTH118 - as the SDK does
    about = archive.gettarinfo(full, arcname=path)
    if about is None:  # a socket
        return
    about.mtime = int(about.mtime)
    if IS_WINDOWS_PLATFORM:  # which knows no right to execute
        about.mode = about.mode & 0o755 | 0o111
    if not about.isreg():
        archive.addfile(about)
        return
    with open(full, "rb") as content:  # noqa: PTH123 - as above
        if not is_open_at(content.fileno(), full):
            raise _UnfitError(Text("{file} became a link while it was read", file=full))
        about.size = os.fstat(content.fileno()).st_size
        archive.addfile(about, content)


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
    return f".dockerfile.{secrets.token_hex(8)}", _decoded(Path(file).read_bytes(), file)


def _decoded(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        why = Text("{file} is not UTF-8; save it as UTF-8", file=file)
        raise _UnfitError(why) from error


def _ignored(file: str) -> list[str]:
    """The patterns in *file*, which the archive may have. So it has to be a file of the context: a
    link could lead to any file of the user's."""
    if not os.path.exists(file):  # noqa: PTH110 - as above
        return []
    with open(file, "rb") as content:  # noqa: PTH123 - as above
        if not is_open_at(content.fileno(), file):
            raise _UnfitError(Text("{file} is a link; put a copy of the file there", file=file))
        lines = (line.strip() for line in _decoded(content.read(), file).splitlines())
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
