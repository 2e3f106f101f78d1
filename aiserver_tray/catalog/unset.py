"""Variables to which nobody gives a value: they are empty, which Compose files seldom mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aiserver_tray.catalog.compose.variables import without_value
from aiserver_tray.catalog.modules import Module
from aiserver_tray.errors import CatalogError, Problem
from aiserver_tray.i18n import Text


def unset_notes(module: Module, env: Mapping[str, str]) -> list[Problem]:
    """One note that names all that *module* uses, *env* lacks, and no default stands in for."""
    unset = [v for v in without_value(module.source, env) if v.name not in env]
    if not unset:
        return []
    names = list(dict.fromkeys(variable.name for variable in unset))
    text = Text(
        "without a value, and so empty: {names}. Give one: aiserver-tray config set "
        "{address} VALUE",
        names=", ".join(names),
        address=f"{module.name}.{names[0]}",
    )
    return [Problem(unset[0].place, text)]


def naming_unset(error: CatalogError, module: Module, env: Mapping[str, str]) -> CatalogError:
    """*error* with the variables that have no value where its problems are: they may be why."""
    names: dict[tuple[Path, int | None], list[str]] = {}
    for variable in without_value(module.source, env):
        if variable.name in module.settings:
            place = (variable.place.file, variable.place.line)
            names.setdefault(place, []).append(variable.name)
    return CatalogError(
        [
            _naming(problem, module, names.get((problem.place.file, problem.place.line), []))
            for problem in error.problems
        ]
    )


def _naming(problem: Problem, module: Module, names: Sequence[str]) -> Problem:
    if not names:
        return problem
    text = Text(
        "{problem}. Without a value: {names}. Give one: aiserver-tray config set {address} VALUE",
        problem=problem.text,
        names=", ".join(dict.fromkeys(names)),
        address=f"{module.name}.{names[0]}",
    )
    return Problem(problem.place, text)
