"""From a module and the values of settings to its Compose model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import CatalogError, Problem
from aiserver_tray.base.file_paths import real_path
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.keypath import mappings, value_at
from aiserver_tray.catalog.compose.paths import is_remote
from aiserver_tray.catalog.compose.reader import Kept, collecting_opened
from aiserver_tray.catalog.compose.template import TemplateError, references
from aiserver_tray.catalog.extension import EXTENSION
from aiserver_tray.catalog.modules import Module, check_extensions, load_module
from aiserver_tray.catalog.shared_names import access_problems, reserved_name_problems
from aiserver_tray.catalog.unset import naming_unset
from aiserver_tray.catalog.unsupported import (
    climbing_paths,
    hidden_configs,
    is_bind,
    relative_devices,
)

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.compose.resources import Volume
    from aiserver_tray.catalog.compose.service import Service


COMPOSE_VARIABLES = ("COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME")
"""Variables that Compose itself reads from an env file."""


@dataclass(frozen=True)
class ResolvedModule:
    """A module with its values filled in."""

    module: Module
    """Its `needs` are those of the values."""
    project: Project
    requires: tuple[str, ...]
    open: str | None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The variables of its file, by bare name."""
    opened: AbstractSet[str] = frozenset()
    """The files whose content is a part of it: Compose files, env files and label files."""
    proxies: Mapping[str, str] | None = field(default=None, repr=False)
    """Instead of those in Docker's configuration, by variable in capitals. None: those."""


def resolve(catalog: Catalog, module: Module, values: Mapping[str, str]) -> ResolvedModule:
    """*module* with *values* (by address, ``module.NAME``) and the defaults for the rest.

    Raises:
        CatalogError: the file is wrong, with these values or with any; secrets are masked in it.
    """
    with collecting_opened() as opened:
        env = environment(catalog, module, values)
        resolved = resolve_with(module, env, secrets_in(catalog, module, env))
    return startable(catalog, replace(resolved, opened=opened))


@dataclass(frozen=True)
class Outline:
    """The displayed parts of a module with its values filled in."""

    module: Module
    services: Mapping[str, Mapping[str, Any]]
    """The active ones in Compose's canonical form, not checked against its models."""
    requires: tuple[str, ...]
    open: str | None


def outline(catalog: Catalog, module: Module, values: Mapping[str, str]) -> Outline:
    """*module* with *values*, as for `resolve`, in a fraction of the time. While they and its files
    stay as they are, it is the same object.

    Raises:
        CatalogError: the file is so wrong that it can't be read.
    """
    env = environment(catalog, module, values)

    def make() -> Outline:
        return _outline(catalog, module, env)

    return _outlines.get((module.name, module.source.absolute()), (module, env), make)


_outlines: Kept[Outline] = Kept()


def _outline(catalog: Catalog, module: Module, env: Mapping[str, str]) -> Outline:
    from aiserver_tray.catalog.compose.load import load_outline  # noqa: PLC0415 - slow

    check = partial(check_extensions, module)
    try:
        tree = load_outline(module.source, env, profiles=module.profiles_with(env), check=check)
    except CatalogError as error:
        raise _explained(error, module, env, secrets_in(catalog, module, env)) from None
    extension = tree.get(EXTENSION)
    page = extension.get("open") if isinstance(extension, dict) else None
    return Outline(module, tree["services"], module.requires_with(env), page or None)


def environment(catalog: Catalog, module: Module, values: Mapping[str, str]) -> dict[str, str]:
    """The variables of *module*'s file: *values* (by address), and the defaults of the others. A
    plain file's ``.env`` provides them; a default after ``:-`` in the file does not count as set
    for ``${NAME:+…}``."""
    known = {**catalog.defaults, **values} if module.declared else values
    scope = catalog.scope(module)
    env = {
        name: catalog.declared[address].in_file(known[address])
        for name, address in scope.items()
        if address in known
    }
    return env if module.declared else {**module.dotenv_with(env), **env}


def startable(catalog: Catalog, resolved: ResolvedModule) -> ResolvedModule:
    """*resolved* with the real paths of what the engine gets by its path: these are judged, and no
    others are used.

    Raises:
        CatalogError: Compose takes the file, but it can't work as a module of *catalog*.
    """
    module, project = resolved.module, resolved.project
    problems = [*hidden_configs(module, project), *climbing_paths(module, project)]
    problems += relative_devices(module, project)
    problems += reserved_name_problems(catalog, module, project)
    problems += backup_problems(catalog, module)
    problems += access_problems(catalog, module, project)
    if problems:
        raise CatalogError(problems)
    services = {name: _located(service) for name, service in project.services.items()}
    volumes = {name: _with_real_device(volume) for name, volume in project.volumes.items()}
    found = project.model_copy(update={"services": services, "volumes": volumes})
    return replace(resolved, project=found)


