"""The channel that lets a module use another one, such as OneAPI."""

from typing import TypedDict

from aiserver_tray.base.errors import RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.place import Place
from aiserver_tray.features.wiring.oneapi import OneApiError
from aiserver_tray.features.wiring.wiring import Consumer, consumer_of, working_token
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.changes import change_setting


class Connected(Payload):
    """A module that can use another one."""

    module: str = Name


class AccessToken(TypedDict):
    """The setting that now has an access token."""

    setting: str
    """its address"""


class WiringFeature(Feature):
    """``ai/module/connect``."""

    def __init__(self, place: Place) -> None:
        self._app = place.app
        self._place = place

    @channel("ai/module/connect")
    def _connect(self, asked: Connected, caller: Caller) -> AccessToken:
        """Create the access token of a module at the module that it can use, which must be running,
        and store it. A stored token that works is kept."""
        if (consumer := consumer_of(self._app.catalog.module(asked.module))) is None:
            why = Text("{module} has no access token to create.", module=asked.module)
            raise RefusedError(why, ["module"])
        token = self._token(consumer)
        change_setting(self._app.settings, self._app.declared, consumer.token, token, caller.actor)
        self._place.refresh()
        return {"setting": consumer.token}

    def _token(self, consumer: Consumer) -> str:
        """Raises ``RefusedError`` where there is none to be had."""
        try:
            return working_token(self._app, consumer, self._place.core.store.snapshot)
        except OneApiError as error:
            text = Text("Can't create an access token in {provider}: {why}.")
            values = {"provider": consumer.provider, "why": error.why}
            raise RefusedError(text.with_values(values)) from None
