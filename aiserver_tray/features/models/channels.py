"""The channels of models."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import RefusedError, SettingError, UnknownNameError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.models.events import ANSWER
from aiserver_tray.features.models.models import ONEAPI, Models, RelayKeeper
from aiserver_tray.features.models.servers import (
    HERE_ONLY,
    KNOWN,
    OWN,
    Answer,
    Model,
    Server,
    ServerState,
    kind_of,
    typed_server,
)
from aiserver_tray.features.models.talk import Question, Talk
from aiserver_tray.features.models.works import Checked, CheckEvery, Checks
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.features.wiring.wiring import consumer_of, is_connected
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller, Peer
from aiserver_tray.settings.entries import ModelsEntry

if TYPE_CHECKING:
    from aiserver_tray.features.alerts.watch import RuleWatch
    from aiserver_tray.features.models.used import UsedServer

_ADDRESS = Field(min_length=1, max_length=300)


class ModelsRequest(Payload):
    """How to list servers."""

    look: bool = True
    """ask each server now; otherwise, only those that the stack uses are listed, as they were"""


class ServerChoice(Payload):
    """A server to use."""

    server: str = _ADDRESS
    """its name, or its address"""
    key: str | None = Field(default=None, max_length=1000, repr=False)
    """the API key that it wants; `null`: as before, or none"""


class ServerName(Payload):
    """A server that the stack uses."""

    server: str = Name


class ChainRequest(Payload):
    """What to check."""

    server: str | None = Field(default=None, min_length=1, max_length=200)
    """name of a server that the stack uses; `null`: all of them"""


class ModelQuestion(Payload):
    """A question to a model."""

    id: str = Name
    """chosen by the client, for the parts of the answer and for stopping it"""
    server: str = Name
    model: str = Name
    text: Annotated[str, Field(min_length=1, max_length=20_000)]


class QuestionId(Payload):
    """A question of this client."""

    id: str = Name


@dataclass(frozen=True)
class ServerView:
    """A model server."""

    name: str
    title: str
    address: str
    """for programs of this computer"""
    state: ServerState | None
    """`null`: it was not asked"""
    models: tuple[Model, ...]
    """those that it has now; if nobody is asked, those that OneAPI has"""
    used: bool
    """the stack uses it"""
    relay: int | None
    """the port of its relay on this computer's address for containers; `null`: it has none"""
    problem: Text | None
    """why what uses it gets no answers"""
    hint: Text | None
    """how a person turns it on"""


class ModelList(TypedDict):
    """Model servers."""

    servers: list[ServerView]
    waiting: list[str]
    """the modules that ask OneAPI for models"""
    checked: Checked | None
    """the last check of all servers; `null`: none since they changed or this process began"""
    every: CheckEvery
    """how often they are checked by themselves"""


class ServerUsed(TypedDict):
    """A server that the stack uses now."""

    server: ServerView
    notice: Text | None
    """what else there is to know"""


class ServerRemoved(TypedDict):
    """The stack no longer uses a server."""

    notice: Text | None
    """why its channel is still in OneAPI"""


