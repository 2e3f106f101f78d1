"""Upgrades as the owner answers them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.features.upgrade.views import (
    ModuleUpgradeView,
    RehearsalView,
    UndoView,
    UpgradeList,
    VersionView,
)
from aiserver_tray.protocol.message import Json
from tests.support import states

MB: Final = 1 << 20
NOTES: Final = "https://example.com/n8n/2.44.0"

NEWER: Final = VersionView("2.44.0", "version", NOTES, 312 * MB, None, None)
OFFERED: Final = ModuleUpgradeView(
    name="n8n",
    title={"en": "n8n"},
    version="2.41.3",
    offer=NEWER,
    versions=(NEWER,),
    rehearsal=None,
    undo=None,
    at=None,
    seconds=45.0,
    users=(),
    blockers=(),
)
"""A newer version of n8n."""


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def fits() -> ModuleUpgradeView:
    """The version was rehearsed, and fits."""
    proven = (Text("/rest/settings answers"), Text("All 46 tables are there"))
    rehearsal = RehearsalView("2.44.0", ago(4), 130.0, 1229 * MB, None, (), proven)
    return replace(OFFERED, rehearsal=rehearsal)


def unfit() -> ModuleUpgradeView:
    """The version was rehearsed, and does not fit."""
    why = Text("On the copy, n8n stopped while it was starting.")
    lines = (
        'Migration "CreateInsightsTables1764" failed',
        'error: duplicate key value violates unique constraint "PK_workflow_history"',
    )
    rehearsal = RehearsalView("2.44.0", ago(2), 41.0, 1229 * MB, why, lines)
    failed = replace(NEWER, failed=why)
    return replace(OFFERED, offer=None, versions=(failed,), rehearsal=rehearsal)


def done() -> ModuleUpgradeView:
    """It was upgraded, which can be undone."""
    until = datetime.now(UTC) + timedelta(days=14)
    undo = UndoView("2.41.3", ago(130), until, 212 * MB, 44.0)
    return replace(OFFERED, version="2.44.0", offer=None, versions=(), undo=undo)


def several() -> tuple[ModuleUpgradeView, ...]:
    """One that fits, and can be undone; one that can't be rehearsed now; one that does not fit."""
    why = (Text("A rehearsal beside what runs needs 3.0 GB of memory, but only 1.2 GB is free."),)
    dify = replace(OFFERED, name="dify", title={"en": "Dify"}, blockers=why, users=("n8n",))
    oneapi = replace(unfit(), name="oneapi", title={"en": "OneAPI"})
    return replace(fits(), undo=done().undo), dify, oneapi


def listed(*modules: ModuleUpgradeView) -> UpgradeList:
    return UpgradeList(modules, ago(60), None, is_asking=False, operation=None, unended=None)


def sent(found: UpgradeList, language: Language = "en") -> Json:
    """*found* as clients get it."""
    return dict(to_json(found, language))


def rehearsing() -> tuple[Json, Json]:
    """A snapshot in which a rehearsal is under way, and its operation with the steps."""
    over = {"status": "done", "began": 0.0}
    steps = [
        states.step("pull", "n8nio/n8n:2.44.0", "n8n", **over, seconds=76.0, total=312 * MB),
        states.step("clone", "n8n_data", "n8n", service=None, **over, seconds=5.0),
        states.step("dump", "postgres/n8n", "n8n", service=None, **over, seconds=3.0),
        states.step("trial", "ai.backup.n8n", "n8n", **over, seconds=5.0, usual=6.0),
        states.step("trial", "ai.backup.n8n-2", "n8n", status="running", began=81.0, usual=35.0),
        states.step("probe", "ai.backup.n8n", "n8n", usual=12.0),
        states.step("discard", "n8n", "n8n", usual=2.0),
    ]
    more = {"text": "starting n8n on a copy", "secondsLeft": 30.0, "share": 0.78}
    return _under_way("rehearse", "running", steps, more)


def upgrading() -> tuple[Json, Json]:
    """The same of an upgrade that was rehearsed before, and has stopped the module."""
    over = {"status": "done", "began": 0.0}
    steps = [
        states.step("stop", "ai-n8n", "n8n", **over, seconds=4.0),
        states.step("clone", "n8n_data", "n8n", **over, seconds=5.0),
        states.step("swap", "n8n", "n8n", **over, seconds=1.0),
        states.step("wait", "ai-n8n", "n8n", status="running", began=10.0, usual=35.0),
        states.step("probe", "ai-n8n", "n8n", usual=3.0),
    ]
    more = {"text": "waiting for n8n", "secondsLeft": 22.0, "share": 0.53}
    return _under_way("upgrade", "starting", steps, more)


def _under_way(kind: str, state: str, steps: list[Json], more: Json) -> tuple[Json, Json]:
    operation = states.operation(kind, "n8n", **more)
    modules = [states.module(name, "running") for name in ("dify", "postgres", "redis")]
    n8n = states.module("n8n", state)
    shown = states.snapshot("running", n8n, *modules, operations=[operation])
    return shown, operation | {"detail": None, "steps": steps}
