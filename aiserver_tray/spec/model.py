"""The target of a module: everything that must be on the engine for it to run, as frozen values in
the engine's terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.paths import is_remote
from aiserver_tray.model import ModuleModel, Port, ServiceModel
from aiserver_tray.spec.config import checked_paths

if TYPE_CHECKING:
    from aiserver_tray.base.errors import TrustError
    from aiserver_tray.catalog.consent import Consent
    from aiserver_tray.catalog.modules import Module

Body = Mapping[str, Any]
"""JSON of an Engine API request (https://docs.docker.com/reference/api/engine/version/v1.45/)."""
Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


@dataclass(frozen=True)
class Dependency:
    """The condition that another service of the module must meet before this one starts."""

    service: str
    condition: Condition
    restart: bool = False
    """Whether this service is restarted when the other one is recreated."""
    required: bool = True
    shares: bool = False
    """Whether this service is in a namespace of the other one, which ends with it."""


@dataclass(frozen=True)
class File:
    """A configuration or secret file, put into the container before it starts."""

    path: str
    content: bytes = field(repr=False)
    uid: int = 0
    gid: int = 0
    mode: int = 0o444
    is_secret: bool = False
    """Whether the file calls it a secret."""


@dataclass(frozen=True)
class BuildTarget:
    """How to build an image of *module*."""

    module: str
    tag: str
    """Its name on the engine (``aiserver/<module>/<service>:<tag>``)."""
    context: str
    """A folder of this machine, or a URL."""
    dockerfile: str
    """Relative to the context, or absolute."""
    inline: str | None = field(default=None, repr=False)
    """The text of the Dockerfile, instead of a file."""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Parameters of the engine's build request by name
    (https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageBuild),
    not yet converted to JSON or text."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Ours. An image named `tag` without them is not this one."""
    former_tag: str = ""
    """Its name in earlier versions."""

    @property
    def is_remote(self) -> bool:
        """Whether its context is a URL, from which we build nothing."""
        return is_remote(self.context)


@dataclass(frozen=True)
class ImageTarget:
    """The image of a service."""

    name: str | None
    """The name in the file. None: the image is only built."""
    pull_policy: Literal["", "always", "never", "missing", "build"] = ""
    platform: str | None = None
    build: BuildTarget | None = None

    @property
    def display_name(self) -> str:
        """The name in the file. Of an image that is only built, its tag."""
        return self.name or (self.build.tag if self.build else "")

    @property
    def candidates(self) -> dict[str, Mapping[str, str]]:
        """Its possible names on the engine, each with the labels that the image must have. A local
        build comes first: either the user asked for it, or the image could not be pulled."""
        built = {self.build.tag: self.build.labels} if self.build else {}
        return {**built, **({self.name: {}} if self.name else {})}


@dataclass(frozen=True)
class NetworkTarget:
    """A network. ``name`` is its name on the engine, ``body`` is for its creation (without Name).
    We never create an ``external`` one, except for the shared ``ai-net``."""

    name: str
    body: Body = field(repr=False)
    external: bool = False


@dataclass(frozen=True)
class VolumeTarget:
    """A volume; ``body`` is for its creation (without Name). We never create or remove an
    ``external`` one."""

    name: str
    body: Body = field(repr=False)
    external: bool = False


@dataclass(frozen=True)
class ServiceTarget:
    """A service's container."""

    module: str
    service: str
    container: str
    image: ImageTarget
    body: Body = field(repr=False)
    """For its creation. It lacks only what the engine decides: ``Image`` is one of the names of
    `image`, once it exists."""
    files: tuple[File, ...] = ()
    networks: Mapping[str, Body] = field(default_factory=dict, repr=False)
    """The body's endpoints after the first, for engines that accept only one at creation (API below
    1.44)."""
    volumes: tuple[str, ...] = ()
    """Data volumes, by name on the engine."""
    config_volumes: tuple[str, ...] = ()
    """Volumes with only `files` and the image's files in the same folder; they are removed with the
    container."""
    depends_on: tuple[Dependency, ...] = ()
    requires: tuple[str, ...] = ()
    """The modules that have to be ready before it starts."""
    is_job: bool = False
    may_end: bool = False
    """Whether an exit with code 0 is a success."""
    is_main: bool = False
    """Whether its image has the module's version."""
    is_scalable: bool = False
    """Whether it may run several times on a cluster."""
    first_start: Text | None = None
    """Says what it needs while one of its `volumes` does not exist."""
    ready_within: float = 30.0
    """Seconds from its start until it must be healthy."""
    ready_after: float | None = None
    """Seconds that this usually takes, if its file says so."""
    stop_grace: float = 10.0
    """Seconds between the stop signal and the kill."""
    ports: tuple[Port, ...] = ()
    """Ports with a fixed host port, without those that the engine chooses."""
    port_settings: Mapping[int, str] = field(default_factory=dict)
    """Host port -> address of the setting that it comes from."""
    config_hash: str = ""
    """Covers body, files, own proxies, the image's name and platform."""
    proxies: Mapping[str, str] | None = field(default=None, repr=False)
    """Instead of those in Docker's configuration, by variable in capitals. None: those."""
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
        """The name for display: ``module/service``."""
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
    pages: tuple[tuple[str, int], ...] = ()
    """Its ports that may be web pages, as service and port in its container."""
    keep: Mapping[str, str] = field(default_factory=dict)
    """Labels of its volumes with the fingerprints of the secrets that their data depends on."""
    consent: "Consent | None" = None
    """What the user must allow before it starts or is built; None for a built-in module."""
    untrusted: "TrustError | None" = field(default=None, compare=False)
    """Why it may not start or be built: the user has not allowed all of that."""

    @property
    def name(self) -> str:
        """The module's name."""
        return self.module.name

    @property
    def model(self) -> ModuleModel:
        """The part that the state keeps."""
        services = tuple(
            ServiceModel(
                s.service,
                s.container,
                s.image.display_name,
                s.is_job,
                tuple(dependency.service for dependency in s.depends_on),
                bool(s.pre_stop),
                s.may_end,
                s.is_main,
                s.body["HostConfig"].get("Memory"),
                self.module.memory_setting(s.service),
                checked_paths(s.body.get("Healthcheck", {}).get("Test", ())),
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
            icon=self.module.icon,
            pages=self.pages,
        )
