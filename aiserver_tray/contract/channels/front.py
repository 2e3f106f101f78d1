"""The contract as one process offers it: the core's channels, and those about itself."""

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiserver_tray import __version__
from aiserver_tray.app import App
from aiserver_tray.base.errors import NotPossibleError, RemoteError, UnknownNameError
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.channels.dispatch import Handlers, dispatch
from aiserver_tray.contract.channels.surroundings import Surroundings
from aiserver_tray.contract.contract import (
    Address,
    Caller,
    ClientLine,
    Contract,
    Envelope,
    Json,
    Nothing,
    OfModule,
    PageName,
    Quitting,
    Switch,
)
from aiserver_tray.system import autostart
from aiserver_tray.system.open_url import open_url

_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO}

_page = logging.getLogger("aiserver_tray.page")


class Front:
    """*core*'s contract, wherever that runs, with *surroundings* of this process before it. What
    is said is in the language that the user chose, whatever the client's own."""

    def __init__(self, app: App, core: Contract, surroundings: Surroundings) -> None:
        self._app = app
        self._core = core
        self._surroundings = surroundings
        self._handlers: Handlers = {
            "ai/app/about": self._about,
            "ai/app/quit": self._quit,
            "ai/logs/client/append": self._append,
            "ai/module/open": self._open_module,
            "ai/system/autostart": self._autostart,
            "ai/system/openExternal": self._open_external,
            "ai/window/show": self._show,
        }

    def invoke(self, channel: str, payload: Any, caller: Caller) -> Envelope:  # noqa: ANN401 - JSON
        """The answer. Blocks until there is one, and never raises."""
        reader = replace(caller, language=self._app.language_for(caller.language))
        if channel in self._handlers:
            return dispatch(self._handlers, channel, payload, reader)
        return self._core.invoke(channel, payload, reader)

    def snapshot(self, language: Language) -> Json:
        """Everything as it is now."""
        return self._core.snapshot(self._app.language_for(language))

    def operations(self, language: Language) -> list[Json]:
        """The operations with all of their steps."""
        return self._core.operations(self._app.language_for(language))

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls *callback* after every change."""
        return self._core.observe(callback)

    def forget(self, caller: Caller) -> None:
        """The client is gone."""
        self._core.forget(caller)

    # -- channels ------------------------------------------------------------------------------

    def _about(self, _asked: Nothing, caller: Caller) -> Json:
        engine = self._engine(caller)  # asked first: the core takes up a changed catalog by that
        return {
            "version": __version__,
            "pid": os.getpid(),
            "host": self._surroundings.kind,
            "language": caller.language,
            **self._app.identity,
            **engine,
        }

    def _engine(self, caller: Caller) -> Json:
        """The one that the core talks to: what is set may have changed since it began."""
        told = self._core.invoke("ai/docker/checkDocker", {}, caller)
        return {"engine": told["data"]["address"]} if told["success"] else {}

    def _quit(self, asked: Quitting, caller: Caller) -> Json:
        if asked.stop:
            request = {"kind": "stop", "untilEnd": True}
            _data(self._core.invoke("ai/operation/start", request, caller))
        self._surroundings.quit()
        return {}

    def _append(self, asked: ClientLine, _caller: Caller) -> Json:
        # In one line: others would look like the application's own.
        line = asked.message.encode("unicode_escape").decode("ascii")
        _page.log(_LEVELS.get(asked.level, logging.DEBUG), "%s", line)
        return {}

    def _open_module(self, asked: OfModule, caller: Caller) -> Json:
        modules = {m["name"]: m for m in self._core.snapshot(caller.language)["modules"]}
        if asked.name not in modules:
            raise UnknownNameError(asked.name, list(modules))
        module = modules[asked.name]
        if not module["open"]:
            raise NotPossibleError(asked.name, "open", module["abilities"]["open"])
        self._surroundings.open_module(module)
        return {"url": module["open"]}

    def _autostart(self, asked: Switch, _caller: Caller) -> Json:
        home, options = self._app.settings.home, self._app.start_options
        if asked.enabled:
            autostart.enable(home, options)
        elif asked.enabled is not None:
            autostart.disable(home)
        self._surroundings.refresh_autostart()
        is_enabled = autostart.is_enabled(home, options)
        return {"enabled": is_enabled, "supported": autostart.is_supported()}

    def _open_external(self, asked: Address, _caller: Caller) -> Json:
        open_url(asked.url)
        return {}

    def _show(self, asked: PageName, _caller: Caller) -> Json:
        self._surroundings.show_dashboard(asked.page)
        return {}


def _data(answer: Envelope) -> Json:
    """What *answer* brings.

    Raises:
        RemoteError: it is a no.
    """
    if not answer["success"]:
        raise RemoteError(answer["code"], answer["message"], answer["data"])
    return dict(answer["data"])
