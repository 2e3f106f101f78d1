"""The modules that a request concerns, with those that they require, or that require them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from aiserver_tray.base.errors import (
    AiServerError,
    RequestError,
    SettingError,
    each,
    mistyped,
    raise_all,
    refuse_unknown,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Changes, ModuleModel, OperationKind
from aiserver_tray.operations.first_values import first_values, read_by_container, read_in_place
from aiserver_tray.operations.modules import (
    Modules,
    Previews,
    obtainable,
    unlisted,
    with_requires,
)
from aiserver_tray.operations.parts import Parts, meet_engine
from aiserver_tray.operations.plan.down import (
    Models,
    as_they_run,
    in_use,
    running_modules,
    unused_basics,
    with_users,
)
from aiserver_tray.operations.preflight.preflight import preflight
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.survey import survey
from aiserver_tray.spec.model import ModuleTarget

_STOPS: frozenset[OperationKind] = frozenset({"stop", "down"})
_OF_SERVICES: frozenset[OperationKind] = frozenset({"up", "stop", "restart"})


@dataclass(frozen=True)
class Scope:
    """The modules that a request concerns."""

    modules: tuple[str, ...]
    """The modules of the request itself."""
    locked: tuple[str, ...]
    """These, and all that they require."""
    targets: Mapping[str, ModuleTarget] = field(default_factory=dict)
    """By name, as far as they are needed."""
    models: Mapping[str, ModuleModel] = field(default_factory=dict)
    """By name, as far as they are needed."""
    ending: frozenset[str] = frozenset()
    """Modules whose stop a dead process had begun, so that running containers may be about to
    stop."""
    unused: frozenset[str] = frozenset()
    """Those of ``modules`` that no user named and that stop because no module needs them any more.
    Their data is kept."""
    lacking: Mapping[str, AiServerError] = field(default_factory=dict)
    """Modules that should be in the scope but can't start, each with its error."""
    unusable: Mapping[str, SettingError] = field(default_factory=dict)
    """Settings, by address, with whose value the data of a module can't be used."""
    notices: tuple[Text, ...] = ()
    """For the user, about settings that got another value."""


def first_scope(request: Request, parts: Parts) -> Scope:
    """Like `scope_of`, before the engine is contacted.

    Raises:
        UnknownNameError: there is no such module, as far as the catalog shows; names similar ones.
        AiServerError: the engine does not answer; or as for `scope_of`.
    """
    known: Sequence[str] = parts.modules.names
    if request.kind not in _STOPS:
        refuse_unknown(request.modules, known)
    try:
        meet_engine(parts)
    except AiServerError:
        # Only the engine knows modules that left the catalog, and their names are rarely mistyped.
        known = [*known, *parts.settings.engines.asked_for]
        refuse_unknown(mistyped(request.modules, known), known)
        raise
    return scope_of(request, parts)


def settled(request: Request, scope: Scope, parts: Parts) -> Scope:
    """*scope*, whose locks are held, once the first values of its settings are stored. They may
    have changed it.

    Raises:
        AiServerError: as for `scope_of`, or the engine can't be asked.
    """
    if request.kind in _STOPS:
        return scope
    first = first_values(scope.targets.values(), parts, read_by_container)
    if first.values:
        targets = scope.targets.values()
        declared = {f"{t.name}.{name}": s for t in targets for name, s in t.module.settings.items()}
        parts.settings.change(declared, first.values)
        scope = scope_of(request, parts)
    return replace(scope, unusable=first.errors, notices=first.notices)


def previewed(request: Request, parts: Parts, changes: Changes) -> Scope:
    """The scope that *request* would have with *changes* of settings and the first values of
    others, as far as they are known without a change of the engine.

    Raises:
        AiServerError: as for `first_scope`.
    """
    scope = first_scope(request, replace(parts, modules=Previews(parts.modules, changes)))
    if request.kind in _STOPS:
        return scope
    first = first_values(scope.targets.values(), parts, read_in_place, changes)
    if first.values:
        known = Previews(parts.modules, {**changes, **first.values})
        scope = scope_of(request, replace(parts, modules=known))
    return replace(scope, unusable=first.errors, notices=first.notices)


def scope_of(request: Request, parts: Parts) -> Scope:
    """The scope of *request*.

    Raises:
        AiServerError: a module can't start, or running modules need one that would stop.
    """
    if request.services:
        _check_services(request, parts)
    if request.kind in _STOPS:
        return _stop_scope(request, parts)
    if request.revives:
        return _revived_scope(parts)
    return _up_scope(request, parts)


def _check_services(request: Request, parts: Parts) -> None:
    """Raises `RequestError` or `UnknownNameError` if *request* can't be limited to its services."""
    if len(request.modules) != 1 or request.kind not in _OF_SERVICES:
        why = Text("only up, stop and restart of one module can be limited to services")
        raise RequestError(why, ["services"])
    (name,) = request.modules
    known = [c.service for c in parts.store.state.containers.values() if c.module == name]
    if name in parts.modules.names:
        known += [service.name for service in parts.modules.model(name).services]
    refuse_unknown(request.services, sorted(known))


