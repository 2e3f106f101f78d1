"""Next steps that an error offers, as data: page, command line and tray offer the same ones. The
first one is the best. Trying again needs no remedy of its own: every failed operation can be
repeated, and is repeated after a remedy that changes something."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from aiserver_tray.base.i18n import Given, LocalText, Text

RemedyKind = Literal[
    "set", "enter", "trust", "retry", "start", "restart", "logs", "start_engine", "open"
]


class PermissionJson(TypedDict):
    """One thing that a module asks of the machine."""

    kind: str
    """one of the kinds in [the catalog](catalog.md#permissions)"""
    subject: str
    """a path, an address, or the name of a service, a capability, …"""
    text: str
    """what the module wants to do"""
    note: str
    """what that means; may be empty"""
    services: list[str]
    """those of its services that want it; empty if the whole module does"""
    isNew: bool
    """it was not among what the user allowed before"""


class DeedJson(TypedDict):
    """One thing that a module does within its own containers."""

    kind: str
    """`containers`, `internet`, `port`, `data`, `memory` or `download`"""
    text: str


class ConsentJson(TypedDict):
    """What a user is asked before a module that is not built in starts."""

    module: str
    title: str
    folder: str
    file: str
    """the name of its Compose file"""
    hash: str
    """stands for the permissions"""
    does: list[DeedJson]
    permissions: list[PermissionJson]
    """what goes beyond its own containers"""


class RemedyJson(TypedDict):
    """A next step that an error offers."""

    kind: RemedyKind
    """`set`: change a setting, then try again; `enter`: the same, with a value that the user
    enters; `trust`: allow a module its permissions, then try again; `retry`: try again; `start`,
    `restart`: start or restart a module; `logs`: show its logs; `start_engine`: start the Docker
    engine; `open`: show a page of the dashboard"""
    text: str
    """the words of its button"""
    setting: NotRequired[str]
    """the setting's address, of `set` and `enter`"""
    value: NotRequired[str]
    """the new value, of `set`"""
    question: NotRequired[str]
    """what to ask the user before, of a `set` that needs consent"""
    module: NotRequired[str]
    """the module, of `trust`, `start`, `restart` and `logs`"""
    service: NotRequired[str]
    """the service whose logs matter, of `logs`"""
    hash: NotRequired[str]
    """stands for the permissions, of `trust`"""
    permissions: NotRequired[list[PermissionJson]]
    """what the module wants to do, of `trust`"""
    consent: NotRequired[ConsentJson]
    """the whole question, of `trust`"""
    page: NotRequired[str]
    """the page's address, of `open`"""


Remedy = Annotated[Mapping[str, Any], RemedyJson]
"""A `RemedyJson` with texts in place of strings."""


def set_to(text: Text, setting: str, value: str, question: Text | None = None) -> Remedy:
    """Set *setting* to *value*."""
    remedy = {"kind": "set", "text": text, "setting": setting, "value": value}
    return remedy | ({"question": question} if question else {})


def enter(text: Text, setting: str) -> Remedy:
    """Let the user enter the value of *setting*."""
    return {"kind": "enter", "text": text, "setting": setting}


def trust(consent: Mapping[str, Any]) -> Remedy:
    """Allow a module what *consent* says, a `ConsentJson` with texts in place of strings."""
    asked = {name: consent[name] for name in ("module", "hash", "permissions")}
    return {"kind": "trust", "text": Text("Allow and start"), **asked, "consent": consent}


def retry(text: Text) -> Remedy:
    """Try again. *text* is the words of the button."""
    return {"kind": "retry", "text": text}


def start(module: str, title: LocalText) -> Remedy:
    """Start *module*, which is called *title*."""
    return {"kind": "start", "text": Text("Start {name}", name=Given(title)), "module": module}


def restart(module: str, text: Text = Text("Restart")) -> Remedy:  # noqa: B008 - frozen
    return {"kind": "restart", "text": text, "module": module}


def restart_of(module: str, title: LocalText) -> Remedy:
    """Restart *module*, which is called *title*: in the same words wherever it is offered."""
    return restart(module, Text("Restart {name}", name=Given(title or {"en": module})))


def logs(address: str) -> Remedy:
    """Show the logs of the service at *address* (``module/service``)."""
    module, _, service = address.partition("/")
    return {"kind": "logs", "text": Text("Logs"), "module": module, "service": service}


def start_engine() -> Remedy:
    return {"kind": "start_engine", "text": Text("Start Docker")}


def open_page(text: Text, page: str) -> Remedy:
    """Show *page* of the dashboard."""
    return {"kind": "open", "text": text, "page": page}
