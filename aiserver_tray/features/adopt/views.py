"""Adoptions as clients get them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aiserver_tray.base.i18n import Text

SourceKind = Literal["n8n", "dify", "postgres"]
AdoptionState = Literal["beside", "switched"]


@dataclass(frozen=True)
class SourceView:
    """A program of others on the engine."""

    name: str
    """of its main container; names it for `ai/adopt/start`"""
    kind: SourceKind
    module: str
    """the module that gets its data"""
    title: str
    version: str
    """empty: not known"""
    running: bool
    database: str
    """such as `SQLite`, or `PostgreSQL 15`"""
    ports: tuple[int, ...]
    """of this computer, that it publishes"""
    bytes: int | None
    """of its data, as far as it could be counted; `null`: not at all"""
    containers: tuple[str, ...]
    """those that stand still while it is copied"""
    problem: Text | None
    """why it can't be copied, and what to do"""
    lost: tuple[Text, ...]
    """what of it is not copied"""
    version_here: str
    """of the module that gets its data"""
    address: str
    """where the module is then"""
    has_data: bool
    """the module has data already, which is backed up and then replaced"""
    needed: int | None
    """the bytes that the copies take in Docker, at most"""
    free: int | None
    """the bytes that are free there"""


@dataclass(frozen=True)
class AdoptionView:
    """A program that was copied."""

    source: str
    """its main container"""
    kind: SourceKind
    module: str
    title: str
    version: str
    """of the source"""
    version_here: str
    ended_at: datetime
    seconds: float
    still: float
    """the seconds for which the source stood still"""
    state: AdoptionState
    """`beside`: both run, the triggers of ours are off; `switched`: the source is stopped"""
    proven: tuple[Text, ...]
    """what was compared"""
    waiting: int
    """the workflows whose triggers are off here until it is switched over"""
    notices: tuple[Text, ...]
    """what the user has to know: what was not taken"""
    address: str
    """of the source's page; empty: it has none"""
    is_here: bool
    """the main container of the source is still there, and the same one"""
    containers: tuple[str, ...]
    """those that stop when it is switched over, or start again when it is switched back"""


@dataclass(frozen=True)
class AdoptList:
    """What can be copied, and what was."""

    sources: tuple[SourceView, ...]
    adoptions: tuple[AdoptionView, ...]
    operation: str | None
    """the ID of the adoption that runs now"""
    unended: Text | None
    """what an interrupted adoption left, and the steps that are needed"""
