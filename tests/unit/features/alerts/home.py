"""The channels of alert rules in a home."""

from typing import cast

from aiserver_tray.core.app import App
from aiserver_tray.features.alerts.channels import AlertsFeature
from aiserver_tray.features.alerts.events import RULES
from aiserver_tray.protocol.channel import dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Json, Message, Peer
from aiserver_tray.state.facts import ModulesChanged
from tests.support.made import model
from tests.support.places import place

CALLER = Caller(Peer("window", "en", lambda _message: None), "en")


class Rules:
    """The channels of a home whose engine does not answer."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.messages: list[Message] = []
        self._core = app.core()
        self._core.store.put(ModulesChanged((model("web"),)))
        self._core.store.flush()
        here = place(app, self._core)
        here.hub.subscribe(Peer("window", "en", self.messages.append), [RULES.name])
        self._feature = AlertsFeature(here)

    def ask(self, name: str, **asked: object) -> Envelope:
        return dispatch(handlers_of([self._feature]), f"ai/rules/{name}", asked, CALLER)

    def given(self, name: str, **asked: object) -> Json:
        answer = self.ask(name, **asked)
        assert answer["success"], answer
        return cast(Json, answer["data"])

    def rule(self, id: str) -> Json:
        (rule,) = (one for one in self.given("list")["rules"] if one["id"] == id)
        return cast(Json, rule)

    def close(self) -> None:
        self._feature.close()
        self._core.close()
