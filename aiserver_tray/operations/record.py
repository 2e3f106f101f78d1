"""An operation in the journal: a line at its beginning, and the whole of it at its end."""

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from aiserver_tray.base.codec import view_of
from aiserver_tray.model import Actor
from aiserver_tray.operations.request import Request
from aiserver_tray.settings.entries import (
    MAX_STEPS,
    ActivityStep,
    EntryStatus,
    OperationEntry,
    in_all_languages,
)
from aiserver_tray.settings.journal import Journal
from aiserver_tray.state.views import OperationView, StepView
from aiserver_tray.system.clock import awake


class OperationRecord:
    """Records the operation of one *request*, which *actor* asked for, on the engine with the ID
    *engine*, if it has answered."""

    def __init__(
        self, journal: Journal, request: Request, actor: Actor, engine: str | None
    ) -> None:
        self._journal = journal
        self._request = request
        self._actor = actor
        self._engine = engine
        self._earlier: list[StepView] = []

    def begin(self, view: OperationView) -> None:
        """The operation has begun. A killed process leaves this line alone."""
        self._entry = OperationEntry(
            actor=self._actor,
            engine=self._engine,
            id=view.id,
            operation=view.kind,
            modules=view.modules,
            asked=self._request.modules,
            services=self._request.services,
            all=self._request.all,
            cascade=self._request.cascade,
            recreate=self._request.recreate,
            pid=os.getpid(),
        )
        self._journal.add(self._entry)

    def next_plan(self, view: OperationView) -> None:
        """Another plan begins, whose steps replace those of *view*."""
        self._earlier += view.steps

    def end(self, view: OperationView) -> None:
        error = view.error
        ended = replace(
            self._entry,
            modules=view.modules,
            status=cast(EntryStatus, view.status),  # it has ended
            seconds=round(awake() - view.began, 3),
            code=error.code if error else None,
            message=in_all_languages(error) if error else None,
            steps=tuple(_entries([*self._earlier, *view.steps], view.began)),
        )
        self._journal.add(ended)


def _entries(steps: Iterable[StepView], began: float) -> Iterable[ActivityStep]:
    for step in [*steps][:MAX_STEPS]:
        yield view_of(
            ActivityStep,
            step,
            began=None if step.began is None else round(step.began - began, 3),
            seconds=None if step.seconds is None else round(step.seconds, 3),
        )
