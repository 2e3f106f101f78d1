"""The engine with its networks, volumes and events, from any thread."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from aiserver_tray.base.errors import ObjectNotFoundError
from aiserver_tray.engine import parse
from aiserver_tray.engine.address import Address, find_address
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.containers import Containers
from aiserver_tray.engine.images import Images
from aiserver_tray.engine.parse import moment
from aiserver_tray.engine.proxies import Proxies, configured, of_engine
from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.values import (
    DiskUse,
    EngineInfo,
    EngineMachine,
    Event,
    Network,
    Volume,
    VolumeUse,
)
from aiserver_tray.spec.labels import INSTALLATION
from aiserver_tray.system.engine_place import kernel_release
from aiserver_tray.system.resources import available_memory, disk_size

if TYPE_CHECKING:
    from aiserver_tray.catalog.image_sizes import ImageSize
    from aiserver_tray.engine.registry import Registries
    from aiserver_tray.spec.model import Body

_DISK_TIMEOUT_SECONDS = 120.0
_AT_ONCE = 6
"""Requests to an engine elsewhere: each of them needs a connection of its own."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class Engine:
    """A Docker engine. Creating this object sends no request. Requests raise

    - `EngineDownError` or `EngineNotInstalledError` if the engine does not respond or is lost;
    - `EngineRequestError` or a subclass, or `ResourcesError`, if it rejects the request.

    *host* is an address as in ``DOCKER_HOST``. *setting* is another one, used if *host* is None.
    Without both, `find_address` finds the engine. *stall_timeout*: seconds without progress after
    which a source of an image is given up.

    Raises:
        SettingError: what names the engine is no address of one.
    """

    def __init__(
        self, host: str | None = None, *, setting: str = "", stall_timeout: float = 60.0
    ) -> None:
        self._connection = Connection(partial(find_address, host, setting))
        self._lock = threading.Lock()
        self._info: tuple[int, EngineInfo] | None = None
        self.containers = Containers(self._connection)
        self.images = Images(self._connection, stall_timeout)
        self.networks = Networks(self._connection)
        self.volumes = Volumes(self._connection)

    def image_size(
        self, name: str, platform: str, mirrors: Sequence[str], certificates: str
    ) -> "ImageSize | None":
        """The size of an image as a registry tells it, asked once; None: no registry does. Takes up
        to 10 seconds. *certificates*: of authorities that are trusted beside the public ones."""
        return self._registries.size(name, platform, mirrors, certificates)

    def image_tags(self, name: str, mirrors: Sequence[str], certificates: str) -> frozenset[str]:
        """All tags of the image *name*, as a registry tells them. Takes up to a minute.

        Raises:
            RegistryError: none tells them.
        """
        return self._registries.tags(name, mirrors, certificates)

    def image_digest(self, name: str, mirrors: Sequence[str], certificates: str) -> str:
        """The digest that an image has now, as a registry tells it. Takes up to 10 seconds.

        Raises:
            RegistryError: none tells it.
        """
        return self._registries.digest(name, mirrors, certificates)

    def image_id(self, name: str, mirrors: Sequence[str], certificates: str) -> str:
        """The ID that an image has on this engine once it is pulled, if the engine has no digests
        of it, as a registry tells it. Takes up to 10 seconds.

        Raises:
            RegistryError: none tells it.
        """
        return self._registries.image_id(name, self.info().platform, mirrors, certificates)

    @cached_property
    def _registries(self) -> "Registries":
        from aiserver_tray.engine.registry import Registries  # noqa: PLC0415 - imports requests

        return Registries(lambda: self.info().access)

    @property
    def host(self) -> str:
        """Its address, as in ``DOCKER_HOST``."""
        return self.address.host

    @property
    def address(self) -> Address:
        """Its address, and how it was found."""
        return self._connection.address

    def info(self) -> EngineInfo:
        """Information about the engine. Requested once, and again after the engine was lost:
        another one may respond then."""
        with self._lock:
            generation = self._connection.generation
            if self._info is None or self._info[0] != generation:
                self._info = (generation, self._ask())
            return self._info[1]

    def _ask(self) -> EngineInfo:
        answer = self._connection.get("/info")
        address = self._connection.address
        return EngineInfo(
            id=_id(answer),
            version=answer["ServerVersion"],
            api_version=tuple(map(int, self._connection.api_version.split("."))),
            cpus=answer["NCPU"],
            memory=answer["MemTotal"],
            data_root=answer["DockerRootDir"],
            operating_system=answer["OperatingSystem"],
            is_local=address.is_local,
            shares_kernel=address.is_local and answer["KernelVersion"] == kernel_release(),
            log_drivers=tuple((answer.get("Plugins") or {}).get("Log") or ()),
            kernel=answer["KernelVersion"],
            nvidia=parse.gives_nvidia(answer),
            platform=parse.platform(answer),
            access=replace(parse.registry_access(answer), is_local=address.is_local),
        )

    def each(self, ask: Callable[[_Item], _Answer], items: Iterable[_Item]) -> list[_Answer]:
        """The answers of *ask* for all *items*, in their order. Where each request takes a round
        trip, several are sent at once."""
        found = list(items)
        if not self.address.is_bridged or len(found) < 2:
            return [ask(item) for item in found]
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - few engines are elsewhere

        with ThreadPoolExecutor(_AT_ONCE, "engine-request") as pool:
            return [*pool.map(ask, found)]

    def machine(self) -> EngineMachine:
        """The engine's machine, as it is now. Of another one, as far as a shell there tells; ports
        of this one are asked about one by one."""
        info = self.info()
        if info.shares_kernel:
            free, size = disk_size(info.data_root) or (None, None)
            return EngineMachine(available_memory(), free, size, info.kernel)
        if not self.address.is_bridged:
            return EngineMachine()
        from aiserver_tray.engine import stdio  # noqa: PLC0415 - few need a program

        try:
            found = parse.machine(stdio.run(self.host, parse.machine_report(info.data_root)))
        except OSError:
            return EngineMachine()
        if found.kernel == info.kernel:
            return found
        return EngineMachine(listeners=found.listeners)  # the engine has a virtual machine

    def now(self) -> datetime:
        """The time of the engine's clock, which dates its logs; our clock may differ."""
        return moment(self._connection.get("/info")["SystemTime"]) or datetime.now(UTC)

    def disk_use(self) -> tuple[DiskUse, list[VolumeUse]]:
        """Its disk use by kind, and of each volume. Takes it seconds: it counts the files of each
        volume."""
        answer = self._connection.get("/system/df", timeout=_DISK_TIMEOUT_SECONDS)
        return parse.disk_use(answer), parse.volume_use(answer)

    @property
    def generation(self) -> int:
        """A number that changes when the engine is lost or its connections are replaced."""
        return self._connection.generation

    def reconnect(self) -> None:
        """Use new connections from now on. After the machine slept, old ones may be dead, which
        would only show as a timeout."""
        self._connection.reconnect()

    def ping(self) -> None:
        self._connection.call("GET", "/_ping")

    @property
    def proxies(self) -> Proxies:
        """The proxies of Docker's configuration for containers. They may contain passwords."""
        return of_engine(configured(), self.host)

    def events(self, installation: str) -> "EventStream":
        """Events of the containers of *installation* from now on. Must be closed."""
        stream = self._connection.stream("GET", "/events", params=event_params(installation))
        return EventStream(stream.open())

    def close(self) -> None:
        """Close its connections. Event and log streams are closed by their owners."""
        self._connection.close()


