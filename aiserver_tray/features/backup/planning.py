"""Plans backups of an installation: what there is, what it takes, and what prevents them."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import AiServerError, refuse_unknown
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import outline
from aiserver_tray.core.app import App
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.backup.grouping import Facts, ServerPlace, Share, Shares, plan_of
from aiserver_tray.features.backup.index import folder_of, folder_problem
from aiserver_tray.features.backup.plan import BackupPlan, Omitted
from aiserver_tray.features.modules.connections import known_values
from aiserver_tray.features.monitoring.statistics import CountedDisk, EngineDisk
from aiserver_tray.operations.survey import Survey, survey
from aiserver_tray.state.aggregate import main_service
from aiserver_tray.system.chosen_folder import disk_of, existing
from aiserver_tray.system.resources import free_disk

if TYPE_CHECKING:
    from aiserver_tray.features.backup.servers import Server

_LEAST_MEMORY: Final = 256 * 2**20
"""Bytes of memory for the programs that copy, dump and compress."""


class Planner:
    """Plans backups of the modules of *app* on *engine*. *open_server* connects to a database
    server, which runs.

    Raises:
        AiServerError: from every method: the engine or a server can't be asked.
    """

    def __init__(
        self, app: App, engine: Engine, open_server: Callable[[ServerPlace], "Server"]
    ) -> None:
        self._app = app
        self._engine = engine
        self._open_server = open_server
        self._disk = EngineDisk(engine)

    def plan(self, modules: Collection[str] | None, folders: Collection[str] = ()) -> BackupPlan:
        """The backup of *modules* with all that share a store with them; of everything if None. It
        has those *folders* of this computer that these use. Modules without data on the engine are
        left out. Of a server that does not run, only the databases that modules declare are in it,
        and some of these may not exist.

        Raises:
            UnknownNameError: there is no such module.
        """
        refuse_unknown(modules or (), self._app.catalog.modules)
        return plan_of(self._facts(folders), modules)

    def server(self, module: str) -> ServerPlace | None:
        """The database server that *module* is. None: none whose databases can be dumped."""
        found = self._app.catalog.modules.get(module)
        if found is None or found.store not in ("postgres", "mysql"):
            return None
        services = self._app.model(module).services
        account = next((one for one in found.accounts if one.user and one.secret), None)
        if not services or account is None or account.user is None:
            return None
        container, secret = main_service(module, services).container, f"{module}.{account.secret}"
        return ServerPlace(module, found.store, container, account.user, secret)

    def role(self, module: str, server: str, database: str) -> str | None:
        """The role that owns *database* of *module* on *server*. None: *module* has no such
        database there."""
        return self._shares()[0].role(module, Share(server, database))

    @property
    def disk(self) -> CountedDisk:
        """The disk of the engine, counted in the last minutes."""
        return self._disk.counted()

    def kept_bytes(self, modules: Collection[str]) -> int:
        """What the data volumes of *modules* on the engine take, as far as that is known."""
        found = survey(self._engine, self._app.settings.installation_id).our_volumes
        mine = {one.name for one in found if one.module in modules and not one.is_config}
        return sum(v.size or 0 for v in self.disk.volumes if v.name in mine)

    def blockers(self, plan: BackupPlan) -> Iterator[Text]:
        """Why *plan* can't be carried out now."""
        folder = folder_of(self._app.settings)
        if not plan.has_data:
            yield Text("No module has data yet, so there is nothing to back up.")
        if why := folder_problem(self._app.settings):
            yield Text("No backups can be made: {why}.", why=why)
        info, machine, needed = self._engine.info(), self._engine.machine(), plan.file_bytes
        memory, free = machine.available_memory, machine.free_disk
        if memory is not None and memory < _LEAST_MEMORY:
            yield Text(
                "A backup needs {needed} of memory, but only {free} is free. Close other programs.",
                needed=binary_size(_LEAST_MEMORY),
                free=binary_size(memory),
            )
        if free is not None and free < plan.engine_bytes:
            yield _full(plan.engine_bytes, info.data_root, free)
        if info.shares_kernel and disk_of(Path(info.data_root)) == disk_of(folder):
            needed += plan.engine_bytes
        free = free_disk(str(existing(folder)))
        if free is not None and free < needed:
            yield _full(needed, str(folder), free)

    # -- what there is --------------------------------------------------------------------------

    def _facts(self, chosen: Collection[str]) -> Facts:
        app, found = self._app, survey(self._engine, self._app.settings.installation_id)
        shares, unread = self._shares()
        running = {one.name for one in found.ours if one.status == "running"}
        opened = {
            name: self._open_server(place)
            for name, place in shares.servers.items()
            if place.container in running
        }
        return Facts(
            shares,
            {model.name: model for model in app.models},
            found,
            {name: {d: one.size(d) for d in one.databases()} for name, one in opened.items()},
            {v.name: v.size for v in self._disk.counted().volumes if v.size is not None},
            {
                name: {f: size_of_folder(f) if f in chosen else None for f in self._folders(module)}
                for name, module in shares.modules.items()
            },
            app.settings.engines.state(self._engine.info().id).learnt,
            tuple(_left_out(found, unread)),
        )

    def _shares(self) -> tuple[Shares, Mapping[str, Text]]:
        """With the modules that can't be read, and why not."""
        catalog, known = self._app.catalog, dict[str, Mapping[str, str]]()
        wrong = Text("Its file is wrong. Run: aiserver-tray catalog check")
        unread = dict.fromkeys(catalog.broken, wrong)
        for name, module in catalog.modules.items():
            try:
                known[name] = known_values(self._app.settings, module)
            except AiServerError as error:
                unread[name] = error.text
        modules = {name: catalog.modules[name] for name in known}
        servers = {name: place for name in known if (place := self.server(name))}
        return Shares(modules, catalog.built_in, known, servers), unread

    def _folders(self, module: Module) -> Iterator[str]:
        """The folders of this computer that *module* uses, without its own."""
        app = self._app
        with suppress(AiServerError):
            values = app.settings.masked(app.in_scope(module))
            services = outline(app.catalog, module, values).services.values()
            mounts = [mount for one in services for mount in one.get("volumes", ())]
            sources = {str(one["source"]) for one in mounts if one["type"] == "bind"}
            for folder in map(Path, sorted(sources)):
                if folder.is_dir() and not folder.is_relative_to(module.folder):
                    yield str(folder)


def _left_out(found: Survey, unread: Mapping[str, Text]) -> Iterator[Omitted]:
    there = {volume.module for volume in found.our_volumes if not volume.is_config}
    return (Omitted(name, why) for name, why in unread.items() if name in there)


def size_of_folder(folder: str) -> int:
    """The bytes of the files in *folder*, as far as they can be seen."""
    size = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                size += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - there are many
    return size


def _full(needed: int, folder: str, free: int) -> Text:
    return Text(
        "The backup needs up to {needed} of disk space in {folder}, but only {free} is free.",
        needed=binary_size(needed),
        folder=folder,
        free=binary_size(free),
    )