class ModelsFeature(Feature):
    """``ai/models/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._keeper: RelayKeeper | None = None
        self._questions: dict[tuple[Peer, str], Question] = {}

    @cached_property
    def models(self) -> Models:
        """The model servers."""
        return Models(self._place)

    @cached_property
    def _checks(self) -> Checks:
        return Checks(self.models, self._place, self._checked)

    @property
    def _alerts(self) -> "RuleWatch":
        from aiserver_tray.features.alerts.channels import AlertsFeature  # noqa: PLC0415 - slow

        return self._place.feature(AlertsFeature).watch

    def _checked(self) -> None:
        if self._keeper:
            self._alerts.refresh()

    def start(self) -> None:
        self._alerts.models_trouble = lambda: self.models.trouble
        self._keeper = RelayKeeper(self.models, self._place.core.store)
        self._checks.follow()

    def refresh(self) -> None:
        """The schedule may have changed."""
        if self._keeper:
            self._checks.follow()

    def close(self) -> None:
        """End all questions and checks, and close the relays."""
        if "_checks" in vars(self):
            self._checks.close()
        for question in tuple(self._questions.values()):
            question.stop()
        if self._keeper:
            self._keeper.close()
        elif "models" in vars(self):
            self.models.close()

    @channel("ai/models/list")
    def _list(self, asked: ModelsRequest) -> ModelList:
        """List the model servers of this computer, and those that the stack uses."""
        used = {one.name: one for one in self.models.used.all()}
        if asked.look:
            found = self.models.ask_all()
            views = [self._view(s, answer, used.get(name)) for name, (s, answer) in found.items()]
        else:
            views = [self._view(one.server, None, one) for one in used.values()]
        return {
            "servers": views,
            "waiting": self._waiting(),
            "checked": self._checks.latest,
            "every": self._place.app.settings.app.check_models,
        }

    @channel("ai/models/use")
    def _use(self, asked: ServerChoice, caller: Caller) -> ServerUsed:
        """Let the stack use a model server: adds it to OneAPI, which must be running, and opens a
        relay to it if containers don't reach it without one."""
        refuse_elsewhere(caller.peer, HERE_ONLY)
        server = self.models.named(asked.server) or _typed(asked.server)
        used = self.models.use(server, asked.key)
        self._checks.forget()
        self._record(used, caller, is_used=True)
        notice = None
        if used.port and self._keeper is None:
            self.models.close()
            notice = self.models.relay_problem(used)
        return {"server": self._view(used.server, None, used), "notice": notice}

    @channel("ai/models/remove")
    def _remove(self, asked: ServerName, caller: Caller) -> ServerRemoved:
        """Let the stack no longer use a model server. The server itself is not touched."""
        refuse_elsewhere(caller.peer, HERE_ONLY)
        used = self._used(asked.server)
        notice = self.drop(used)
        self._record(used, caller, is_used=False)
        return {"notice": notice}

    def drop(self, used: "UsedServer") -> Text | None:
        """Let the stack no longer use a server. Returns why its channel is still in OneAPI."""
        notice = self.models.remove(used)
        self._checks.forget()
        return notice

    @channel("ai/models/check")
    def _check(self, asked: ChainRequest) -> Checked:
        """Ask each model server that the stack uses one small question through OneAPI, and find the
        link that breaks. Without a server, also check embedding, webhook, mail, clock, disk and
        backups."""
        servers = [self._used(asked.server)] if asked.server else self.models.used.all()
        if not servers:
            why = Text("The stack uses no model server yet. Find one: aiserver-tray models list")
            raise RefusedError(why)
        return self._checks.run(servers, is_all=asked.server is None)

    @channel("ai/models/ask")
    def _ask(self, asked: ModelQuestion, caller: Caller) -> Talk:
        """Ask a model something. Its answer arrives as `ai/models/answer`; answers when it is
        complete. Nothing of it is kept."""
        server = self.models.named(asked.server)
        if server is None:
            raise UnknownNameError(asked.server, [one.name for one in KNOWN])
        question = Question(server, self.models.used.key(server.name), asked.model)
        key = caller.peer, asked.id
        self._questions[key] = question
        try:
            talk = question.ask(
                asked.text,
                lambda text: caller.peer.send(ANSWER.message({"id": asked.id, "text": text})),
            )
            if talk.rate and server.name == OWN:
                self.models.used.measured(asked.model, talk.rate)
            return talk
        finally:
            del self._questions[key]

    @channel("ai/models/stop")
    def _stop(self, asked: QuestionId, caller: Caller) -> None:
        """End a question of this client. No effect if it has its answer."""
        if question := self._questions.get((caller.peer, asked.id)):
            question.stop()

    def forget(self, peer: Peer) -> None:
        """End its questions."""
        for (asker, _), question in tuple(self._questions.items()):
            if asker is peer:
                question.stop()

    def _record(self, used: "UsedServer", caller: Caller, *, is_used: bool) -> None:
        address, models = used.address, tuple(used.models)
        entry = ModelsEntry(
            actor=caller.actor, title=used.title, address=address, models=models, is_used=is_used
        )
        self._place.app.settings.journal.add(entry)

    def _used(self, name: str) -> "UsedServer":
        if found := self.models.used.find(name):
            return found
        raise UnknownNameError(name, [one.name for one in self.models.used.all()])

    def _view(self, server: Server, answer: Answer | None, used: "UsedServer | None") -> ServerView:
        state = answer.state if answer else "off" if self.models.is_off(server.name) else None
        known = tuple(Model(name, kind_of(name)) for name in (used.models if used else ()))
        return ServerView(
            name=server.name,
            title=server.title,
            address=server.address,
            state=state,
            models=answer.models if answer else known,
            used=used is not None,
            relay=used.port if used else None,
            problem=self._problem(server, used, state) if used else None,
            hint=server.hint,
        )

    def _problem(
        self, server: Server, used: "UsedServer", state: ServerState | None
    ) -> Text | None:
        if state == "off":
            return Text(
                "Nothing answers at {address}. Modules that use {name} get no answer.",
                address=server.address,
                name=server.title,
            )
        if state == "key":
            return Text("{name} wants another API key.", name=server.title)
        return self.models.relay_problem(used) if self._keeper else None

    def _waiting(self) -> list[str]:
        """The modules that are connected to OneAPI."""
        app = self._place.app
        consumers = filter(None, map(consumer_of, app.catalog.modules.values()))
        return [c.module for c in consumers if c.provider == ONEAPI and is_connected(app, c)]


def _typed(address: str) -> Server:
    """Raises `SettingError`: that is no address, and no name of a known server."""
    if any(sign in address for sign in ".:/[") or address == "localhost":
        try:
            return typed_server(address)
        except ValueError:
            pass
    names = ", ".join(one.name for one in KNOWN)
    why = Text(
        "expected an address such as http://127.0.0.1:8080/v1, or one of: {names}", names=names
    )
    raise SettingError(address, why)
