"""Modules that are tried: they run from their own definitions, on copies of their data and on
networks without a way out, and nothing else on the engine notices."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any, Final, Literal

from aiserver_tray.base.errors import (
    AiServerError,
    EngineRequestError,
    ExitedError,
    HealthTimeoutError,
    JobFailedError,
    PostStartTimeoutError,
    UpgradeUnfitError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.planning import server_in
from aiserver_tray.operations.plan.decide import in_order
from aiserver_tray.operations.run.execute import run_post_start
from aiserver_tray.operations.run.readiness import Wait
from aiserver_tray.spec.kernel import HELPER
from aiserver_tray.spec.labels import backup_labels
from aiserver_tray.spec.mounts import volume_mount, with_image_volumes
from aiserver_tray.spec.names import volume_name
from aiserver_tray.system.clock import awake

if TYPE_CHECKING:
    from aiserver_tray.catalog.extension import Probe
    from aiserver_tray.engine.values import Image
    from aiserver_tray.features.backup.planning import Tools
    from aiserver_tray.features.backup.servers import Server
    from aiserver_tray.features.backup.stage import Stage
    from aiserver_tray.features.backup.volumes import BackupVolumes
    from aiserver_tray.features.upgrade.versions import UpgradeTarget
    from aiserver_tray.spec.model import Body, ModuleTarget, ServiceTarget

_POLL_SECONDS: Final = 0.2
_LAST_LINES: Final = 10
_SLOWER: Final = 2.0
"""The old version runs beside it, so it may take so many times as long."""
_NOWHERE: Final = "192.0.2.1"
"""An address that nobody has (RFC 5737). Engines before 26.0.0 pass the queries for unknown names
on also from a network without a way out."""
_NETWORK: Final = {
    "Driver": "bridge",
    "Internal": True,
    # Without an address of the engine's machine on it, whose ports could be reached otherwise.
    "Options": {"com.docker.network.bridge.inhibit_ipv4": "true"},
}
_ALONE: Final[Mapping[str, Any]] = {
    "Links": None,
    "PortBindings": {},
    "ExtraHosts": [],
    "RestartPolicy": {"Name": "no"},
    # Its last lines are quoted, and nothing leaves the engine.
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
}
"""Of the host configuration of each container."""
PROBE_SECONDS = 60
_PROBE: Final = """for _ in $(seq "$1")
do answer=$(wget -q -T 10 -O /dev/null "$0" 2>&1) && exit; sleep 1
done; echo "$answer"; exit 1"""
"""Some programs answer with an error in the first moments after their health check succeeds."""

Content = Literal["copy", "empty"]
"""What the volumes of a module have when it is tried."""


@dataclass
class Trial:
    """Tries modules within *stage* for *target*. Everything on the engine is of the operation
    *id*. *clone* copies a volume with *volumes*.

    Raises:
        UpgradeUnfitError: a service does not become ready; says why, with its last lines.
        CancelledError, and what the engine's methods raise.
    """

    tools: "Tools"
    stage: "Stage"
    target: "UpgradeTarget"
    volumes: "BackupVolumes"
    id: str
    clone: Callable[[str], str]
    cloned: list[str] = field(default_factory=list, init=False)
    """The volumes that were copied."""
    _over: ExitStack = field(default_factory=ExitStack, init=False)
    _networks: dict[str, str] = field(default_factory=dict, init=False)
    _volumes: dict[str, str] = field(default_factory=dict, init=False)
    """By name on the engine, the one that stands for it."""
    _containers: dict[str, str] = field(default_factory=dict, init=False)
    """The same of containers, with IDs."""

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the containers and networks. The copies of the data stay."""
        self._over.close()
        while self._networks:
            self.tools.engine.networks.remove(self._networks.popitem()[1])

    @property
    def containers(self) -> Mapping[str, str]:
        """The IDs of the containers, by the names of those that they stand for."""
        return self._containers

    @property
    def copies(self) -> Mapping[str, str]:
        """The volumes, by the names of those that they stand for."""
        return self._volumes

    def server(self, module: str) -> "Server":
        """The database server that stands for that of *module*."""
        if (place := self.tools.planner.server(module)) is None:
            raise TypeError(module)
        app, container = self.tools.app, self._containers[place.container]
        password = app.settings.reveal(app.declared, place.secret)
        how = place.dialect, place.user, password, self.stage.cancelled
        return server_in(self.tools.engine, container, *how)

    def start(self, target: "ModuleTarget", images: Mapping[str, str], content: Content) -> None:
        """Start the services of *target* in their order, and wait until they are ready. *images*:
        IDs by name, of those that are not the ones with that name on the engine."""
        with ExitStack() as steps:
            begun: dict[str, tuple[Wait, ExitStack]] = {}
            for service in in_order(target):
                for before in service.depends_on:
                    if before.condition != "service_started" and before.service in begun:
                        self._await(*begun.pop(before.service))
                step = steps.enter_context(ExitStack())
                step.enter_context(self.stage.step("trial", service.container, service.module))
                begun[service.service] = self._begin(target, service, images, content), step
            for wait, step in begun.values():
                self._await(wait, step)

    def _begin(
        self,
        target: "ModuleTarget",
        service: "ServiceTarget",
        images: Mapping[str, str],
        content: Content,
    ) -> Wait:
        engine, reference = self.tools.engine, self.stage.image(service.image)
        image = engine.images.find(images.get(service.image.display_name, reference))
        if image is None:
            raise TypeError(service.image)
        body, later = self._body(target, service, image, content)
        container = self._over.enter_context(self.volumes.container(body))
        for network, endpoint in later.items():
            engine.containers.connect(container, network, endpoint)
        engine.containers.put_files(container, service.files)
        self._containers[service.container] = container
        begun = awake()
        try:
            engine.containers.start(container)
            again = replace(service, container=container)
            run_post_start(engine.containers, again, self.stage.cancelled)
        except (EngineRequestError, ExitedError, PostStartTimeoutError) as error:
            raise self._unfit(why_unfit(error), container) from error
        found, last = engine.containers.inspect(container), begun + service.ready_within * _SLOWER
        return Wait(service, found, begun, last)

    def _await(self, wait: Wait, step: ExitStack) -> None:
        """Wait until it is ready, which ends its *step*."""
        while True:
            self.stage.check_cancelled()
            found = self.tools.engine.containers.inspect(wait.container.id)
            address = wait.target.address
            match wait.judge(found, awake()):
                case "ready":
                    step.close()
                    return
                case "failed":
                    raise self._unfit(_exited(address, found.exit_code), found.id)
            if awake() > wait.deadline:
                raise self._unfit(_unhealthy(address, found.last_check), found.id)
            sleep(_POLL_SECONDS)

    def _unfit(self, why: Text, container: str) -> UpgradeUnfitError:
        lines = self.tools.engine.containers.tail(container, _LAST_LINES)
        return UpgradeUnfitError(self.target.module, self.target.version, why, lines)

    # -- bodies ------------------------------------------------------------------------------------

    def _body(
        self, target: "ModuleTarget", service: "ServiceTarget", image: "Image", content: Content
    ) -> "tuple[Body, Mapping[str, Body]]":
        """The body of its container, and the endpoints that are connected later: an old engine
        takes only one."""
        sources = [self._of(one) for one in service.body["HostConfig"].get("VolumesFrom") or ()]
        shared = [p for s in sources for p in self.tools.engine.containers.mounted(s.split(":")[0])]
        body, _ = with_image_volumes(service, image.volumes, shared, target.keep)
        host = body["HostConfig"]
        endpoints = self._endpoints(service)
        modes = {key: self._mode(str(host.get(key) or "")) for key in ("IpcMode", "PidMode")}
        first, *others = [*endpoints] or [self._mode(host["NetworkMode"]) or "none"]
        alone = {
            **host,
            **_ALONE,
            **modes,
            "NetworkMode": first,
            "VolumesFrom": sources or None,
            "Binds": [*_binds(target, host)],
            "Mounts": [*self._mounts(target, service, host, content)],
            "Dns": [_NOWHERE] if endpoints else [],
        }
        attached = {"EndpointsConfig": {n: e for n, e in endpoints.items() if n == first}}
        whole = {**body, "Image": image.id, "HostConfig": alone, "NetworkingConfig": attached}
        return whole, {name: endpoints[name] for name in others}

    def _mounts(
        self, target: "ModuleTarget", service: "ServiceTarget", host: "Body", content: Content
    ) -> "Iterator[Body]":
        for source, path, _modes in map(_parts, host.get("Binds") or ()):
            if not _is_kept(target, source):
                yield volume_mount(self._volume(source, "empty", target), path)
        for mount in host.get("Mounts") or ():
            if mount["Type"] == "volume":
                is_config = mount["Source"] in service.config_volumes
                source = self._volume(mount["Source"], "empty" if is_config else content, target)
                yield {**mount, "Source": source}
            elif mount["Type"] != "bind":
                yield mount
            elif _is_kept(target, mount["Source"]):
                yield {**mount, "ReadOnly": True}
            else:
                source = self._volume(mount["Source"], "empty", target)
                yield volume_mount(source, mount["Target"])

    def _volume(self, name: str, content: Content, target: "ModuleTarget") -> str:
        """The volume that stands for the volume or folder *name*."""
        if name not in self._volumes:
            key = name.removeprefix(volume_name(target.name, ""))
            is_copied = content == "copy" and key not in target.module.backup.skip
            if is_copied and self.tools.engine.volumes.find(name):
                with self.stage.step("clone", name, target.name):
                    self._volumes[name] = self.clone(name)
                self.cloned.append(name)
            else:
                self._volumes[name] = self.volumes.create()
        return self._volumes[name]

    def _endpoints(self, service: "ServiceTarget") -> "dict[str, Body]":
        given: Mapping[str, Any] = service.body["NetworkingConfig"]["EndpointsConfig"]
        return {
            self._network(name): {"Aliases": [*(one.get("Aliases") or ()), service.container]}
            for name, one in given.items()
        }

    def _network(self, name: str) -> str:
        """The network that stands for *name*."""
        if name not in self._networks:
            ours = f"ai-backup-{self.id[:12]}-net-{len(self._networks) + 1}"
            labels = backup_labels(self.tools.owner, self.id)
            self.tools.engine.networks.create(ours, {**_NETWORK, "Labels": labels})
            self._networks[name] = ours
        return self._networks[name]

    def _mode(self, mode: str) -> str:
        """The namespace that stands for *mode*: nothing of the engine's machine, and no container
        that is not tried."""
        kind, _, name = mode.partition(":")
        if kind == "container":
            return f"container:{self._containers[name]}"
        return mode if mode in ("none", "private", "shareable") else ""

    def _of(self, source: str) -> str:
        """As *source* in ``VolumesFrom``."""
        name, _, mode = source.partition(":")
        return ":".join(filter(None, (self._containers[name], mode)))


