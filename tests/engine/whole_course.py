"""What `test_catalog_whole` does to the whole stack, in order and each act once. The outcome of an
act is kept, so that each service and each setting has a test of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from secrets import token_hex

from aiserver_tray.operations.request import Request
from tests.engine.whole_rounds import ROUNDS, Change
from tests.support.ports import free_port
from tests.support.whole.catalog import CATALOG, DECLARED, EVERY, KINDS, LASTING, Service
from tests.support.whole.kills import Victim, kill_together
from tests.support.whole.stack import Stack


@dataclass(frozen=True)
class Kills:
    """Services that are killed at the same time."""

    subjects: Sequence[Service]


@dataclass(frozen=True)
class Round:
    """Changes that one `up` puts into effect."""

    subjects: Sequence[Change]


Act = Kills | Round


def acts() -> Iterator[Act]:
    """Basics are killed before the features that need them, and what only a choice adds, while that
    choice holds."""
    for kind in ("basic", "feature"):
        yield Kills([one for one in LASTING if CATALOG.modules[one[0]].kind == kind])
    for changes in ROUNDS:
        yield Round(changes)
        added = set().union(*(change.added for change in changes))
        if new := added.intersection(KINDS).difference(LASTING):
            yield Kills(sorted(new))


@dataclass(frozen=True)
class Foretold:
    """What the user is shown of a change alone, without jobs."""

    before: set[Service]
    """Those that had a container then."""
    effects: dict[str, set[Service]]
    """What is done to services -> these."""


@dataclass
class Outcome:
    """What was seen of an act."""

    victims: dict[Service, Victim] = field(default_factory=dict)
    foretold: dict[Change, Foretold] = field(default_factory=dict)
    before: dict[Service, str] = field(default_factory=dict)
    """Container ids."""
    after: dict[Service, str] = field(default_factory=dict)
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


def values_of(change: Change) -> dict[str, str | None]:
    """What the change sets, and to what; nothing is the default, or another secret is generated."""
    setting = DECLARED[change.address]
    found = {token: None if change.is_back else f"sk-{token_hex(24)}" for token in change.tokens}
    if change.is_back or setting.generate:
        return {**found, change.address: None}
    other = str(free_port()) if setting.type == "port" else token_hex(8)
    return {**found, change.address: change.answer or other}


def foretold(change: Change, stack: Stack) -> Foretold:
    """What the change would do now."""
    values = values_of(change)
    if DECLARED[change.address].generate:
        values[change.address] = token_hex(24)
    shown = stack.core.operations.effects(Request("up", all=True), values)
    found: dict[str, set[Service]] = {"recreate": set(), "create": set(), "remove": set()}
    for module in shown.modules:
        for service in module.services:
            if (module.name, service.service) in EVERY:
                found.setdefault(service.kind, set()).add((module.name, service.service))
    return Foretold(set(stack.lasting()), found)


class Course:
    """Goes as far as a test needs when that asks for an outcome."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._acts = list(acts())
        self._outcomes: list[Outcome] = []
        self._by_default: dict[Change, Foretold] = {}

    def outcome(self, subject: Service | Change) -> Outcome:
        """The outcome of the act with *subject*."""
        number = next(n for n, act in enumerate(self._acts) if subject in act.subjects)
        for act in self._acts[len(self._outcomes) : number + 1]:
            self._outcomes.append(Outcome())
            try:
                self._do(act, self._outcomes[-1])
            except Exception as error:  # noqa: BLE001 - each test of the act raises it
                self._outcomes[-1].problem = error
        return self._outcomes[number]

    def _do(self, act: Act, outcome: Outcome) -> None:
        """Do it, and wait until all modules run again."""
        if isinstance(act, Kills):
            outcome.victims = kill_together(self._stack, act.subjects)
        else:
            self._change(act, outcome)
        self._stack.runs()

    def _change(self, act: Round, outcome: Outcome) -> None:
        outcome.before = self._stack.lasting()
        self._stack.core.publish_modules()
        if not self._by_default:  # who uses a setting is known under the default choices
            plain = (change for one in ROUNDS for change in one if not change.answer)
            self._by_default = {change: foretold(change, self._stack) for change in plain}
        outcome.foretold = {
            change: self._by_default.get(change) or foretold(change, self._stack)
            for change in act.subjects
        }
        settings = self._stack.here.app.settings
        for change in act.subjects:
            settings.change(DECLARED, values_of(change))
        self._stack.up()
        outcome.after = self._stack.lasting()
