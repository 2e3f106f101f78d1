"""What `test_catalog_whole` does to the whole stack, in order and each act once. The outcome of an
act is kept, so that each service and each setting has a test of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from secrets import token_hex

from aiserver_tray.operations.request import Request
from tests.engine.whole_rounds import ROUNDS, SLOW, Change
from tests.support.installation import Installation
from tests.support.ports import free_port
from tests.support.whole.catalog import (
    CATALOG,
    DECLARED,
    EVERY,
    LASTING,
    Service,
    with_dependents,
)
from tests.support.whole.kills import Victim, kill_together
from tests.support.whole.stack import Stack


@dataclass(frozen=True)
class Kills:
    """Services that are killed at the same time."""

    subjects: Sequence[Service]

    @property
    def touched(self) -> set[Service]:
        """What must run before."""
        return {*self.subjects}


@dataclass(frozen=True)
class Round:
    """Changes that one `up` puts into effect."""

    subjects: Sequence[Change]

    @property
    def touched(self) -> set[Service]:
        """What must run before."""
        return with_dependents(set().union(*(change.affected for change in self.subjects)))


Act = Kills | Round


def acts() -> Iterator[Act]:
    """Basics are killed before the features that need them, and what only a choice adds, while that
    choice holds."""
    for kind in ("basic", "feature"):
        yield Kills([one for one in LASTING if CATALOG.modules[one[0]].kind == kind])
    for changes in ROUNDS:
        yield Round(changes)
        added = set().union(*(change.added for change in changes))
        if new := added.intersection(EVERY).difference(LASTING):
            yield Kills(sorted(new))


@dataclass
class Outcome:
    """What was seen of an act. It is complete when ``waits_for``, the modules that were not seen
    running afterwards, is empty."""

    victims: dict[Service, Victim] = field(default_factory=dict)
    foretold: dict[Change, set[Service]] = field(default_factory=dict)
    """The services that each change was said to recreate, if it is no choice."""
    before: dict[Service, str] = field(default_factory=dict)
    """Container ids."""
    after: dict[Service, str] = field(default_factory=dict)
    waits_for: set[str] = field(default_factory=lambda: {*CATALOG.modules})
    problem: Exception | None = None

    @property
    def both(self) -> set[Service]:
        """The services that have a container before and after."""
        return self.before.keys() & self.after.keys()

    @property
    def recreated(self) -> set[Service]:
        """The services that have another container than before."""
        return {service for service in self.both if self.before[service] != self.after[service]}

    def victim_of(self, service: Service) -> Victim:
        """Raises what went wrong before *service* was killed."""
        if service not in self.victims:
            self.check()
        return self.victims[service]

    def check(self) -> None:
        """Raise what went wrong in the act itself, or while everything was to run afterwards."""
        if self.problem:
            raise self.problem

    def end(self, problem: Exception) -> None:
        """Nothing more is to be seen, because of *problem*."""
        self.problem = self.problem or problem
        self.waits_for.clear()


def make(here: Installation, change: Change) -> None:
    """Give the setting of *change* its new value; a generated secret is generated again."""
    settings, setting = here.app.settings, DECLARED[change.address]
    for token in change.tokens:
        if change.is_back:
            settings.change(DECLARED, {token: None})
        else:
            here.set(token, f"sk-{token_hex(24)}")
    if change.is_back or setting.generate:
        settings.change(DECLARED, {change.address: None})
    elif setting.type == "port":
        here.set(change.address, str(free_port()))
    else:
        here.set(change.address, change.answer or token_hex(8))


def recreated_by(change: Change, stack: Stack) -> set[Service]:
    """The services that the change of one setting alone would recreate, as the user is shown it."""
    stack.core.publish_modules()
    value = str(free_port()) if DECLARED[change.address].type == "port" else token_hex(24)
    shown = stack.core.operations.effects(Request("up", all=True), {change.address: value})
    return {
        (module.name, service.service)
        for module in shown.modules
        for service in module.services
        if service.kind == "recreate" and not service.is_job
    }


class Course:
    """Goes as far as a test needs when that asks for an outcome."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._acts = list(acts())
        self._outcomes: list[Outcome] = []

    def outcome(self, subject: Service | Change) -> Outcome:
        """The complete outcome of the act with *subject*."""
        number = next(n for n, act in enumerate(self._acts) if subject in act.subjects)
        while len(self._outcomes) <= number or self._outcomes[number].waits_for:
            self._go_on()
        return self._outcomes[number]

    def _go_on(self) -> None:
        act, *later = self._acts[len(self._outcomes) :]
        # A slow service may still start while the next act is under way, if that has no need of it.
        spared = {module for module, _ in SLOW - later[0].touched} if later else set()
        outcome = Outcome()
        self._outcomes.append(outcome)
        try:
            if isinstance(act, Kills):
                outcome.victims = kill_together(self._stack, act.subjects)
            else:
                self._change(act, outcome, detach=bool(spared))
        except Exception as error:  # noqa: BLE001 - each test of the act raises it
            outcome.problem = error
        self._wait(spared)

    def _change(self, act: Round, outcome: Outcome, *, detach: bool) -> None:
        outcome.before = self._stack.lasting()
        plain = [change for change in act.subjects if not change.is_choice]
        outcome.foretold = {change: recreated_by(change, self._stack) for change in plain}
        for change in act.subjects:
            make(self._stack.here, change)
        self._stack.up(detach=detach)
        outcome.after = self._stack.lasting()

    def _wait(self, spared: set[str]) -> None:
        waiting = [outcome for outcome in self._outcomes if outcome.waits_for]
        try:
            self._stack.runs(but=spared)
        except AssertionError as error:
            for outcome in waiting:
                outcome.end(error)
        for outcome in waiting:
            outcome.waits_for &= spared