def _is_kept(target: "ModuleTarget", source: str) -> bool:
    """Whether a folder or file of this computer is there when *target* is tried, to be read only.
    Folders of the user are not."""
    path = Path(source)
    return path.is_relative_to(target.module.folder) or path.is_file()


def _binds(target: "ModuleTarget", host: "Body") -> Iterator[str]:
    """The folders and files of this computer that are there, to be read only."""
    for source, path, modes in map(_parts, host.get("Binds") or ()):
        if _is_kept(target, source):
            kept = [mode for mode in modes.split(",") if mode != "rw"]
            yield f"{source}:{path}:{','.join(('ro', *kept))}"


def _parts(bind: str) -> tuple[str, str, str]:
    """The folder, the path in the container and the modes of *bind*. A folder on Windows has a
    colon, too."""
    head, _, modes = bind.rpartition(":")
    source, _, path = head.rpartition(":")
    return source, path, modes


def why_unfit(error: AiServerError) -> Text:
    """Why a service did not become ready, without the next steps of *error*."""
    match error:
        case ExitedError() | JobFailedError():
            return _exited(error.data["service"], error.data["exitCode"])
        case HealthTimeoutError():
            return _unhealthy(error.data["service"], error.data["check"])
    return error.text


def _exited(service: str, code: int | None) -> Text:
    return Text("{service} exited with code {code}.", service=service, code=code)


