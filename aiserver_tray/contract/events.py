"""Every event of the contract, with the form of its payload."""

from typing import Literal, NotRequired, TypedDict

from aiserver_tray.contract.message import Event, Json
from aiserver_tray.core.logs.forms import LogLineJson
from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.stats.forms import SampleJson
from aiserver_tray.state.views import OperationView, Snapshot
from aiserver_tray.system.engine_install import Phase


class OperationProgress(TypedDict):
    """An operation with its steps."""

    operation: OperationView


class ModuleStatusEvent(TypedDict):
    """The state of a module."""

    name: str
    status: Json
    """the envelope of `ai/module/status`"""


class LogEvent(TypedDict):
    """A line of a stream, or the state of the stream. Nothing follows `error` or `end`."""

    streamId: str
    """the client's own name for the stream"""
    event: Literal["stdout", "stderr", "notice", "error", "end"]
    """`notice`: one service's log can't be read, the others continue; `error`: the stream failed;
    `end`: it has ended"""
    chunk: NotRequired[str]
    """the line, of `stdout` and `stderr`"""
    timestamp: NotRequired[str | None]
    """time of writing, of `stdout` and `stderr`"""
    module: NotRequired[str]
    """the module, of `stdout`, `stderr` and `notice`"""
    service: NotRequired[str]
    """the service's name in the Compose file, of `stdout`, `stderr` and `notice`"""
    level: NotRequired[Level]
    """from the line's own structure, or of the entry that the line continues; of `stdout` and
    `stderr`"""
    continues: NotRequired[bool]
    """whether it belongs to the service's entry above it, as a line of a stack trace does; of
    `stdout` and `stderr`"""
    code: NotRequired[str]
    """the error's code, of `error`"""
    message: NotRequired[str]
    """the reason, of `notice` and `error`"""


class FollowedLines(TypedDict):
    """New lines of a stream, in the order in which they came."""

    streamId: str
    """the client's own name for the stream"""
    lines: list[LogLineJson]
    dropped: int
    """lines before these that were left out, because the client is too slow; `ai/logs/lines` has
    them"""
    total: int
    """all lines of the stream so far, with these and those that were left out"""


class LogExportJson(TypedDict):
    """An export of kept lines."""

    exportId: str
    status: Literal["running", "succeeded", "failed", "cancelled"]
    lines: int
    """the lines so far"""
    percent: float
    """of the exported time"""
    file: str | None
    """the file's path on the owner's machine; `null` until it is complete"""
    name: str
    """the file's name"""
    size: int
    """its bytes so far"""
    canOpen: bool
    """`ai/logs/openExports` can show its folder"""
    code: str | None
    """the error's code, of `failed`"""
    message: str
    """the reason, of `failed`"""


class ActivityAdded(TypedDict):
    """An entry of the journal."""

    id: str
    """the entry, for `ai/activity/list`"""


class EngineInstallJson(TypedDict):
    """An installation of Docker by this system's packages."""

    status: Literal["running", "succeeded", "failed", "cancelled"]
    phase: Phase
    """`update`: of the lists of packages; `download`; `install`: it can't be cancelled any more"""
    percent: float | None
    """of the phase, if it is known"""
    lines: list[str]
    """the last lines of its output"""


class RulesEvent(TypedDict):
    """Alerts, rules or mutes have changed; `ai/rules/list` has them."""

    alert: str | None
    """the alert that the user is to know of; `null`: none"""
    change: Literal["raised", "changed", "recovered"] | None
    """what happened to it; `changed`: it got worse"""


SNAPSHOT = Event("ai/snapshot/event", Snapshot, "The state has changed.", key=lambda _: "")
PROGRESS = Event(
    "ai/operation/progress",
    OperationProgress,
    "An operation began, progressed or ended.",
    key=lambda payload: payload["operation"]["id"],
)
STATUS = Event(
    "ai/module/statusEvent",
    ModuleStatusEvent,
    "The state of a module has changed.",
    key=lambda payload: payload["name"],
)
STATS = Event(
    "ai/stats/sample",
    SampleJson,
    "The resources that everything uses, every 15 seconds.",
    key=lambda _: "",
)
WATCHED = Event(
    "ai/stats/watched",
    SampleJson,
    "The resources that the modules use which this client watches, every second.",
    key=lambda _: "",
)
ACTIVITY = Event(
    "ai/activity/added",
    ActivityAdded,
    "An entry of the journal is new, or has changed.",
    key=lambda payload: payload["id"],
)
RULES = Event("ai/rules/changed", RulesEvent, "Alerts, rules or mutes have changed.")
ENGINE_INSTALL = Event(
    "ai/engine/installEvent",
    EngineInstallJson,
    "The installation of Docker progressed or ended.",
    key=lambda _: "",
)
LOG = Event("ai/module/log", LogEvent, "A line of a stream that this client attached to.")
FOLLOWED = Event("ai/logs/followed", FollowedLines, "New kept lines of a stream of this client.")
LOG_EXPORT = Event(
    "ai/logs/exportEvent",
    LogExportJson,
    "An export of kept lines progressed or ended.",
    key=lambda payload: payload["exportId"],
)
