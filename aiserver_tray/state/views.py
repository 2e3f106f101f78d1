"""The values that clients get, and how they are sent (`base.codec`).

The text below a field is its meaning; documentation and the page's types are generated from it.
"""

from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

from aiserver_tray.base.codec import NEVER_SENT, sent_as, to_json
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.errors.remedies import Remedy
from aiserver_tray.base.i18n import Language, LocalText, Text, in_language
from aiserver_tray.model import (
    DEFAULT_ICON,
    ContainerStatus,
    Health,
    Kind,
    OperationKind,
    OperationStatus,
    State,
    StepKind,
    StepStatus,
    Theme,
)


@dataclass(frozen=True, slots=True)
class PortView:
    """A published port of a running container, where this computer reaches it."""

    service: str
    """the service of the module"""
    address: str
    """address, such as `127.0.0.1`; on the engine's machine, unless that forwards its ports"""
    host: int
    """port number at this address"""
    container: int
    """port number in the container"""
    protocol: str
    """`tcp`, `udp` or `sctp`"""
    open: str | None = None
    """the address of the web page there; `null`: it is none"""


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service of a module."""

    name: str
    """name in the Compose file"""
    container: str
    """its container's name"""
    state: ContainerStatus | Literal["absent"]
    """the engine's state of its container, or `absent`"""
    health: Health
    """`none`: there is no health check"""
    image: str
    """the image's name"""
    is_job: bool
    """it runs once and must exit with 0"""
    exit_code: int | None
    """its container's exit code; `null` while it runs"""
    started_at: datetime | None
    """last start of its container"""
    reason: Text | None
    """why it is not in its desired state"""
    is_coming_back: bool = False
    """it exited by itself, and its restart policy brings it back"""
    attempt: Text | None = None
    """which try of its restart policy to bring it back this is, such as `Try 1 of 3.`"""
    restarts: int = 0
    """how often its restart policy has restarted the container"""
    memory_limit: int | None = None
    """its memory limit in bytes; `null` without a limit"""
    last_state: ContainerStatus | None = None
    """while the engine is down, the last known state of its container; otherwise `null`"""


class ModuleAbilities(TypedDict):
    """The actions for a module, each with `null` if it is possible now, or the reason why not."""

    start: Text | None
    """start it with its requirements"""
    stop: Text | None
    """stop it alone"""
    stopWithUsers: Text | None
    """stop it and the modules that need it"""
    restart: Text | None
    """stop it and start it again"""
    open: Text | None
    """show its page"""
    logs: Text | None
    """show the logs of its containers"""
    remove: Text | None
    """stop it, and remove its containers and networks"""


