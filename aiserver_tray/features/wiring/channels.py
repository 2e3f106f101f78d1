"""The channels that let a module use another one, such as OneAPI."""

from dataclasses import dataclass
from typing import TypedDict

from aiserver_tray.base.codec import view_of
from aiserver_tray.base.errors import RefusedError
from aiserver_tray.base.i18n import Text, in_language
from aiserver_tray.features.place import Place
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.features.wiring.oneapi import OneApiError
from aiserver_tray.features.wiring.wiring import (
    ELSEWHERE,
    Consumer,
    consumer_of,
    delete_token,
    has_token,
    is_connected,
    working_token,
)
from aiserver_tray.protocol.channel import Feature, Names, OfModule, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.changes import change_setting


class ConsumersRequest(Payload):
    """Modules of the catalog."""

    modules: Names = ()
    """all modules without it"""


@dataclass(frozen=True)
class ConsumerView(Consumer):
    """A module that can use another one."""

    help: str
    """the user's steps inside the module itself; often none"""
    has_token: bool
    is_connected: bool
    """it has an access token, or its setting makes it use the provider"""


class Consumers(TypedDict):
    """The modules that can use another one."""

    consumers: list[ConsumerView]
    """of the modules asked for; those that can't use another one are left out"""
    problem: Text | None
    """why no access token can be created or deleted here"""


class AccessToken(TypedDict):
    """The setting that now has an access token."""

    setting: str
    """its address"""


class Disconnected(TypedDict):
    """A module no longer uses another one."""

    notice: Text | None
    """why its access token is still there"""


class WiringFeature(Feature):
    """``ai/module/connect``, ``consumers`` and ``disconnect``."""

    def __init__(self, place: Place) -> None:
        self._app = place.app
        self._place = place

    @channel("ai/module/consumers")
    def _consumers(self, asked: ConsumersRequest, caller: Caller) -> Consumers:
        """List the modules that can use another one with an access token of it."""
        app, catalog = self._app, self._app.catalog
        modules = [catalog.module(name) for name in asked.modules or catalog.modules]
        found = [
            view_of(
                ConsumerView,
                consumer,
                help=in_language(app.declared[consumer.token].help, caller.language),
                has_token=has_token(app, consumer),
                is_connected=is_connected(app, consumer),
            )
            for module in modules
            if (consumer := consumer_of(module))
        ]
        problem = None if app.used_engine.address.reaches_ports else ELSEWHERE
        return {"consumers": found, "problem": problem}

    @channel("ai/module/connect")
    def _connect(self, asked: OfModule, caller: Caller) -> AccessToken:
        """Create the access token of a module at the module that it can use, which must be running,
        and store it. A stored token that works is kept."""
        consumer = self._consumer(asked.module)
        self._place.feature(StackFeature).forward_ports()
        token = self._token(consumer)
        change_setting(self._app.settings, self._app.declared, consumer.token, token, caller.actor)
        self._place.refresh()
        return {"setting": consumer.token}

    @channel("ai/module/disconnect")
    def _disconnect(self, asked: OfModule, caller: Caller) -> Disconnected:
        """Delete the access token of a module at the module that it uses, which should be running,
        and reset the settings that use it."""
        app, consumer = self._app, self._consumer(asked.module)
        self._place.feature(StackFeature).forward_ports()
        notice = delete_token(app, consumer, self._place.core.store.snapshot)
        for address in (consumer.choice, consumer.token):
            change_setting(app.settings, app.declared, address, None, caller.actor)
        self._place.refresh()
        return {"notice": notice}

    def _consumer(self, module: str) -> Consumer:
        consumer = consumer_of(self._app.catalog.module(module))
        if consumer is None:
            why = Text("{module} has no access token to create.", module=module)
            raise RefusedError(why, ["module"])
        return consumer

    def _token(self, consumer: Consumer) -> str:
        """Raises ``RefusedError`` where there is none to be had; its data has the ``reason``."""
        try:
            return working_token(self._app, consumer, self._place.core.store.snapshot)
        except OneApiError as error:
            text = Text("Can't create an access token in {provider}: {why}.")
            values = {"provider": consumer.provider, "why": error.why}
            raise RefusedError(text.with_values(values), reason=error.why) from None