def _unhealthy(service: str, check: str) -> Text:
    return Text("{service} is not healthy: {check}.", service=service, check=check or "-")


# -- the probe -------------------------------------------------------------------------------------


def probe(
    stage: "Stage", volumes: "BackupVolumes", target: "UpgradeTarget", of: Mapping[str, str]
) -> None:
    """Ask the new version what it must answer, within the network of the container. *of*: the
    containers that stand for others, by the name of these.

    Raises:
        UpgradeUnfitError: it does not answer with success.
    """
    if (asked := target.update.probe) is None:
        return
    service, port = place_of(target.preview, asked)
    address = f"http://127.0.0.1:{port}{asked.http}"
    body = {
        "Image": HELPER.name,
        "Entrypoint": ["sh", "-c", _PROBE, address, str(PROBE_SECONDS)],
        "HostConfig": {
            "NetworkMode": f"container:{of.get(service.container, service.container)}",
            "LogConfig": {"Type": "json-file"},
            "CapDrop": ["ALL"],
        },
    }
    containers, name = stage.engine.containers, target.module
    with stage.step("probe", service.container, name), volumes.container(body) as asking:
        containers.start(asking)
        if containers.outcome(asking, stage.cancelled):
            why = Text("{path} does not answer with success.", path=asked.http)
            raise UpgradeUnfitError(name, target.version, why, containers.tail(asking, 5))


def place_of(target: "ModuleTarget", asked: "Probe") -> "tuple[ServiceTarget, int]":
    """The service that is asked, and its port."""
    published = {
        bound["HostPort"]: (service, int(port.partition("/")[0]))
        for service in target.services
        for port, bindings in service.body["HostConfig"]["PortBindings"].items()
        for bound in bindings
    }
    number = (target.open or "").partition("//")[2].partition("/")[0].rpartition(":")[2]
    service, port = published.get(number, (target.services[0], 80))
    named = (one for one in target.services if one.service == asked.service)
    return next(named, service), asked.port or port
