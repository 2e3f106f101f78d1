"""The core behind a command: that of the owner (the tray or ``serve``), or without an owner one in
this process. A command uses the same channels for both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Language
from aiserver_tray.system.language import system_language

if TYPE_CHECKING:
    from aiserver_tray.carriers.local.client import Client
    from aiserver_tray.cli.remote import RemoteCore
    from aiserver_tray.core.app import App
    from aiserver_tray.core.core import Core
    from aiserver_tray.protocol.message import AnyClient, Json

_OWNER_TIMEOUT_SECONDS = 2.0
"""Seconds for the owner's first response."""


@contextmanager
def connected(app: "App", own_core: "Callable[[], Core] | None" = None) -> Iterator["AnyClient"]:
    """A client of the owner, if that uses the same engine and catalog. Otherwise a client inside
    this process; *own_core*, by default `App.core`, makes its core if a channel needs one."""
    owner = _owner(app)
    if owner is None:
        from aiserver_tray.carriers.inside import Inside  # noqa: PLC0415 - only without an owner
        from aiserver_tray.owner.on_demand import OnDemand  # noqa: PLC0415

        with (
            OnDemand(app, own_core or app.core) as contract,
            Inside(contract, "command", system_language()) as inside,
        ):
            yield inside
        return
    client, app.owner_language = owner
    with client:
        yield client


@contextmanager
def shared_core(app: "App", own_core: "Callable[[], Core] | None" = None) -> Iterator["RemoteCore"]:
    """The core behind `connected`."""
    from aiserver_tray.cli.remote import RemoteCore  # noqa: PLC0415 - after Ctrl-C works

    with connected(app, own_core) as client, RemoteCore(client) as core:
        yield core


def request(app: "App", channel: str, **payload: Any) -> "Json":  # noqa: ANN401 - JSON
    """The data of the response of *channel*, for a command with only one request.

    Raises:
        AiServerError: the request failed.
    """
    with connected(app) as client:
        return client.request(channel, payload)


def set_setting(app: "App", name: str, value: str | None) -> "Json":
    """Set the setting *name* to *value*; None resets it. Returns a `SettingChange`.

    Raises:
        AiServerError: there is no such setting, or it does not accept this value.
    """
    changed = request(app, "ai/config/set", name=name, value=value)
    app.owner_language = None  # the setting may be the language
    return changed


def trust_module(app: "App", name: str, hash: str | None = None) -> None:
    """Allow the module *name* the permissions with this *hash*; without it, all that it asks for
    now.

    Raises:
        AiServerError: there is no such module, or its permissions can't be found or stored.
    """
    request(app, "ai/module/trust", name=name, hash=hash)


def _owner(app: "App") -> "tuple[Client, Language] | None":
    """A client of the owner, and the language of its texts. None if there is no owner, or it uses
    another engine or catalog."""
    from aiserver_tray.carriers.local.place import find_key  # noqa: PLC0415 - after Ctrl-C works

    if find_key(app.home) is None:  # an owner would not accept us
        return None
    from aiserver_tray.carriers.local.client import Client  # noqa: PLC0415 - only with an owner

    with suppress(AiServerError, TimeoutError):  # such an owner can't be used
        client = Client.connect(app.home, "command", language=system_language())
        try:
            about = client.request("ai/app/about", timeout=_OWNER_TIMEOUT_SECONDS)
            if app.is_served_by(about):
                return client, about["language"]
        except BaseException:
            client.close()
            raise
        client.close()
    return None
