"""The catalog as its files are now, for who asks."""

from threading import Lock

from aiserver_tray.app import App
from aiserver_tray.core import Core


class CatalogChanges:
    """Lets *core* know what was changed in the files of *app*'s catalog. Nobody watches them: it is
    looked when something is asked for."""

    def __init__(self, app: App, core: Core) -> None:
        self._app = app
        self._core = core
        self._lock = Lock()

    def take_up(self) -> None:
        """Read the catalog again if it was changed, and tell the state. Operations of this process
        that are under way end with the one that they began with."""
        with self._lock:
            if not self._is_at_work() and self._app.renew_catalog():
                self._core.publish_modules()
                self._core.store.flush()

    def _is_at_work(self) -> bool:
        operations = self._core.store.state.operations
        return any(not view.is_over and not view.is_foreign for view in operations)
