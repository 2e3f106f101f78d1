"""The contract between the host of the core and its clients: window, browser, command line.

A client asks through channels and hears events; both keep the names of the application that this
one succeeds (``docs/ipc.md``). Every answer is an envelope::

    {"success": bool, "code": str | null, "message": str, "data": {...}}

The same contract goes over three carriers: the control channel, the window's JS bridge, and HTTP.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass

from aiserver_tray.base.i18n import Language
from aiserver_tray.model import Kind
from aiserver_tray.operations.request import Request

VERSION: Final = 1
"""Of the contract; a client of another version is refused."""

Json = dict[str, Any]
Envelope = Json

SNAPSHOT_EVENT: Final = "ai/snapshot/event"
PROGRESS_EVENT: Final = "ai/operation/progress"
STATUS_EVENT: Final = "ai/module/statusEvent"
LOG_EVENT: Final = "ai/module/log"
PAGES: Final = ("home", "settings", "logs")
"""Of the dashboard; ``logs/MODULE`` are those of one."""

GOTO_EVENT: Final = "ai/ui/goto"

EVENTS: Final = (SNAPSHOT_EVENT, PROGRESS_EVENT, STATUS_EVENT, LOG_EVENT, GOTO_EVENT)


@dataclass(frozen=True)
class Caller:
    """Who asks: ``language`` is what it reads where the user chose none; ``emit`` sends an event to
    just this client, and returns at once. By ``emit`` one client is known from others."""

    language: Language = field(compare=False)
    emit: Callable[[str, Json], None]


class Contract(Protocol):
    """What the host of the core offers to every carrier."""

    def invoke(self, channel: str, payload: Any, caller: Caller) -> Envelope:  # noqa: ANN401 - JSON
        """The answer. Blocks until there is one, and never raises."""

    def snapshot(self, language: Language) -> Json:
        """Everything as it is now (see `SNAPSHOT_EVENT`)."""

    def operations(self, language: Language) -> list[Json]:
        """The operations with all of their steps, as `PROGRESS_EVENT` carries them."""

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls *callback* after every change, in a thread that must not be held up. Returns what
        ends it."""

    def forget(self, caller: Caller) -> None:
        """The client is gone, and with it what it listened to."""


_CONFIG: Final = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid")


class Payload(BaseModel):
    """What a channel takes; camelCase on the wire. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, **_CONFIG)


Name = Field(min_length=1, max_length=200)


class Nothing(Payload):
    """No field."""


class OfType(Payload):
    """``type``: only modules of this kind."""

    type: Kind | None = None


class OfModule(Payload):
    """``name``: a module."""

    name: str = Name


class ModuleRequest(OfModule):
    """``wait``: answer when the operation has ended."""

    wait: bool = True


@pydantic_dataclass(frozen=True, config=_CONFIG)
class OperationStart(Request):
    """The request for the operation. ``until_end``: answer at its end."""

    until_end: bool = False


class OperationId(Payload):
    """``id``: an operation's."""

    id: str = Name


class LogsRequest(Payload):
    """``name``: a module, none for all; ``tail``: lines."""

    name: str | None = None
    tail: int = Field(default=20, ge=1, le=5000)


class LogStream(Payload):
    """``stream_id`` is the client's own name for what it listens to."""

    name: str = Name
    stream_id: str = Name


class LogStreamEnd(Payload):
    """One of the client's streams, or all of a module's."""

    name: str | None = None
    stream_id: str | None = None


class Clearing(OfModule):
    """``volumes``: those that may be removed; the user has seen their names."""

    volumes: tuple[str, ...] = ()


class SettingName(Payload):
    """``name``: a setting, none for all."""

    name: str | None = None


class SettingValue(Payload):
    """``value``: None takes it back."""

    name: str = Name
    value: str | None


class Choice(Payload):
    """``modules``: what *Start all* means from now on; None only asks."""

    modules: tuple[str, ...] | None = None


class Address(Payload):
    """``url``: http or https."""

    url: str = Field(max_length=2000)


class Switch(Payload):
    """``enabled``: None only asks."""

    enabled: bool | None = None


class PageName(Payload):
    """``page``: of the dashboard."""

    page: str = Field(default="home", max_length=200, pattern=r"^[a-z][a-z0-9/._-]*$")


class Quitting(Payload):
    """``stop``: stop all containers first."""

    stop: bool = False


class ClientLine(Payload):
    """A line for the application's log."""

    level: Literal["error", "warn", "info", "debug"] = "info"
    message: str = Field(max_length=20_000)


CHANNELS: Final[Mapping[str, type[Payload | OperationStart]]] = {
    "ai/app/about": Nothing,
    "ai/app/quit": Quitting,
    "ai/config/choose": Choice,
    "ai/config/get": SettingName,
    "ai/config/set": SettingValue,
    "ai/docker/checkDocker": Nothing,
    "ai/docker/startDocker": Nothing,
    "ai/logs/client/append": ClientLine,
    "ai/module/clear": Clearing,
    "ai/module/firstStart": ModuleRequest,
    "ai/module/logs": LogsRequest,
    "ai/module/logsAttach": LogStream,
    "ai/module/logsDetach": LogStreamEnd,
    "ai/module/open": OfModule,
    "ai/module/restart": ModuleRequest,
    "ai/module/start": ModuleRequest,
    "ai/module/status": OfModule,
    "ai/module/stop": ModuleRequest,
    "ai/modules/list": OfType,
    "ai/operation/cancel": OperationId,
    "ai/operation/list": Nothing,
    "ai/operation/start": OperationStart,
    "ai/operation/wait": OperationId,
    "ai/snapshot/get": Nothing,
    "ai/system/autostart": Switch,
    "ai/system/openExternal": Address,
    "ai/window/show": PageName,
}
"""Channel -> what it takes."""


def answer(message: str = "", **data: Any) -> Envelope:  # noqa: ANN401 - JSON
    """The envelope of what succeeded."""
    return {"success": True, "code": None, "message": message, "data": data}
