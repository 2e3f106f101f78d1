"""From what there is to a plan: whose data is where, and which modules share it. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Final, NamedTuple

from aiserver_tray.base.i18n import Given, Text
from aiserver_tray.base.strings import image_tag
from aiserver_tray.catalog.modules import Module
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.features.backup.plan import (
    BackupPlan,
    Dialect,
    Group,
    ModulePlan,
    Omitted,
    Part,
    is_beside,
)
from aiserver_tray.features.modules.connections import filled
from aiserver_tray.model import ModuleModel
from aiserver_tray.operations.survey import Found, Survey
from aiserver_tray.spec import labels
from aiserver_tray.spec.mounts import is_plain
from aiserver_tray.spec.names import volume_name
from aiserver_tray.state.aggregate import main_service

_CLONE_SECONDS: Final = 4.0 / 2**30
"""For a byte."""
_START_SECONDS: Final = 5.0
"""Of a service that was never started here."""
_STOP_SECONDS: Final = 3.0


@dataclass(frozen=True)
class ServerPlace:
    """Where the database server of a module is, and how its administrator logs in."""

    module: str
    dialect: Dialect
    container: str
    """The name of its container."""
    user: str
    secret: str
    """The address of the setting with the password."""


class Share(NamedTuple):
    """A database of a server that several modules use. Of Redis, its number."""

    server: str
    database: str


@dataclass(frozen=True)
class Shares:
    """Which databases of shared servers belong to which of *modules*. *known*: by module, the
    values of its settings in its file, without secrets; *servers*: the modules that dump their
    databases themselves."""

    modules: Mapping[str, Module]
    built_in: AbstractSet[str]
    known: Mapping[str, Mapping[str, str]]
    servers: Mapping[str, ServerPlace]

    def declared(self, name: str) -> dict[Share, bool]:
        """What the module *name* says that it has on servers, and whether a backup of it contains
        that."""
        module, known = self.modules[name], self.known[name]
        chosen = module.backup.databases
        found = {
            Share(one.module, filled(one.database, known)): chosen is None
            or one.database in chosen.get(one.module, ())
            for one in module.databases
            if one.module in self.servers
        }
        caches = [n for n in module.possible_requires if self.is_cache(n)]
        return found | {Share(n, str(one)): False for n in caches for one in module.backup.redis}

    @cached_property
    def users(self) -> Mapping[Share, Sequence[str]]:
        """The modules that have each share, the one that it belongs to first. Those of a built-in
        module are its own: restoring them for others would take away what it has now."""
        found = defaultdict[Share, list[str]](list)
        for name in sorted(self.modules, key=lambda name: (name not in self.built_in, name)):
            for share in self.declared(name):
                if not found[share] or found[share][0] not in self.built_in:
                    found[share].append(name)
        return found

    def owned(self, name: str) -> dict[Share, bool]:
        """Those of `declared` that belong to the module *name*."""
        return {s: is_in for s, is_in in self.declared(name).items() if self.users[s][0] == name}

    def role(self, name: str, share: Share) -> str | None:
        """The role that *share* of the module *name* belongs to. None: it is not its own."""
        users = self.users.get(share)
        if users is None:  # of nobody: those are of the server
            return share.database if name == share.server else None
        if users[0] != name:
            return None
        known, databases = self.known[name], self.modules[name].databases
        mine = [one for one in databases if one.module == share.server]
        return {filled(m.database, known): filled(m.user, known) for m in mine}.get(share.database)

    def is_cache(self, name: str) -> bool:
        """Whether the module *name* is a Redis."""
        return name in self.modules and self.modules[name].store == "redis"


@dataclass(frozen=True)
class Facts:
    """What there is to back up."""

    shares: Shares
    models: Mapping[str, ModuleModel]
    found: Survey
    databases: Mapping[str, Mapping[str, int]]
    """Of each server that runs, its databases with their bytes."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """The bytes of volumes, as far as they are known."""
    folders: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    """By module, the folders of this computer that it uses, with their bytes. None: this one was
    not chosen."""
    learnt: Mapping[str, float] = field(default_factory=dict)
    left_out: tuple[Omitted, ...] = ()

    @cached_property
    def volumes(self) -> Mapping[str, Mapping[str, Found]]:
        """The data volumes of each module, by their names in its file."""
        found = defaultdict[str, dict[str, Found]](dict)
        for one in sorted(self.found.our_volumes, key=lambda one: one.name):
            if (module := one.module) and not one.is_config:
                found[module][one.name.removeprefix(volume_name(module, ""))] = one
        return found

    @cached_property
    def running(self) -> AbstractSet[str]:
        """The names of the containers that run."""
        return {one.name for one in self.found.ours if one.status == "running"}

    def databases_of(self, name: str) -> Iterator[Part]:
        """Those of the module *name* that there are; of a server that does not run, all."""
        for (server, database), is_in in self.shares.owned(name).items():
            there = self.databases.get(server)
            if is_in and (there is None or database in there):
                size = None if there is None else there[database]
                kind = self.shares.servers[server].dialect
                yield Part(name, kind, database, size, server=server)

    def requires(self, name: str) -> set[str]:
        """The modules that *name* requires now, or did when its containers were created."""
        noted = (labels.required_in(one.labels) for one in self._containers(name))
        return {*self.models[name].requires, *(one for names in noted for one in names or ())}

    def is_member(self, name: str) -> bool:
        """Whether the module *name* is on the engine, and no server whose databases are dumped or
        emptied."""
        if name in self.shares.servers or self.shares.is_cache(name):
            return False
        has_database = any(part.bytes is not None for part in self.databases_of(name))
        return bool(self.volumes[name] or self._containers(name)) or has_database

    def _containers(self, name: str) -> list[ContainerSummary]:
        return [one for one in self.found.ours if one.labels.get(labels.MODULE) == name]


def plan_of(facts: Facts, chosen: Collection[str] | None) -> BackupPlan:
    """The backup of the *chosen* modules with all that share a store with them; of all if None."""
    groups = [*_module_groups(facts), *_server_groups(facts)]
    taken = [g for g in groups if chosen is None or not {*chosen}.isdisjoint(g.names)]
    databases = [part for group in taken for part in group.databases]
    is_asleep = any(
        facts.volumes[one] and one not in facts.databases for one in facts.shares.servers
    )
    return BackupPlan(
        tuple(taken),
        engine_bytes=max(map(_cloned_bytes, taken), default=0),
        file_bytes=sum(map(_cloned_bytes, taken)) + sum(part.bytes or 0 for part in databases),
        left_out=facts.left_out,
        is_whole=len(taken) == len(groups) and not facts.left_out and not is_asleep,
    )


def standstill(names: Iterable[str]) -> str:
    """The name under which the seconds are learnt that the group *names* stood still, without
    those of its clones (`EngineState.learn`)."""
    return f"backup:{'+'.join(sorted(names))}"


# -- groups -----------------------------------------------------------------------------------


def _module_groups(facts: Facts) -> Iterator[Group]:
    shares = facts.shares
    members = sorted(filter(facts.is_member, shares.modules))
    links = {name: {name} for name in members}
    for name in members:
        users = (shares.users[share] for share in shares.declared(name))
        together = {one for names in users if name in names for one in names}
        stores = {n for n in facts.requires(name) & links.keys() if _is_basic(facts, n)}
        for other in (stores | together) & links.keys():
            joined = links[name] | links[other]
            links |= dict.fromkeys(joined, joined)
    for names in {min(one): one for one in links.values()}.values():
        group = _group(facts, names)
        if group.volumes or group.databases:
            yield group


def _is_basic(facts: Facts, name: str) -> bool:
    return facts.shares.modules[name].kind == "basic"


def _group(facts: Facts, names: AbstractSet[str]) -> Group:
    needs = {name: facts.requires(name) & names for name in names}
    stores = {one for needed in needs.values() for one in needed if _is_basic(facts, one)}
    dependents_first = _ordered(needs)[::-1]
    order = sorted(dependents_first, key=stores.__contains__)
    modules = tuple(replace(_planned(facts, name), is_store=name in stores) for name in order)
    group = Group(modules)
    return Group(modules, _seconds(facts, group))


def _ordered(needs: Mapping[str, AbstractSet[str]]) -> list[str]:
    """The names in *needs*, each after what it needs; in a circle, as they are."""
    known = {name: sorted(found & needs.keys()) for name, found in sorted(needs.items())}
    try:
        return [*TopologicalSorter(known).static_order()]
    except CycleError:
        return [*known]


def _server_groups(facts: Facts) -> Iterator[Group]:
    """Servers with databases that no module declares, such as those that a user made; without those
    that a restore was interrupted with. Those of servers that do not run are not known."""
    for name, place in facts.shares.servers.items():
        claimed = {share.database for share in facts.shares.users if share.server == name}
        there = facts.databases.get(name, {})
        databases = tuple(
            Part(name, place.dialect, database, size, server=name)
            for database, size in sorted(there.items())
            if database not in claimed and not is_beside(database)
        )
        if databases:
            yield Group((replace(_planned(facts, name), volumes=(), databases=databases),))


# -- modules ----------------------------------------------------------------------------------


def _planned(facts: Facts, name: str) -> ModulePlan:
    module, volumes = facts.shares.modules[name], facts.volumes[name]
    omitted = {key: why for key, one in volumes.items() if (why := _why_not(facts, name, key, one))}
    folders = facts.folders.get(name, {})
    for folder, size in folders.items():
        if size is None:
            why = Text("It is a folder of this computer. It is included only if you choose it.")
            omitted[folder] = why
    return ModulePlan(
        name,
        module.title,
        _version(facts, name),
        (
            *(
                Part(name, "volume", key, facts.sizes.get(one.name), one.name)
                for key, one in volumes.items()
                if key not in omitted
            ),
            *(
                Part(name, "folder", str(number), size, folder)
                for number, (folder, size) in enumerate(folders.items(), 1)
                if size is not None
            ),
        ),
        tuple(facts.databases_of(name)),
        tuple(int(s.database) for s in facts.shares.owned(name) if facts.shares.is_cache(s.server)),
        (*(Omitted(key, why) for key, why in omitted.items()), *_not_dumped(facts, name)),
        tuple(folders),
    )


def _why_not(facts: Facts, module: str, key: str, volume: Found) -> Text | None:
    if module in facts.shares.servers:
        return Text("The server's databases are dumped, so its own files are not needed.")
    if key in facts.shares.modules[module].backup.skip:
        return Text("It holds nothing that is not made again when it is needed.")
    if not is_plain(volume.labels):
        return Text("It is a folder or a share. Back it up by other means.")
    if key not in facts.shares.modules[module].section("volumes"):
        # An image declares it, or a former version of the file did: a restore would not find it.
        return Text("The module's file does not name it. Give it a name there to include it.")
    return None


def _not_dumped(facts: Facts, name: str) -> Iterator[Omitted]:
    shares, requires = facts.shares, facts.requires(name)
    for share in shares.declared(name):
        owner, server = shares.users[share][0], shares.modules[share.server].title
        if owner != name:
            text = Text("It belongs to {module}.", module=Given(shares.modules[owner].title))
        elif shares.is_cache(share.server) and share.server in requires:
            text = Text("It holds queues and caches. After a restore, it is empty.")
        else:
            continue
        yield Omitted(f"{server.get('en', share.server)} {share.database}", text)


def _version(facts: Facts, name: str) -> str | None:
    """The tag of the image of its main service, as its container has it."""
    if not (services := facts.models[name].services):
        return None
    main = main_service(name, services)
    used = [one.image for one in facts.found.ours if one.name == main.container]
    return next(filter(None, map(image_tag, (*used, main.image))), None)


# -- what it takes ----------------------------------------------------------------------------


def _cloned_bytes(group: Group) -> int:
    return sum(part.bytes or 0 for part in group.volumes)


def _seconds(facts: Facts, group: Group) -> float | None:
    """How long *group* is expected to stand still: as it did before, or else as long as its
    services take to start, one after the other where they wait for each other."""
    services = {
        f"{name}/{one.name}": (name, one)
        for name in group.names
        for one in facts.models[name].services
        if one.container in facts.running
    }
    if not services:
        return None
    clones = _cloned_bytes(group) * _CLONE_SECONDS
    if (learnt := facts.learnt.get(standstill(group.names))) is not None:
        return clones + learnt
    needs = {
        address: {f"{name}/{other}" for other in one.depends_on}
        | {other for other, (module, _) in services.items() if module in facts.requires(name)}
        for address, (name, one) in services.items()
    }
    ready: dict[str, float] = {}
    for address in _ordered(needs):
        begun = max((ready.get(other, 0.0) for other in needs[address]), default=0.0)
        ready[address] = begun + facts.learnt.get(address, _START_SECONDS)
    layers = len({module.is_store for module in group.modules})
    return clones + max(ready.values()) + layers * _STOP_SECONDS
