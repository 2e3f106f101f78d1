"""Names on the network that all modules share."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import Problem
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import SHARED_NETWORK

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module


def shared_name_problems(modules: "Iterable[tuple[Module, Collection[str]]]") -> list[Problem]:
    """Check that names on the shared network are unique: one problem per file for names that
    several of *modules* use there."""
    owners: dict[str, Module] = {}
    problems = []
    for owner, names in modules:
        for name in sorted(names):
            first = owners.setdefault(name, owner)
            if first is not owner:
                for module, other in ((owner, first), (first, owner)):
                    text = Text(
                        "expected a unique name on {network}; {file} also uses {name}",
                        network=SHARED_NETWORK,
                        name=name,
                        file=other.file,
                    )
                    problems.append(Problem(module.place("services", name), text))
    return problems
