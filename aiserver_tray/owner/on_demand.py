"""The contract for a command whose home has no owner."""

from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, Self

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.features.stack.publishing import Publishing
from aiserver_tray.model import Carrier, OwnerKind
from aiserver_tray.protocol.hub import Hub
from aiserver_tray.protocol.message import Caller, Envelope, Peer

if TYPE_CHECKING:
    from aiserver_tray.owner.features import Features


class OnDemand:
    """Keeps `contract.Contract` for *app* within ``with``. A feature is imported and made when one
    of its channels is asked, and the core when a feature or a client needs it: *new_core* makes it.
    Nothing goes on in the background but what a channel has begun."""

    def __init__(self, app: App, new_core: Callable[[], Core]) -> None:
        self._app = app
        self._new_core = new_core
        self._hub = Hub()
        self._lock = RLock()
        self._stack = ExitStack()

    def invoke(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401 - JSON
        """The answer. Blocks until there is one."""
        # A client that only looks at the state needs none of this.
        from aiserver_tray.protocol.channel import dispatch  # noqa: PLC0415

        caller = Caller(peer, self._app.language_for(peer.language))
        return dispatch(self._features, channel, payload, caller)

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        """Send *peer* the *events*, from the current state on, in place of those before.

        Raises:
            SettingError: the home can't be used.
        """
        self._core()
        self._hub.subscribe(peer, events)

    def forget(self, peer: Peer) -> None:
        """The client is gone."""
        self._hub.forget(peer)
        if "_features" in vars(self):
            self._features.forget(peer)

    def refused(self, carrier: Carrier, reason: Text) -> None:
        """Nothing: nobody else can connect."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "_features" in vars(self):
            self._features.close()
        self._stack.close()
        self._store_rest()

    def _store_rest(self) -> None:
        """Try once more to store what a full disk kept from it: it is lost with this process."""
        if "settings" not in vars(self._app) or not self._app.settings.engines.has_deferred:
            return
        with suppress(SettingError):
            if self._app.settings.engines.catch_up():
                return
        text = Text(
            "It could not be stored that modules were stopped, because the disk of {folder} is "
            "still full. Free some space, then run this command again. Otherwise, the next start "
            "of AI-Server Tray starts these modules again.",
            folder=self._app.home.folder,
        )
        self._app.settings.notices.append(text)

    @cached_property
    def _features(self) -> "Features":
        from aiserver_tray.carriers.local.place import Instance  # noqa: PLC0415
        from aiserver_tray.features.place import Place  # noqa: PLC0415
        from aiserver_tray.owner.features import Features  # noqa: PLC0415

        place = Place(
            self._app,
            self._core,
            _Command(),
            self,
            self._refresh,
            claim=lambda: Instance(self._app.home),
            hub=self._hub,
        )
        return Features(place)

    def _core(self) -> Core:
        """The core, connected to the engine.

        Raises:
            SettingError: the home can't be used.
        """
        with self._lock:
            return self._opened

    @cached_property
    def _opened(self) -> Core:
        core = self._stack.enter_context(self._new_core())
        core.publish_modules()
        core.store.flush()
        publishing = Publishing(core.store, self._hub, self._app.language_for)
        publishing.start()
        self._stack.callback(publishing.close)
        return core

    def _refresh(self) -> None:
        """Publish what was changed to the state."""
        if "_opened" in vars(self):
            self._opened.publish_modules()


class _Command:
    """The process of a command has no windows, and exits by itself."""

    kind: OwnerKind = "serve"

    def _ignore(self, *_: object, **__: object) -> None:
        """Nothing is around it."""

    show_dashboard = open_module = refresh_autostart = quit = _ignore
    restart_core = give_up_core = _ignore
