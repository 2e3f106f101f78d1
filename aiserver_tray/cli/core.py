"""Access to the running core: that of the tray or of ``serve``, or a core of this process."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import AiServerError, refuse_unknown
from aiserver_tray.base.i18n import Language
from aiserver_tray.model import Actor
from aiserver_tray.state.views import Snapshot
from aiserver_tray.system.language import system_language

if TYPE_CHECKING:
    from aiserver_tray.carriers.local.client import Client
    from aiserver_tray.cli.remote import RemoteCore
    from aiserver_tray.core.app import App
    from aiserver_tray.core.core import Core

    AnyCore = Core | RemoteCore

_HOST_TIMEOUT_SECONDS = 2.0
"""Seconds for the owner's first response."""


@contextmanager
def shared_core(app: "App", own_core: "Callable[[], Core] | None" = None) -> Iterator["AnyCore"]:
    """The core of the home folder's host, if it uses the same engine and catalog. Otherwise
    *own_core*, by default `App.core`, creates one in this process."""
    owner = _owner(app)
    if owner is None:
        with (own_core or app.core)() as own:
            yield own
        return
    client, app.owner_language = owner
    from aiserver_tray.cli.remote import RemoteCore  # noqa: PLC0415 - only with a host

    with client, RemoteCore(client) as remote:
        yield remote


def ask_owner(app: "App", channel: str, **payload: Any) -> bool:  # noqa: ANN401 - JSON
    """Send *channel* to the home folder's host, so that it knows the change at once. False if there
    is no host.

    Raises:
        RemoteError: what it says to that.
    """
    owner = _owner(app)
    if owner is None:
        return False
    client, _language = owner
    with client:
        client.request(channel, payload)
    return True


def set_setting(app: "App", name: str, value: str | None) -> None:
    """Give the setting *name* a *value*, or with None take it back, through the home's owner where
    there is one, so that it knows.

    Raises:
        UnknownNameError, SettingError, RemoteError: there is none, or it does not take that.
    """
    if ask_owner(app, "ai/config/set", name=name, value=value):
        return
    from aiserver_tray.settings.changes import change_setting  # noqa: PLC0415 - only without a host

    change_setting(app.settings, app.declared, name, value, this_command())


def this_command() -> Actor:
    """This process, for the journal."""
    return Actor("command", os.getpid())


def trust_module(app: "App", name: str, hash: str | None = None) -> None:
    """Allow the module *name* the permissions that *hash* stands for; without it, all that it asks
    for now. Through the home's owner if there is one.

    Raises:
        UnknownNameError, CatalogError, SettingError, RemoteError: as for `App.trust`.
    """
    if not ask_owner(app, "ai/module/trust", name=name, hash=hash):
        app.targets.trust(name, hash, actor=this_command())


def _owner(app: "App") -> "tuple[Client, Language] | None":
    """A client of the home folder's host, and the language of its texts. None if there is no host,
    or it uses another engine or catalog."""
    from aiserver_tray.carriers.local.place import find_key  # noqa: PLC0415 - after Ctrl-C works

    if find_key(app.home) is None:  # a host would not accept us
        return None
    from aiserver_tray.carriers.local.client import Client  # noqa: PLC0415 - only with a host

    with suppress(AiServerError, TimeoutError):  # then there is none for us
        client = Client.connect(app.home, "command", language=system_language())
        try:
            about = client.request("ai/app/about", timeout=_HOST_TIMEOUT_SECONDS)
            if app.is_served_by(about):
                return client, about["language"]
        except BaseException:
            client.close()
            raise
        client.close()
    return None


def current_snapshot(core: "AnyCore") -> Snapshot:
    """Everything that was put into the store so far, as shown."""
    core.store.flush()
    return core.store.snapshot


def whole_snapshot(core: "AnyCore") -> Snapshot:
    """Like `current_snapshot`, with every module of the catalog."""
    core.publish_modules()
    return current_snapshot(core)


def require_engine(snapshot: Snapshot) -> None:
    """Check that the engine responds.

    Raises:
        EngineDownError, EngineNotInstalledError: it does not.
    """
    if snapshot.engine.error and not snapshot.engine.running:
        raise snapshot.engine.error


def check_modules(snapshot: Snapshot, names: Iterable[str]) -> None:
    """Check that these module *names* exist.

    Raises:
        UnknownNameError: there is no such module; names similar ones.
    """
    refuse_unknown(names, (module.name for module in snapshot.modules))
