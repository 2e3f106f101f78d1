"""What has to be on the engine for a module to run: frozen values in the engine's own terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aiserver_tray.catalog.compose.paths import is_remote
from aiserver_tray.model import ModuleModel, Port, ServiceModel

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module

Body = Mapping[str, Any]
"""JSON of an Engine API request (https://docs.docker.com/reference/api/engine/version/v1.45/)."""

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


@dataclass(frozen=True)
class Dependency:
    """What has to hold of another service of the module before this one starts."""

    service: str
    condition: Condition
    restart: bool = False
    """Whether this one is restarted where the other is made anew."""
    required: bool = True
    shares: bool = False
    """Whether this one is in a namespace of the other, which ends when that ends."""


@dataclass(frozen=True)
class File:
    """A configuration or secret file, put into the container before it starts."""

    path: str
    content: bytes = field(repr=False)
    uid: int = 0
    gid: int = 0
    mode: int = 0o444


@dataclass(frozen=True)
class BuildTarget:
    """How an image of *module* is built: ``context`` (a folder of this machine, or a URL),
    ``dockerfile`` (relative to ``context``, or absolute; ``inline`` is its text instead), and
    ``options``, which are parameters of the engine's build request by their names there
    (https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageBuild),
    as values still to be made JSON or text."""

    module: str
    context: str
    dockerfile: str
    inline: str | None = field(default=None, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_remote(self) -> bool:
        """Whether its context is a URL, from which we build nothing."""
        return is_remote(self.context)


@dataclass(frozen=True)
class ImageTarget:
    """The image of a service. ``name`` as the file gives it, or None where it is only built;
    ``local`` is the tag of a local build (``aiserver/<module>-<service>:<tag>``)."""

    name: str | None
    local: str
    pull_policy: Literal["", "always", "never", "missing", "build"] = ""
    platform: str | None = None
    build: BuildTarget | None = None


@dataclass(frozen=True)
class NetworkTarget:
    """A network; ``name`` is the one on the engine, ``body`` that of its creation (without Name).
    An ``external`` one is not made by us, save the shared ``ai-net``."""

    name: str
    body: Body = field(repr=False)
    external: bool = False


@dataclass(frozen=True)
class VolumeTarget:
    """A volume; ``body`` is that of its creation (without Name). An ``external`` one is never
    made or removed by us."""

    name: str
    body: Body = field(repr=False)
    external: bool = False


@dataclass(frozen=True)
class ServiceTarget:
    """A service's container.

    ``body``: that of its creation, complete but for what is only known on the engine: ``Image``
    is `image`'s name or local tag, decided when it is there. ``networks``: those of the body's
    attachments beyond the first, for engines that take only one at creation (API below 1.44).
    ``config_hash`` covers body, files, the image's name and platform.
    """

    module: str
    service: str
    container: str
    image: ImageTarget
    body: Body = field(repr=False)
    files: tuple[File, ...] = ()
    networks: Mapping[str, Body] = field(default_factory=dict, repr=False)
    volumes: tuple[str, ...] = ()
    """By name on the engine; they hold data."""
    config_volumes: tuple[str, ...] = ()
    """Hold nothing but `files` and what the image has beside them: they go with the container."""
    depends_on: tuple[Dependency, ...] = ()
    requires: tuple[str, ...] = ()
    """The modules that have to be ready before it starts."""
    is_job: bool = False
    may_end: bool = False
    """Whether its end with exit code 0 is its success."""
    ready_within: float = 30.0
    """Seconds from its start until it must be healthy."""
    stop_grace: float = 10.0
    """Seconds between the stop signal and the kill."""
    ports: tuple[Port, ...] = ()
    """With a fixed host port; where the engine chooses one, it is not here."""
    port_settings: Mapping[int, str] = field(default_factory=dict)
    """Host port -> address of the setting that it comes from."""
    config_hash: str = ""
    post_start: tuple[Body, ...] = field(default=(), repr=False)
    """Bodies of execs that run once the container has started, in this order."""
    pre_stop: tuple[Body, ...] = field(default=(), repr=False)
    """Bodies of execs that run before the container is asked to stop."""

    @property
    def attached(self) -> frozenset[str]:
        """The networks that its container is on."""
        return frozenset(self.body["NetworkingConfig"]["EndpointsConfig"])

    @property
    def address(self) -> str:
        """How people and errors name it: ``module/service``."""
        return f"{self.module}/{self.service}"


@dataclass(frozen=True)
class ModuleTarget:
    """A whole module, resolved, with its secrets in place."""

    module: "Module"
    requires: tuple[str, ...]
    services: tuple[ServiceTarget, ...]
    networks: tuple[NetworkTarget, ...]
    volumes: tuple[VolumeTarget, ...]
    open: str | None = None
    keep: Mapping[str, str] = field(default_factory=dict)
    """Labels of its volumes that tell with which secrets their data was made."""

    @property
    def name(self) -> str:
        """The module's name."""
        return self.module.name

    @property
    def model(self) -> ModuleModel:
        """What the state keeps of it."""
        services = tuple(
            ServiceModel(
                s.service,
                s.container,
                s.image.name or s.image.local,
                s.is_job,
                tuple(dependency.service for dependency in s.depends_on),
                bool(s.pre_stop),
                s.may_end,
            )
            for s in self.services
        )
        return ModuleModel(
            self.name,
            self.module.kind,
            self.requires,
            services,
            self.open,
            title=self.module.title,
            summary=self.module.summary,
        )
