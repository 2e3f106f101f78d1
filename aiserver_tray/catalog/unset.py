"""Variables without a value. In most Compose files, they are a mistake."""

from collections.abc import Iterable, Mapping, Sequence

from aiserver_tray.base.errors import CatalogError, Place, Problem
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.variables import Variable, active_profiles, without_value
from aiserver_tray.catalog.modules import Module


def unset_notes(
    module: Module, env: Mapping[str, str], problems: Sequence[Problem]
) -> list[Problem]:
    """One note with all variables that *module* uses, that *env* lacks and that have no default,
    except for those in *problems*, which `naming_unset` has extended."""
    profiles = active_profiles(env, module.profiles_with(env))
    unset = [v for v in without_value(module.source, env, profiles) if v.name not in env]
    lacking = _lacking(module, env)
    reported = {name for problem in problems for name in _reasons(problem, lacking)}
    unset = [variable for variable in unset if variable.name not in reported]
    if not unset:
        return []
    text = Text(
        "missing values: {names}. Set them, for example: aiserver-tray config set {address} "
        "{value}",
        **_advice(module, [variable.name for variable in unset]),
    )
    return [Problem(unset[0].place, text)]


def naming_unset(error: CatalogError, module: Module, env: Mapping[str, str]) -> CatalogError:
    """*error*, with the variables that have no value added to problems at the same place: they may
    be the cause."""
    lacking = _lacking(module, env)
    return CatalogError([naming(p, module, _reasons(p, lacking)) for p in error.problems])


def _lacking(module: Module, env: Mapping[str, str]) -> list[Variable]:
    """The settings of *module* that *env* lacks, also in inactive services: Compose fills these in,
    too."""
    return [v for v in without_value(module.source, env, {"*"}) if v.name in module.settings]


def _reasons(problem: Problem, lacking: Iterable[Variable]) -> list[str]:
    return [variable.name for variable in lacking if _may_be_why(variable.place, problem.place)]


def _may_be_why(variable: Place, problem: Place) -> bool:
    """Whether *variable* and *problem* are at the same place, or one inside the other. An extended
    service has the keys of the service that extends it, so only the line is the same."""
    keys = f"{variable.key}.", f"{problem.key}."
    nested = keys[0].startswith(keys[1]) or keys[1].startswith(keys[0])
    return variable.file == problem.file and (nested or variable.line == problem.line)


def naming(problem: Problem, module: Module, names: Sequence[str]) -> Problem:
    """*problem* with *names*, settings of *module* without a value, and the command that sets
    them."""
    if not names:
        return problem
    text = Text(
        "{problem}. Missing values: {names}. Set them, for example: aiserver-tray config set "
        "{address} {value}",
        problem=problem.text,
        **_advice(module, names),
    )
    return Problem(problem.place, text)


def _advice(module: Module, names: Sequence[str]) -> dict[str, str]:
    """*names*, and the command that sets the first one: a secret is prompted for."""
    setting = module.settings.get(names[0])
    value = "-" if setting and setting.is_secret else "VALUE"
    address = f"{module.name}.{names[0]}"
    return {"names": ", ".join(dict.fromkeys(names)), "address": address, "value": value}
