"""Rounds of changes for `test_catalog_whole`: each round is one `up` of the whole stack.

A round may change many settings, so what each of them does is asked before, as the user is shown
it: the round then has just the sum of these effects. So few containers are recreated: a setting
that is no choice changes in the round that recreates most of its services anyway.
"""

from collections.abc import Iterable
from dataclasses import dataclass

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
)


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


def chosen() -> list[list[Change]]:
    """The choices of each round: each gets its answers one after the other, then its default."""
    rounds: list[list[Change]] = []
    for address, answers in ANSWERS.items():
        for number, answer in enumerate((*answers, default(address))):
            if number == len(rounds):
                rounds.append([])
            rounds[number].append(Change(address, answer))
    return rounds


def affected(changes: Iterable[Change]) -> set[Service]:
    """The services that one of *changes* recreates, adds or removes."""
    return set().union(*(change.affected for change in changes))


def arranged() -> list[list[Change]]:
    """The changes of each round."""
    choices = chosen()
    touched = [affected(changes) for changes in choices]
    rounds = [[*changes] for changes in choices]
    for change in map(Change, (*PORTS, *SECRETS)):
        # Of several such rounds, the last: a choice has its default again then. With an account's
        # key, RAGFlow's job would use the made-up token that comes with another answer.
        shared = [len(change.users & one) for one in touched]
        last = len(shared) - 1 - shared[::-1].index(max(shared))
        rounds[last if max(shared) else 0].append(change)
    return rounds


ROUNDS = arranged()