TroubleKind = Literal["blocked", "start", "memory", "unhealthy", "killed", "exited", "absent"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a module does not run as it should."""

    kind: TroubleKind
    """`blocked`: the module can't start; `start`: its last start failed; `memory`: a service ran
    out of memory; `unhealthy`: its health check fails; `killed`: a signal from outside ended it;
    `exited`: it exited or can't start; `absent`: it has no container"""
    reason: Text
    service: str | None = None
    """the service in trouble; `null` if it is the module"""
    since: datetime | None = None
    """since when; `null` if that is not known"""
    remedies: tuple[Remedy, ...] = ()
    """the next steps, the best first"""
    available: int | None = None
    """of a service that ran out of memory, the bytes that its limit may have; `null`: not known"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleView:
    """A module with its services."""

    name: str
    """name in the catalog"""
    kind: Kind
    title: LocalText = field(
        default_factory=dict, metadata=sent_as(lambda view, language: view.title_in(language))
    )
    """for people; without a title, the name"""
    summary: LocalText = field(default_factory=dict)
    """for people; may be empty"""
    icon: str = DEFAULT_ICON
    """name of its Lucide icon"""
    version: str | None = None
    """the tag of its main image; `null` without a tag"""
    requires: tuple[str, ...] = ()
    """the modules that it requires"""
    state: State
    ready: int
    """the number of ready services; a job is ready when it has exited with 0"""
    total: int
    """the number of services"""
    word: Text | None = None
    """its state in words that say more than the state itself, such as `needs PostgreSQL`"""
    reason: Text | None
    """why it is not in its desired state"""
    needs: tuple[str, ...] = ()
    """the required modules that do not run, although it should; the one to start first comes
    first"""
    remedy: Remedy | None = None
    """the best next step, if it is none of its own abilities"""
    problem: Text | None = None
    """why it can't start, even if parts of it run"""
    trouble: Trouble | None = None
    """why it is failed or only partly running"""
    since: datetime | None = None
    """the latest start of its running services; `null` if none runs"""
    memory_limit: int | None = None
    """the sum of its services' memory limits in bytes, without jobs; `null` if one has no limit"""
    is_outdated: bool = False
    """its settings have changed since its running containers were created, and no operation works
    on it; `up` recreates them"""
    orphan: bool
    """it has containers but no folder in the catalog"""
    wanted: bool
    """asked for by the user, or required by a wanted module"""
    used_by: tuple[str, ...]
    """the features, wanted or running, that require it"""
    needed_by: tuple[str, ...] = ()
    """all features that require it, also those that are stopped"""
    open: str | None
    """the address of its page"""
    abilities: ModuleAbilities
    """what can be done with it now"""
    ports: tuple[PortView, ...] = ()
    """the published ports of running containers"""
    services: tuple[ServiceView, ...]

    def title_in(self, language: Language) -> str:
        """Its title for display; its name if it has no title."""
        return in_language(self.title, language) or self.name

    def summary_in(self, language: Language) -> str:
        """A one-line description; may be empty."""
        return in_language(self.summary, language)


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of an operation."""

    kind: StepKind
    subject: str
    """the object's name on the engine, or a kernel setting such as `vm.max_map_count=262144`"""
    module: str
    service: str | None = None
    """`null` for a step of the whole module"""
    status: StepStatus = "pending"
    """`skipped`: a step that it needs failed, or the operation was cancelled"""
    detail: Text | None = None
    """details of a running step, such as the layers of a pull"""
    current: int = 0
    """bytes of a pull so far; a layer that several images share is counted for one of them"""
    total: int = 0
    """bytes of a pull, without what the engine had before; 0: not known"""
    rate: float = 0.0
    """bytes per second, measured over the last seconds"""
    awaits_shared: bool = False
    """of an image, only a layer is missing that another step downloads"""
    began: float | None = None
    """seconds from the operation's beginning to its own; `null` if it has not begun"""
    seconds: float | None = None
    """its duration; `null` if it has not ended"""
    usual: float | None = None
    """its usual duration, from earlier times or else from the catalog; `null`: not known"""


@dataclass(frozen=True, slots=True)
class DownloadView:
    """All downloads of an operation."""

    current: int
    """bytes so far"""
    total: int
    """all bytes, as far as they are known; what images share counts once"""
    rate: float
    """bytes per second, measured over the last seconds"""
    images: int
    """the number of images"""
    unsized: int = 0
    """the number of images of which no size is known; `total` does not contain them"""
    is_rough: bool = False
    """`total` contains the approximate size of a module, because its images' sizes are not known"""
    share: float = 0.0
    """how far they are, from 0 to 1; 1: all images are there"""
    seconds_left: float | None = None
    """estimate until all images are there; `null`: not known yet"""


@dataclass(frozen=True, slots=True)
class OperationSummary:
    """An operation, without its steps."""

    id: str
    """id for cancelling it"""
    kind: OperationKind
    modules: tuple[str, ...]
    """names of modules, including those added to the request"""
    status: OperationStatus = "running"
    """`waiting`: for another operation's locks"""
    _: KW_ONLY
    services: tuple[str, ...] = ()
    """only these services of its module; empty: all services of its modules"""
    done: int = 0
    """the number of finished services; of images, if the operation only concerns images"""
    total: int = 0
    """the number of services, or images"""
    text: Text | None = None
    """current action or wait"""
    share: float = 0.0
    """how far it is, from 0 to 1: the mean of its downloads, starts and waits"""
    download: DownloadView | None = None
    """its downloads; `null` if there are none"""
    seconds_left: float | None = None
    """estimate until its end; `null`: not known yet"""
    delay: Text | None = None
    """why that is more than it was, for a while, or why it is not known"""
    error: AiServerError | None = None
    """why it failed"""
    notices: tuple[Text, ...] = ()
    """notes for the user that are no failures"""
    is_foreign: bool = False
    """started by another process; only that process can cancel it"""
    is_revival: bool = False
    """started by the owner to bring up the desired modules: no user waits for it"""
    ended_at: datetime | None = None
    """when it ended"""

    @property
    def is_over(self) -> bool:
        """Whether it has finished, with any result."""
        return self.status in ("succeeded", "failed", "cancelled")


def _steps_json(view: "OperationView", language: Language) -> list[dict[str, Any]]:
    """A step begins some seconds after its operation."""
    return [
        to_json(step, language)
        | {
            "began": None if step.began is None else round(step.began - view.began, 3),
            "seconds": None if step.seconds is None else round(step.seconds, 3),
        }
        for step in view.steps
    ]


@dataclass(frozen=True, slots=True)
class OperationView(OperationSummary):
    """An operation with its steps."""

    detail: Text | None = None
    """reason for waiting, as text"""
    steps: tuple[StepView, ...] = field(default=(), metadata=sent_as(_steps_json))
    began: float = field(default=0.0, metadata=NEVER_SENT)
    """a reading of a clock that only its own process knows, as in its steps"""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Whether the engine answers."""

    running: bool
    """it answers"""
    version: str | None = None
    """its version; `null` if no engine answers"""


@dataclass(frozen=True, slots=True)
class EngineView(EngineStatus):
    """The engine."""

    id: str | None = None
    """id under which its state is stored"""
    name: Text | None = None
    """its name, or its address; `null` if no other engine is known"""
    error: AiServerError | None = None
    """the reason for no answer"""
    starting: bool = False
    """the applet is starting it"""
    reconnecting: bool = False
    """it is on another computer, the connection was lost, and the applet tries again"""
    cpus: int | None = None
    """the number of its machine's processors; `null` before it has answered"""
    memory: int | None = None
    """the memory of its machine in bytes; `null` before it has answered"""
    down_since: datetime | None = None
    """when it stopped answering; `null` if the owner did not see that"""
    start_begun: datetime | None = None
    """when the applet began to start it"""
    usual_start: float | None = None
    """the seconds that its start took before"""

    def check_response(self) -> None:
        """Check that the engine responds, unless that is not known yet.

        Raises:
            AiServerError: it does not respond; the reason.
        """
        if self.error and not self.running:
            raise self.error


class StackAbilities(TypedDict):
    """The actions for the whole stack, as for a module: `null`, or the reason why not."""

    start: Text | None
    """start the chosen modules"""
    stop: Text | None
    """stop everything"""
    cancel: Text | None
    """cancel an operation of the applet"""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the stack."""

    engine: EngineStatus
    state: State
    """state of the whole stack: the worst state of a module"""
    modules: tuple[ModuleView, ...]
    """by kind and name, orphans last"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment."""

    language: Language = field(
        default="en", kw_only=True, metadata=sent_as(lambda _snapshot, language: language)
    )
    """the language of its texts"""
    engine: EngineView
    state: State
    """state of the whole stack: the worst state of a module"""
    modules: tuple[ModuleView, ...]
    """sorted by title, orphans last"""
    operations: tuple[OperationSummary, ...] = ()
    """the running ones, the last that ended, and failed ones that no later one has replaced"""
    _: KW_ONLY
    abilities: StackAbilities
    """what can be done with everything now"""
    word: Text | None = None
    """the state in words that say more than the state itself, such as `coming back`"""
    sentence: Text | None = None
    """what is wrong, such as `PostgreSQL is down`; `null` if nothing is, or several things are"""
    chosen: tuple[str, ...] = ()
    """the names of the modules that *Start all* starts"""
    theme: Theme = "system"
    """how the dashboard looks"""
    seq: int = field(default=0, metadata=NEVER_SENT)
    """counts the changes of the state; always 0 in a client"""
