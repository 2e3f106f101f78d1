"""Upgrades as clients get them, and what they ask for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aiserver_tray.base.i18n import LocalText, Text

OfferKind = Literal["version", "files", "image"]
How = Literal["rehearse", "direct", "stopped"]
Rest = Literal["skip", "week"]


@dataclass(frozen=True)
class VersionView:
    """A version of a module that it can be upgraded to."""

    version: str
    kind: OfferKind
    """`version`: a newer one; `files`: this application has newer files of the module; `image`: the
    images of the present version have been published anew"""
    notes: str
    """the address of its release notes; empty: not known"""
    bytes: int | None
    """to download; `null`: not known"""
    failed: Text | None
    """why it did not fit when it was tried; it is not offered again"""
    rest: Rest | None
    """the user does not want to be asked about it: never, or not this week"""


@dataclass(frozen=True)
class RehearsalView:
    """The last rehearsal of an upgrade."""

    version: str
    ended_at: datetime
    seconds: float
    bytes: int
    """that it needed on the engine's disk"""
    problem: Text | None
    """why the version does not fit; `null`: it does"""
    lines: tuple[str, ...]
    """the last ones of the service that failed"""
    proven: tuple[Text, ...] = ()
    """what it has shown besides that all became healthy, such as the address that answered"""


@dataclass(frozen=True)
class UndoView:
    """An upgrade that can be undone."""

    version: str
    """from which it was upgraded"""
    upgraded_at: datetime
    until: datetime
    """its data is kept"""
    bytes: int | None
    seconds: float
    """for which the module stood still"""


@dataclass(frozen=True)
class ModuleUpgradeView:
    """What is known about upgrades of a module."""

    name: str
    title: LocalText
    version: str
    """that it has now"""
    offer: VersionView | None
    """the newest version that it can be upgraded to, unless it rests or has failed"""
    versions: tuple[VersionView, ...]
    """all later ones that this application supports, the newest first"""
    rehearsal: RehearsalView | None
    undo: UndoView | None
    at: datetime | None
    """when it will be upgraded to `offer`, because the user has said so"""
    seconds: float | None
    """for which it is expected to stand still"""
    users: tuple[str, ...]
    """the modules that stand still with it, because they need it"""
    blockers: tuple[Text, ...]
    """why a rehearsal beside the running module is not possible now, such as too little memory"""
    shared: tuple[str, ...] = ()
    """the modules with data of it that is not put back, because others have data there, too"""
    target: str | None = None
    """the version that it is rehearsed with or upgraded to just now"""


@dataclass(frozen=True)
class UpgradeList:
    """The upgrades of all modules that declare their versions."""

    modules: tuple[ModuleUpgradeView, ...]
    asked_at: datetime | None
    """when the registries were last asked; `null`: not yet"""
    problem: Text | None
    """why they can't be asked now"""
    is_asking: bool
    operation: str | None
    """the ID of the rehearsal or upgrade that runs now"""
    unended: Text | None
    """what an interrupted upgrade left, and the steps that are needed"""
