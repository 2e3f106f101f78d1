"""Containers: the life of one, the list of all, and those that run one command."""

import io
import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from aiserver_tray.base.errors import (
    EngineRequestError,
    ObjectConflictError,
    ObjectNotFoundError,
)
from aiserver_tray.base.strings import nanoseconds
from aiserver_tray.engine import parse
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.client import READ_TIMEOUT_SECONDS
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.execution import Program, execute, run
from aiserver_tray.engine.logs import MULTIPLEXED, RAW, LogStream, log_params
from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.values import ContainerDetails, ContainerSummary, Usage
from aiserver_tray.model import Container, Port
from aiserver_tray.spec.labels import INSTALLATION, ONE_SHOT
from aiserver_tray.system.console import Console

if TYPE_CHECKING:
    from aiserver_tray.engine.terminal import Command, Terminal
    from aiserver_tray.spec.model import Body, File

_logger = logging.getLogger(__name__)

_ROOT = PurePosixPath("/")
_WAIT_SECONDS = 60.0
_READ_ONLY = "rootfs is marked read-only"
"""The engine's error if it can only unpack into a volume."""
_INIT_DIED = "read init-p"
"""runc's error if its own process died before it became the container's process (libcontainer's
process_linux.go). The container is not at fault, and the next start succeeds."""