def backup_problems(catalog: Catalog, module: Module) -> list[Problem]:
    """The servers in *module*'s declaration of backups that are none of *catalog*."""
    modules = catalog.modules
    required = {n: modules[n].store for n in module.possible_requires if n in modules}
    path = (EXTENSION, "backup")
    problems = [
        Problem(
            module.place(*path, "databases", name),
            Text(
                "expected a module whose connect.address begins with postgresql:// or mysql://, "
                "found {found!r}",
                found=name,
            ),
        )
        for name in module.backup.databases or ()
        if required.get(name) not in ("postgres", "mysql")
    ]
    if module.backup.redis and "redis" not in required.values():
        text = Text("expected redis only with a required module whose connect.address is redis://")
        problems.append(Problem(module.place(*path, "redis"), text))
    return problems


def _located(service: Service) -> Service:
    """*service* with the real paths of its mounts and its build."""
    mounts = [
        mount.model_copy(update={"source": real_path(mount.source)})
        if mount.type == "bind"
        else mount
        for mount in service.volumes
    ]
    changes: dict[str, Any] = {"volumes": mounts}
    if service.build and not is_remote(service.build.context):
        context = real_path(service.build.context)
        changes["build"] = service.build.model_copy(update={"context": context})
    return service.model_copy(update=changes)


def _with_real_device(volume: Volume) -> Volume:
    if not is_bind(volume):
        return volume
    options = {**volume.driver_opts, "device": real_path(str(volume.driver_opts.get("device", "")))}
    return volume.model_copy(update={"driver_opts": options})


def secrets_in(catalog: Catalog, module: Module, env: Mapping[str, str]) -> list[str]:
    """The values in *module*'s variables *env* that must not show."""
    settings = {name: catalog.declared[address] for name, address in catalog.scope(module).items()}
    values = ((setting, env.get(name, setting.initial)) for name, setting in settings.items())
    return [value for setting, value in values if value is not None and setting.hides(value)]


def resolve_with(module: Module, env: Mapping[str, str], secrets: list[str]) -> ResolvedModule:
    """*module* with the variables *env*; *secrets* are the values to mask in errors."""
    # The models are slow to import, and a list of modules does not need them.
    from aiserver_tray.catalog.compose.load import load_project  # noqa: PLC0415

    check = partial(check_extensions, module)
    profiles = module.profiles_with(env)
    try:
        with collecting_opened() as opened:
            project = load_project(module.source, env, profiles=profiles, check=check)
    except CatalogError as error:
        raise _explained(error, module, env, secrets) from None
    page = project.extensions.get(EXTENSION, {}).get("open") or None
    module = replace(module, needs=module.needs_with(env))
    return ResolvedModule(module, project, module.requires_with(env), page, env, opened)


def _explained(
    error: CatalogError, module: Module, env: Mapping[str, str], secrets: Sequence[str]
) -> CatalogError:
    extended = naming_unset(error, module, env)
    extended.hide(secrets)
    return extended


def config_environment(
    catalog: Catalog, module: Module, file: Mapping[str, str] | None
) -> dict[str, str]:
    """The variables of *module* from its declared defaults and the content of an env *file*.
    Secrets that *file* does not set are masked. A plain module uses *file* instead of its ``.env``,
    as Compose does.

    Raises:
        SettingError: a value of *file* is not one of the setting that it is for.
    """
    if not module.declared:
        return dict(module.dotenv if file is None else file)
    env: dict[str, str] = {}
    for name, address in catalog.scope(module).items():
        setting = catalog.declared[address]
        if file is not None and name in file:
            env[name] = setting.in_file(setting.parse(address, file[name]))
        else:
            env[name] = MASK if setting.is_secret else setting.in_file(setting.initial or "")
    return env | {name: file[name] for name in COMPOSE_VARIABLES if file and name in file}


def compose_config(catalog: Catalog, source: Path, env: Mapping[str, str] | None) -> dict[str, Any]:
    """The resolved model of the file or folder *source* in the form of ``docker compose config``,
    from declared defaults and *env* alone.

    Raises:
        CatalogError, MissingError, SettingError: the file or a value of *env* is wrong.
    """
    source = source.resolve()
    name = source.name if source.is_dir() else source.parent.name
    module = load_module(name, source)
    catalog = replace(catalog, modules={**catalog.modules, name: module})
    values = config_environment(catalog, module, env)
    return resolve_with(module, values, secrets_in(catalog, module, values)).project.to_compose()


def limited_services(module: Module) -> dict[str, list[str]]:
    """The services of *module* whose memory limit uses a setting, by the setting's bare name."""
    found: dict[str, list[str]] = {}
    for service, tree in mappings(module.section("services")):
        for path in (("mem_limit",), ("deploy", "resources", "limits", "memory")):
            for name in _names(str(value_at(tree, path))):
                found.setdefault(name, []).append(service)
    return found


def _names(text: str) -> list[str]:
    try:
        return [reference.name for reference in references(text)]
    except TemplateError:  # the module is reported as broken
        return []
