"""Rounds of changes for `test_catalog_whole`: each round is one `up` of the whole stack.

In a round, no change affects a service that another change affects, or that depends on such a one.
So each recreated container has one possible cause. The exceptions are secrets and ports of one
module, which all change in one round: which containers each of them recreates is asked before, as
the user is shown it, so that a round recreates just these.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from aiserver_tray.catalog.module_rules import names_used
from tests.support.whole.catalog import (
    ANSWERS,
    CATALOG,
    DECLARED,
    PORTS,
    SECRETS,
    Service,
    default,
    services_with,
    tokens_for,
    with_dependents,
)

SLOW = {("n8n", "n8n")}
"""Services that start for longer than two rounds take without them. So changes affect them in every
other round at most, and the round between does not wait for them."""


def users_of(address: str) -> set[Service]:
    """The services whose files contain the setting."""
    name = address.partition(".")[2]
    return {
        (module.name, service)
        for module in CATALOG.modules.values()
        if CATALOG.scope(module).get(name) == address
        for service in module.section("services")
        if name in names_used(module, service)
    }


@dataclass(frozen=True)
class Change:
    """A setting gets a new value: the ``answer`` if it is a choice, else any other value."""

    address: str
    answer: str = ""

    @property
    def module(self) -> str:
        return self.address.partition(".")[0]

    @property
    def is_choice(self) -> bool:
        return bool(self.answer)

    @property
    def is_back(self) -> bool:
        """Whether a choice returns to its default."""
        return bool(self.answer) and self.answer == default(self.address)

    @property
    def tokens(self) -> list[str]:
        """The tokens that are set with the answer, or removed with the default."""
        if not self.answer:
            return []
        answers = ANSWERS[self.address] if self.is_back else [self.answer]
        return [token for answer in answers for token in tokens_for(self.address, answer)]

    @property
    def users(self) -> set[Service]:
        """The services that must be recreated."""
        return users_of(self.address).union(*map(users_of, self.tokens))

    @property
    def added(self) -> set[Service]:
        """The services, jobs too, that exist only with this answer."""
        return services_with(self.address, self.answer) if self.answer else set()

    @property
    def removed(self) -> set[Service]:
        """The services, jobs too, that exist only with other answers."""
        others = set(DECLARED[self.address].choices) - {self.answer}
        found = (services_with(self.address, other) for other in others)
        return set().union(*found) - self.added

    @property
    def affected(self) -> set[Service]:
        """The services that are recreated, added or removed."""
        return self.users | self.added | self.removed

    def __str__(self) -> str:
        return f"{self.address}={self.answer}" if self.answer else self.address


@dataclass(frozen=True)
class Series:
    """Changes of one setting, in the order in which they are made."""

    changes: tuple[Change, ...]

    @cached_property
    def affected(self) -> set[Service]:
        """The services that one of the changes recreates, adds or removes."""
        return set().union(*(change.affected for change in self.changes))

    @cached_property
    def reached(self) -> set[Service]:
        """The affected services, and all that depend on them."""
        return with_dependents(self.affected)

    @property
    def is_choice(self) -> bool:
        return self.changes[0].is_choice

    @property
    def module(self) -> str:
        return self.changes[0].module

    @property
    def needs_default_choices(self) -> bool:
        """Whether it is a secret that has no value until the user gives one: with an account's key,
        RAGFlow's job would use the made-up token that comes with a choice."""
        setting = DECLARED[self.changes[0].address]
        return setting.is_secret and not setting.generate

    @property
    def spacing(self) -> int:
        """Rounds from one change to the next: a slow service needs another round to start."""
        return 2 if self.affected & SLOW else 1

    def conflicts_with(self, other: "Series") -> bool:
        """Whether a recreated container could be due to both, and nothing tells to which."""
        if self.module == other.module and not (self.is_choice or other.is_choice):
            return False
        return bool(self.affected & other.reached or self.reached & other.affected)


@dataclass(frozen=True)
class Placed:
    """A series whose first change is in the round with the number *start*."""

    series: Series
    start: int

    @property
    def numbers(self) -> range:
        """The round of each change."""
        return range(self.start, self.stop, self.series.spacing)

    @property
    def stop(self) -> int:
        """The first round in which other changes may affect the same services."""
        return self.start + len(self.series.changes) * self.series.spacing

    def conflicts_with(self, other: "Placed") -> bool:
        """Whether both affect a service in the same rounds."""
        is_beside = self.start < other.stop and other.start < self.stop
        return is_beside and self.series.conflicts_with(other.series)


def all_series() -> list[Series]:
    """A choice gets each of its answers, and then its default again."""
    choices = [
        [Change(address, answer) for answer in (*answers, default(address))]
        for address, answers in ANSWERS.items()
    ]
    others = [[Change(address)] for address in (*PORTS, *SECRETS)]
    return [Series(tuple(changes)) for changes in (*choices, *others)]


def arranged(wanted: Iterable[Series]) -> list[list[Change]]:
    """The changes of each round: as few rounds as a greedy search finds."""
    placed: list[Placed] = []
    for series in sorted(wanted, key=_hardest_first):
        choices_stop = max((one.stop for one in placed if one.series.is_choice), default=0)
        new = Placed(series, choices_stop if series.needs_default_choices else 0)
        while any(map(new.conflicts_with, placed)):
            new = Placed(series, new.start + 1)
        placed.append(new)
    rounds: dict[int, list[Change]] = {}
    for one in placed:
        for number, change in zip(one.numbers, one.series.changes, strict=True):
            rounds.setdefault(number, []).append(change)
    return [rounds[number] for number in sorted(rounds)]


def _hardest_first(series: Series) -> tuple[bool, int, int]:
    """Sort key: choices come first, then what affects or reaches most."""
    return not series.is_choice, -len(series.changes), -len(series.affected)


ROUNDS = arranged(all_series())