def _id(info: dict[str, Any]) -> str:
    """The ID of the engine that describes itself with *info*. Podman makes up another one for each
    answer (https://github.com/containers/podman, ``pkg/api/handlers/compat/info.go``)."""
    is_podman = "BuildahVersion" in info
    return f"podman:{info['Name']}:{info['DockerRootDir']}" if is_podman else str(info["ID"])


ACTIONS = (
    "create", "start", "pause", "unpause", "die", "oom", "destroy", "rename", "update",
    "health_status",
)  # fmt: skip
"""Events that change the result of `inspect`. The engine filters out the others: the ``exec_*`` of
each health check, and those that ``die`` and ``start`` cover as well (``kill``, ``stop``,
``restart``; https://docs.docker.com/reference/cli/docker/system/events/#containers)."""


def event_params(installation: str) -> dict[str, str]:
    """The query for the events of *installation*'s containers."""
    filters = {
        "type": ["container"],
        "label": [f"{INSTALLATION}={installation}"],
        "event": list(ACTIONS),
    }
    return {"filters": json.dumps(filters)}


class EventStream:
    """Events since this object was created. Iterate it in one thread; `close` it from any."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Event]:
        """The events, until the stream is closed.

        Raises:
            EngineDownError: the engine went away; this is how its end shows at once.
        """
        for message in self._stream.messages():
            yield _event(message)
        if not self._stream.is_closed:
            self._stream.broken()

    def close(self) -> None:
        """Close the stream, from any thread. Its iteration ends without an error."""
        self._stream.close()


def _event(message: dict[str, Any]) -> Event:
    action, _, detail = message["Action"].partition(":")
    actor = message["Actor"]
    return Event(
        id=actor["ID"],
        action=action,
        detail=detail.strip(),
        attributes=actor["Attributes"],
        time_ns=message["timeNano"],
    )


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
        return str(self._connection.post("/networks/create", body=whole)["Id"])

    def remove(self, name: str) -> None:
        """Remove it.

        Raises:
            ObjectNotFoundError: there is none.
            EngineRequestError: containers are on it (status 403).
        """
        self._connection.call("DELETE", "/networks/{}", name)


class Volumes:
    """Every method raises `EngineDownError` if the engine is lost, and `EngineRequestError` or a
    subclass if it rejects the request."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> Volume | None:
        try:
            return parse.volume(self._connection.get("/volumes/{}", name))
        except ObjectNotFoundError:
            return None

    def all(self) -> list[Volume]:
        return [parse.volume(entry) for entry in self._connection.get("/volumes")["Volumes"] or ()]

    def use(self) -> list[VolumeUse]:
        """All volumes with their sizes. Takes seconds, because the engine counts their files."""
        params = {"type": "volume"}  # engines before API 1.42 count all
        answer = self._connection.get("/system/df", params=params, timeout=_DISK_TIMEOUT_SECONDS)
        return parse.volume_use(answer)

    def create(self, name: str, body: "Body") -> Volume:
        """Create the volume *name* from *body*, sent unchanged except for its name. If it exists
        with the same driver, the engine returns it."""
        return parse.volume(self._connection.post("/volumes/create", body={**body, "Name": name}))

    def remove(self, name: str) -> None:
        """Remove the volume with its data.

        Raises:
            ObjectNotFoundError: there is none.
            ObjectConflictError: a container uses it.
        """
        self._connection.call("DELETE", "/volumes/{}", name)