def _up_scope(request: Request, parts: Parts) -> Scope:
    modules = parts.modules
    wanted = request.modules or (modules.names if request.all else modules.chosen)
    lacking = {} if request.modules else unlisted(wanted, modules.names)
    names = tuple(dict.fromkeys(name for name in wanted if name not in lacking))
    if not names:
        raise_all(list(lacking.values()))
    try:
        targets = {target.name: target for target in with_requires(names, modules.target)}
    except AiServerError as error:
        raise_all([*each(error), *_blockers(request, names, parts)])
    if request.kind in ("pull", "build") and not request.modules:
        names = tuple(targets)
    return Scope(names, tuple(targets), targets, lacking=lacking)


def _revived_scope(parts: Parts) -> Scope:
    """The scope of the desired modules. No user waits for this operation, so a problem with one
    module leaves out only that module."""
    desired = _desired(parts)
    targets: dict[str, ModuleTarget] = {}
    lacking: dict[str, AiServerError] = {}
    for name in desired:
        try:
            found = with_requires([name], parts.modules.target)
        except AiServerError as error:
            lacking[name] = error
        else:
            targets |= {target.name: target for target in found}
    names = tuple(name for name in desired if name not in lacking)
    return Scope(names, tuple(targets), targets, lacking=lacking)


def without_blocked(scope: Scope, against: Callable[[Scope], Sequence[AiServerError]]) -> Scope:
    """*scope* without the modules that have errors *against* them and those that require such
    modules. Keeps the order."""
    kept = replace(scope, modules=(), targets={}, ending=frozenset())
    for name in scope.modules:
        needed = with_requires([name], lambda required: scope.targets[required])
        targets = {**kept.targets, **{target.name: target for target in needed}}
        ending = scope.ending.intersection(targets)
        more = replace(kept, modules=(*kept.modules, name), targets=targets, ending=ending)
        if not against(more):
            kept = more
    return kept


def _blockers(request: Request, names: Iterable[str], parts: Parts) -> list[AiServerError]:
    """The errors of those of *names* that can start, to report them together with the others."""
    if request.kind not in ("up", "restart"):
        return []
    targets = obtainable(names, parts.modules.preview)
    found = survey(parts.engine, parts.settings.installation_id)
    return list(preflight(targets, found, parts.engine).errors)


def _stop_scope(request: Request, parts: Parts) -> Scope:
    containers = parts.store.state.containers.values()
    names = _named(request, parts)
    concerned = {container.module for container in containers}.union(names, _desired(parts))
    known = {name: parts.modules.model(name) for name in parts.modules.names if name in concerned}
    models = as_they_run(known, containers)
    running = running_modules(containers)
    unused: list[str] = []
    if request.modules:
        if request.cascade:
            names = with_users(names, models, running)
        raise_all(in_use(names, models, running))
        unused = [] if request.services else _unused(names, models, running, parts)
        names += unused
    required = (required for name in names if name in models for required in models[name].requires)
    locked = tuple(dict.fromkeys((*names, *required)))
    targets = with_hooks(names, models, parts.modules)
    return Scope(tuple(names), locked, targets, models, unused=frozenset(unused))


def _named(request: Request, parts: Parts) -> list[str]:
    """The modules that *request* names, or all modules with something to stop.

    Raises:
        UnknownNameError: there is nothing of this name, neither in the catalog nor on the engine.
    """
    known = parts.modules.names
    if request.modules and all(name in known for name in request.modules):
        return list(dict.fromkeys(request.modules))
    there = _there(request, parts)
    refuse_unknown(request.modules, (*known, *there))
    return list(dict.fromkeys(request.modules or there))


def _there(request: Request, parts: Parts) -> list[str]:
    """Modules that run, are wanted, or have left something that *request* removes."""
    there = {container.module for container in parts.store.state.containers.values()}
    there |= {*_desired(parts)}
    if request.kind == "down":
        found = survey(parts.engine, parts.settings.installation_id)
        volumes = [volume for volume in found.our_volumes if request.may_remove(volume.name)]
        there |= {one.module for one in (*found.our_networks, *volumes) if one.module}
    return sorted(there)


def with_hooks(names: Iterable[str], models: Models, modules: Modules) -> dict[str, ModuleTarget]:
    """The targets of those of *names* with pre-stop commands. A module without a valid target, or
    with permissions that the user has not allowed, is stopped without them."""
    found = {}
    for name in names:
        if name in models and any(service.has_pre_stop for service in models[name].services):
            with suppress(AiServerError):
                found[name] = modules.target(name)
    return {name: target for name, target in found.items() if not target.untrusted}


def _unused(names: list[str], models: Models, running: Iterable[str], parts: Parts) -> list[str]:
    if not parts.settings.app.stop_unused_basics:
        return []
    return unused_basics(names, models, set(running), _desired(parts))


def _desired(parts: Parts) -> Sequence[str]:
    return parts.settings.engines.desired(parts.engine.info().id)
