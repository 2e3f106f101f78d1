"""What backups of an installation work with: plans that say what there is, what it takes and what
prevents them; volumes; and the servers whose databases are backed up on their own, because several
modules share them."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from aiserver_tray import __version__
from aiserver_tray.base.errors import AiServerError, BackupError, RestoreError, refuse_unknown
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import outline
from aiserver_tray.core.app import App
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.backup.grouping import Facts, ServerPlace, Share, Shares, plan_of
from aiserver_tray.features.backup.index import folder_of
from aiserver_tray.features.backup.mysql import Mysql
from aiserver_tray.features.backup.plan import BackupPlan, Dialect, Omitted
from aiserver_tray.features.backup.postgres import Postgres
from aiserver_tray.features.backup.servers import Server
from aiserver_tray.features.backup.volumes import BackupVolumes
from aiserver_tray.features.modules.connections import filled, known_values
from aiserver_tray.features.monitoring.statistics import CountedDisk, EngineDisk
from aiserver_tray.operations.survey import Survey, survey
from aiserver_tray.spec.labels import Owner
from aiserver_tray.state.aggregate import main_service
from aiserver_tray.system.chosen_folder import disk_of, existing, why_no_backups
from aiserver_tray.system.resources import free_disk

_LEAST_MEMORY: Final = 256 * 2**20
"""Bytes of memory for the programs that copy, dump and compress."""


class Planner:
    """Plans backups of the modules of *app* on *engine*. *open_server* connects to a database
    server, which runs.

    Raises:
        AiServerError: from every method: the engine or a server can't be asked.
    """

    def __init__(
        self, app: App, engine: Engine, open_server: Callable[[ServerPlace], Server]
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

    def names_on(self, server: str) -> set[str]:
        """The databases and roles that modules of the catalog use on *server*, there or not."""
        shares = self._shares()[0]
        return {
            filled(name, shares.known[module.name])
            for module in shares.modules.values()
            for one in module.databases
            if one.module == server
            for name in (one.database, one.user)
        }

    @property
    def disk(self) -> CountedDisk:
        """The disk of the engine, counted in the last minutes."""
        return self._disk.counted()

    def kept_bytes(self, modules: Collection[str]) -> int:
        """What the data volumes of *modules* on the engine take, as far as that is known."""
        found = survey(self._engine, self._app.settings.installation_id).our_volumes
        mine = {one.name for one in found if one.module in modules and not one.is_config}
        return sum(v.size or 0 for v in self.disk.volumes if v.name in mine)

    def blockers(self, plan: BackupPlan, into: Path | None = None) -> Iterator[Text]:
        """Why *plan* can't be carried out now. *into*: the folder of its file; None: that of the
        backups."""
        folder = into or folder_of(self._app.settings)
        if not plan.has_data:
            yield Text("No module has data yet, so there is nothing to back up.")
        if why := why_no_backups(str(folder), self._app.settings.folder):
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


# -- on the engine ---------------------------------------------------------------------------------


def server_in(  # noqa: PLR0913, PLR0917 - where it is, and how to log in
    engine: Engine,
    container: str,
    dialect: Dialect,
    user: str,
    password: str,
    cancelled: Cancellation,
) -> Server:
    """The database server in the running *container*; *user* is its administrator."""
    kind = Postgres if dialect == "postgres" else Mysql
    return kind(engine, container, user, password, cancelled)


class Redis:
    """A Redis server in the running *container*."""

    def __init__(
        self, engine: Engine, container: str, password: str, cancelled: Cancellation
    ) -> None:
        self._engine = engine
        self._container = container
        self._password = password
        self._cancelled = cancelled

    def clear(self, databases: Collection[int]) -> None:
        """Remove all keys of *databases*.

        Raises:
            RestoreError: the server refuses.
        """
        for number in databases:
            body = {
                "Cmd": ["redis-cli", "-h", "127.0.0.1", "-n", str(number), "FLUSHDB"],
                "Env": [f"REDISCLI_AUTH={self._password}"],
            }
            program = self._engine.containers.program(self._container, body, self._cancelled)
            answer = program.feed(()).decode(errors="replace").strip()
            if answer != "OK":  # an error is an answer, too
                why = answer or program.errors
                text = Text(
                    "Redis can't clear its database {number}: {why}", number=number, why=why
                )
                raise RestoreError(text)


class Tools:
    """Volumes and database servers of *app* on *engine*."""

    def __init__(self, app: App, engine: Engine) -> None:
        self.app = app
        self.engine = engine
        self.planner = Planner(app, engine, lambda place: self.open(place, Cancellation()))

    @property
    def owner(self) -> Owner:
        """The owner of everything that backups make on the engine."""
        settings = self.app.settings
        return Owner(settings.installation_id, __version__, str(settings.home.folder))

    def volumes(self, operation: str, cancelled: Cancellation) -> BackupVolumes:
        """The volumes of *operation*."""
        return BackupVolumes(self.engine, self.owner, operation, cancelled)

    def server(self, module: str, cancelled: Cancellation) -> Server:
        """The database server that *module* is, which must run.

        Raises:
            BackupError: it is none.
        """
        if (place := self.planner.server(module)) is None:
            raise BackupError(Text("{module} is no database server.", module=module))
        return self.open(place, cancelled)

    def redis(self, module: str, cancelled: Cancellation) -> Redis:
        """The Redis server that *module* is, which must run."""
        found, app = self.app.catalog.module(module), self.app
        container = main_service(module, app.model(module).services).container
        secret = next(account.secret for account in found.accounts if account.secret)
        password = app.settings.reveal(app.declared, f"{module}.{secret}")
        return Redis(self.engine, container, password, cancelled)

    def open(self, place: ServerPlace, cancelled: Cancellation) -> Server:
        """The database server at *place*, which must run."""
        password = self.app.settings.reveal(self.app.declared, place.secret)
        return server_in(
            self.engine, place.container, place.dialect, place.user, password, cancelled
        )