class Containers:
    """Every method raises `EngineDownError` if the engine is lost, and `EngineRequestError` or a
    subclass if it rejects the request. *container* is an ID or a name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def summaries(self, installation: str | None = None) -> list[ContainerSummary]:
        """All containers in any state, in one request; *installation*: only its own.

        The engine updates its list a moment after a change, even after it has responded to the
        change; `inspect` is correct at once.
        """
        params = {"all": "1"}
        if installation is not None:
            params["filters"] = json.dumps({"label": [f"{INSTALLATION}={installation}"]})
        answers = self._connection.get("/containers/json", params=params)
        return [parse.summary(answer) for answer in answers]

    def names_with_volume(self, volume: str) -> list[str]:
        """The names of the containers, in any state, that mount *volume*."""
        params = {"all": "1", "filters": json.dumps({"volume": [volume]})}
        answers = self._connection.get("/containers/json", params=params)
        return sorted(parse.summary(answer).name for answer in answers)

    def inspect(self, container: str) -> Container:
        """Inspect a container of ours.

        Raises:
            ObjectNotFoundError: there is none.
        """
        asked_at = time.monotonic()
        answer = self._connection.get("/containers/{}/json", container)
        return replace(parse.container(answer), asked_at=asked_at)

    def details(self, container: str) -> ContainerDetails:
        """More about a container of ours than `inspect` returns.

        Raises:
            ObjectNotFoundError: there is none.
        """
        return parse.container_details(self._connection.get("/containers/{}/json", container))

    def usage(self, container: str) -> Usage | None:
        """What it uses now; None if it does not run."""
        # Otherwise the engine takes two samples, which takes two seconds.
        params = {"stream": "0", "one-shot": "1"}
        return parse.usage(self._connection.get("/containers/{}/stats", container, params=params))

    def written(self, container: str) -> int:
        """The bytes that it has written outside of volumes."""
        answer = self._connection.get("/containers/{}/json", container, params={"size": "1"})
        return int(answer.get("SizeRw") or 0)

    def port_claims(self, container: str) -> tuple[Port, ...]:
        """The fixed host ports that it takes when it runs, also of one that does not run."""
        return parse.port_claims(self._connection.get("/containers/{}/json", container))

    def mounted(self, container: str) -> list[str]:
        """The folders at which it has something mounted."""
        answer = self._connection.get("/containers/{}/json", container)
        return [mount["Destination"] for mount in answer.get("Mounts") or ()]

    def definition(self, container: str) -> dict[str, Any]:
        """Everything that the engine knows of a container, ours or foreign, in its own words. The
        environment has passwords.

        Raises:
            ObjectNotFoundError: there is none.
        """
        return dict(self._connection.get("/containers/{}/json", container))

    def create(self, name: str, body: "Body") -> str:
        """Create a container from *body*, sent unchanged, and return its ID. Engines below API 1.44
        accept only one network in it; use `connect` for the others.

        Raises:
            ObjectConflictError: there is one of this name.
        """
        params = {"name": name}
        if platform := body.get("Platform"):
            params["platform"] = platform
        return str(self._connection.post("/containers/create", params=params, body=body)["Id"])

    def put_files(self, container: str, files: "Sequence[File]") -> None:
        """Copy *files* into the container, running or not. Missing folders are created; in a
        read-only container, they must exist as volumes."""
        if not files:
            return
        try:
            self._unpack(container, _ROOT, files)
        except EngineRequestError as error:
            if _READ_ONLY not in error.explanation:
                raise
            for folder in dict.fromkeys(PurePosixPath(file.path).parent for file in files):
                inside = [file for file in files if PurePosixPath(file.path).parent == folder]
                self._unpack(container, folder, inside)

    def _unpack(self, container: str, folder: PurePosixPath, files: "Sequence[File]") -> None:
        params, data = {"path": str(folder)}, archive(files, folder)
        self._connection.call("PUT", "/containers/{}/archive", container, params=params, data=data)

    def read_file(self, container: str, path: str) -> bytes | None:
        """The content of the file *path* in the container, running or not. None: there is none."""
        import tarfile  # noqa: PLC0415 - takes memory, and is rarely needed

        params = {"path": path}
        try:
            answer = self._connection.call(
                "GET", "/containers/{}/archive", container, params=params
            )
        except ObjectNotFoundError:
            return None
        with tarfile.open(fileobj=io.BytesIO(answer)) as tar:
            entry = tar.next()
            file = tar.extractfile(entry) if entry and entry.isfile() else None
            return file.read() if file else None

    def read_archive(self, container: str, path: str, cancelled: Cancellation) -> Iterator[bytes]:
        """The tar of the folder *path* in the container, running or not, with the folder's name
        above all. If files change meanwhile, the engine may leave out others without an error.

        Raises:
            CancelledError: *cancelled* was set.
            ObjectNotFoundError: there is none.
        """
        params = {"path": path}
        stream = self._connection.stream("GET", "/containers/{}/archive", container, params=params)
        return stream.until(cancelled)

    def write_archive(
        self, container: str, folder: str, pieces: Iterable[bytes], cancelled: Cancellation
    ) -> None:
        """Unpack the tar *pieces* into *folder* in the container, running or not. What *pieces*
        raises ends that, with a part unpacked.

        Raises:
            CancelledError: *cancelled* was set.
        """
        self._connection.upload(
            "PUT",
            "/containers/{}/archive",
            container,
            params={"path": folder},
            pieces=pieces,
            cancelled=cancelled,
        )

    def connect(self, container: str, network: str, endpoint: "Body") -> None:
        """Attach it to *network* (a name or an id) too, with *endpoint* settings."""
        body = {"Container": container, "EndpointConfig": endpoint}
        self._connection.post("/networks/{}/connect", network, body=body)

    def start(self, container: str) -> None:
        """Start the container. A running one is not changed."""
        try:
            self._connection.post("/containers/{}/start", container)
        except EngineRequestError as error:
            if _INIT_DIED not in error.explanation:
                raise
            _logger.warning("retrying to start %s: %s", container, error.explanation)
            self._connection.post("/containers/{}/start", container)

    def stop(self, container: str, grace: float | None = None) -> None:
        """Stop it by its own stop signal, killed after *grace* seconds; None: its own time."""
        params = {} if grace is None else {"t": round(grace)}
        # No timeout, because the grace may be long: the connection shows a lost engine.
        self._connection.post("/containers/{}/stop", container, params=params, timeout=None)

    def wait(self, container: str) -> int:
        """Wait until it exits, and return its exit code."""
        answer = self._connection.post("/containers/{}/wait", container, timeout=_WAIT_SECONDS)
        return int(answer["StatusCode"])

    def outcome(self, container: str, cancelled: Cancellation) -> int:
        """Wait until it exits, however long that takes, and return its exit code.

        Raises:
            CancelledError: *cancelled* was set. The container goes on.
        """
        stream = self._connection.stream("POST", "/containers/{}/wait", container)
        return int(json.loads(b"".join(stream.until(cancelled)))["StatusCode"])

    def signal(self, container: str, signal: str) -> None:
        """Send *signal* (``SIGTERM``) to its first process. After the stop signal, the engine does
        not restart it."""
        params = {"signal": signal}
        self._connection.post("/containers/{}/kill", container, params=params)

    def kill(self, container: str) -> None:
        self._connection.post("/containers/{}/kill", container)

    def pause(self, container: str) -> None:
        """Freeze its processes."""
        self._connection.post("/containers/{}/pause", container)

    def unpause(self, container: str) -> None:
        """Resume its processes."""
        self._connection.post("/containers/{}/unpause", container)

    def remove(self, container: str) -> None:
        """Remove the container, running or not, and wait for that. Keeps anonymous volumes."""
        try:
            self._connection.call("DELETE", "/containers/{}", container, params={"force": "1"})
        except ObjectConflictError:  # another request is removing it
            params = {"condition": "removed"}
            with suppress(ObjectNotFoundError):
                self._connection.post("/containers/{}/wait", container, params=params, timeout=None)

    def remove_stopped(self, container: str) -> None:
        """Remove the container. Keeps anonymous volumes.

        Raises:
            ObjectNotFoundError, ObjectConflictError: there is none, or it runs.
        """
        self._connection.call("DELETE", "/containers/{}", container)

    def logs(
        self,
        container: str,
        *,
        since: int | None = None,
        tail: int | None = None,
        follow: Literal["follow", "stop"] = "stop",
    ) -> LogStream:
        """Its log so far, from the first line on that is not older than *since* (nanoseconds since
        1970), or its last *tail* lines; ``follow`` continues until the container exits. Must be
        closed.

        Raises:
            UnsupportedError: its logging driver keeps nothing that the engine can read.
        """
        params = log_params(since=since, tail=tail, follow=follow)
        stream = self._connection.stream("GET", "/containers/{}/logs", container, params=params)
        try:
            framed = self._is_framed(container, stream.open())
        except BaseException:
            stream.close()
            raise
        return LogStream(stream, framed=framed, follow=follow)

    @property
    def is_costly_to_follow(self) -> bool:
        """Whether each followed log needs a program of its own. Raises `EngineDownError`."""
        return self._connection.is_costly

    def has_written(self, container: str, since: int) -> bool:
        """Whether its log has a line that is not older than *since* (nanoseconds since 1970)."""
        params, path = log_params(since=since, tail=1, follow="stop"), "/containers/{}/logs"
        limit = READ_TIMEOUT_SECONDS
        return bool(self._connection.call("GET", path, container, params=params, timeout=limit))

    def _is_framed(self, container: str, stream: Stream) -> bool:
        if stream.content_type in (MULTIPLEXED, RAW):
            return stream.content_type == MULTIPLEXED
        # Engines before API 1.42 don't say.
        return not self._connection.get("/containers/{}/json", container)["Config"]["Tty"]

    def tail(self, container: str, lines: int, since: datetime | None = None) -> list[str]:
        """The last *lines* of its log, of those from *since* on."""
        begin = None if since is None else nanoseconds(since)
        with self.logs(container, tail=lines, since=begin) as log:
            return [line.text for line in log][-lines:]

    def code_of_last_end(self, container: str, before: datetime) -> int | None:
        """The exit code of its last exit before the moment *before*, for a container that runs
        again: inspect does not show it any more. None if the engine has forgotten it: it keeps its
        last 256 events (https://docs.docker.com/reference/cli/docker/system/events/)."""
        filters = json.dumps({"type": ["container"], "container": [container], "event": ["die"]})
        params = {"since": "0", "until": f"{before.timestamp():.6f}", "filters": filters}
        with self._connection.stream("GET", "/events", params=params) as stream:
            codes = [int(m["Actor"]["Attributes"]["exitCode"]) for m in stream.messages()]
        return codes[-1] if codes else None

    def exec(self, container: str, command: Sequence[str], console: Console | None = None) -> int:
        """Run *command* in it at *console* (None: this process's own); its exit code.

        Raises:
            ObjectNotFoundError, ObjectConflictError: there is none, or it does not run.
        """
        return execute(self._connection, container, command, console or Console())

    def terminal(self, container: str, user: str) -> "Terminal":
        """A terminal in it for *user*; empty: the user of its image. It is not open yet."""
        from aiserver_tray.engine.terminal import Terminal  # noqa: PLC0415 - few have one

        return Terminal(self._connection, container, user)

    def program(self, container: str, body: "Body", cancelled: Cancellation) -> Program:
        """The command of *body*, as for creating an exec, whose input and output are streams.

        Raises:
            ObjectNotFoundError, ObjectConflictError: there is none, or it does not run.
        """
        return Program(self._connection, container, body, cancelled)

    def command(self, container: str) -> "Command":
        """A command in it, of which nothing outlives us. It is not open yet."""
        from aiserver_tray.engine.terminal import Command  # noqa: PLC0415 - few run one

        return Command(self._connection, container)

    def run(
        self, container: str, body: "Body", *, seconds: float, cancelled: Cancellation
    ) -> tuple[int | None, list[str]]:
        """Run the command of *body*, as for creating an exec. Returns exit code and lines of
        output. Exit code None: it still runs after *seconds*.

        Raises:
            CancelledError: *cancelled* was set. It goes on then, too.
            ObjectNotFoundError, ObjectConflictError: there is none, or it does not run.
        """
        return run(self._connection, container, body, seconds, cancelled)


def archive(files: "Iterable[File]", folder: PurePosixPath) -> bytes:
    """An archive of *files*, all below *folder*, to unpack there.

    It contains only files: the engine creates missing folders (root's, mode 0755), and does not
    change existing ones.
    """
    import tarfile  # noqa: PLC0415 - takes memory, and few containers have such files

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(str(PurePosixPath(file.path).relative_to(folder)))
            entry.size = len(file.content)
            entry.uid, entry.gid, entry.mode = file.uid, file.gid, file.mode
            entry.mtime = int(time.time())
            tar.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()


_PREFIX = "ai.one-shot."
"""A module's containers have no dot in their names."""
_LOG_LINES = 100


def run_once(containers: Containers, body: "Body") -> tuple[int, list[str]]:
    """Run a container of *body* until it exits, and remove it. Returns exit code and output. Only
    one call per installation may run at a time, and none beside `one_shot`.

    Raises:
        EngineDownError, EngineRequestError: as the methods of *containers* do.
    """
    with one_shot(containers, body) as container:
        containers.start(container)
        return containers.wait(container), containers.tail(container, _LOG_LINES)


@contextmanager
def one_shot(containers: Containers, body: "Body") -> Iterator[str]:
    """A container of *body* that is not started, and removed in the end. First removes the leftover
    of a killed process."""
    for found in containers.summaries():
        if found.labels.get(ONE_SHOT) == body["Labels"][ONE_SHOT]:
            containers.remove(found.id)
    container = containers.create(f"{_PREFIX}{uuid4().hex[:12]}", body)
    try:
        yield container
    finally:
        containers.remove(container)
