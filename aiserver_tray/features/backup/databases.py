"""What backups work with on the engine: volumes, and the servers whose databases are backed up on
their own, because several modules share them."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from aiserver_tray import __version__
from aiserver_tray.base.errors import BackupError, RestoreError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.backup.grouping import ServerPlace
from aiserver_tray.features.backup.mysql import Mysql
from aiserver_tray.features.backup.planning import Planner
from aiserver_tray.features.backup.postgres import Postgres
from aiserver_tray.features.backup.servers import Server
from aiserver_tray.features.backup.volumes import BackupVolumes
from aiserver_tray.spec.labels import Owner
from aiserver_tray.state.aggregate import main_service

if TYPE_CHECKING:
    from aiserver_tray.core.app import App
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.features.backup.plan import Dialect


def server_in(  # noqa: PLR0913, PLR0917 - where it is, and how to log in
    engine: "Engine",
    container: str,
    dialect: "Dialect",
    user: str,
    password: str,
    cancelled: "Cancellation",
) -> Server:
    """The database server in the running *container*; *user* is its administrator."""
    kind = Postgres if dialect == "postgres" else Mysql
    return kind(engine, container, user, password, cancelled)


class Redis:
    """A Redis server in the running *container*."""

    def __init__(
        self, engine: "Engine", container: str, password: str, cancelled: "Cancellation"
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

    def __init__(self, app: "App", engine: "Engine") -> None:
        self.app = app
        self.engine = engine
        self.planner = Planner(app, engine, lambda place: self._open(place, Cancellation()))

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
        return self._open(place, cancelled)

    def redis(self, module: str, cancelled: Cancellation) -> Redis:
        """The Redis server that *module* is, which must run."""
        found, app = self.app.catalog.module(module), self.app
        container = main_service(module, app.model(module).services).container
        secret = next(account.secret for account in found.accounts if account.secret)
        password = app.settings.reveal(app.declared, f"{module}.{secret}")
        return Redis(self.engine, container, password, cancelled)

    def _open(self, place: ServerPlace, cancelled: Cancellation) -> Server:
        password = self.app.settings.reveal(self.app.declared, place.secret)
        return server_in(
            self.engine, place.container, place.dialect, place.user, password, cancelled
        )
