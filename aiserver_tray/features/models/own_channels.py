"""The channels of our own models: those of the module ``local-models``."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text, in_language
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.engine.values import EngineMachine
from aiserver_tray.features.models.events import OWN_MODELS
from aiserver_tray.features.models.own import OwnModel, OwnModels, OwnState
from aiserver_tray.features.models.pulls import Pulls
from aiserver_tray.features.models.servers import HERE_ONLY, OWN, ModelKind
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller, Message, Peer

if TYPE_CHECKING:
    from aiserver_tray.features.models.channels import ModelsFeature


class PullRequest(Payload):
    """A model to download."""

    model: str = Field(min_length=1, max_length=1000)
    """its name; or `OWNER/REPOSITORY/FILE.gguf` of the hub; or the path of a file that is here"""


class OwnModelName(Payload):
    """A model of our own."""

    model: str = Name


@dataclass(frozen=True)
class OwnModelView:
    """A model that the module `local-models` has, or could have."""

    name: str
    title: str
    kind: ModelKind
    purpose: str
    licence: str
    languages: int
    """how many; 0: unknown"""
    context: int
    """tokens that it was made for; 0: unknown"""
    size: int
    """bytes of its file; about, if it is not here; 0: unknown"""
    memory: int
    """bytes that it needs when it is loaded, about; 0: unknown"""
    fits: bool | None
    """whether it can be loaded now beside those that are; `null`: not known what is free, as on a
    graphics card, or what it needs"""
    state: OwnState
    """loaded, loading, asleep: as the server has it; failed: it can't be loaded; silent: the server
    gives no answer; stopped: the module does not run; lost: it was here, but its file is not; left:
    its file is here, but no list has it; partial: its download has begun; offered: not here"""
    begun: int
    """bytes of a download that was stopped, or of a file that is left"""
    used_memory: int | None
    """bytes that it uses now, if it is loaded"""
    rate: float | None
    """pieces of words (tokens) each second, as the try-out box measured it last"""
    origin: str
    """repository and commit, or the file's name"""
    source: str
    """what to pull to have it, or to go on; empty: it came from a file, or that is not known"""
    general: bool
    """a chat model for anything, to begin with"""
    sha256: str
    """of its file; empty, if it is not here"""


class OwnModelList(TypedDict):
    """Models of our own."""

    models: list[OwnModelView]
    running: bool
    """the module runs"""
    freeMemory: int | None
    """bytes that more models can have now: what is free on the engine, at most what the loaded ones
    leave of the module's limit; `null`: not known"""
    freeDisk: int | None
    hub: str
    """where models come from, such as `huggingface.co`"""
    onCard: bool
    """the module is set to use an NVIDIA graphics card"""


class Pulled(TypedDict):
    """A model that is there now."""

    model: str
    bytes: int
    sha256: str
    notice: Text | None
    """what else there is to know"""


class OwnModelRemoved(TypedDict):
    """A model that is gone."""

    bytes: int
    """that became free"""
    notice: Text | None


class OwnModelsFeature(Feature):
    """``ai/models/own/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._numbers = count(1)
        self._changes = 0
        self._pulls = Pulls(self._tell)
        self._event = OWN_MODELS.message({"pulls": [], "changes": 0})
        self.models = OwnModels(place, self._pulls)
        place.hub.add_state(self._current)

    def close(self) -> None:
        """Stop all downloads; what is there stays."""
        for pull in self._pulls.all():
            pull.cancelled.set()

    def _current(self, _peer: Peer, events: Collection[str]) -> list[Message]:
        return [self._event] if OWN_MODELS.name in events else []

    def _tell(self) -> None:
        pulls = [pull.json() for pull in self._pulls.all()]
        self._event = OWN_MODELS.message({"pulls": pulls, "changes": self._changes})
        self._place.hub.update()

    def _changed(self) -> Text | None:
        """Tell clients that the models have changed, and OneAPI too if it has them; it loses the
        last one with its channel. Returns what else there is to know."""
        self._changes = next(self._numbers)
        self._tell()
        servers = self._feature.models
        used = servers.used.find(OWN)
        if used is None:
            return None
        try:
            if not self.models.has_any():
                return self._feature.drop(used) or Text(
                    "It was the last one, so OneAPI offers none of our own models any more."
                )
            servers.use(used.server, None)
        except AiServerError as error:
            return error.text
        return None

    @property
    def _feature(self) -> "ModelsFeature":
        from aiserver_tray.features.models.channels import ModelsFeature  # noqa: PLC0415 - a circle

        return self._place.feature(ModelsFeature)

    @channel("ai/models/own/list")
    def _list(self, caller: Caller) -> OwnModelList:
        """List the models of the module `local-models`: those that are here, and those that it
        offers."""
        machine, app = self._machine(), self._place.app
        names = {key: f"{OWN}.LOCAL_MODELS_{key}" for key in ("MEMORY", "BACKEND")}
        values = app.settings.known({name: app.declared[name] for name in names.values()})
        limit, free = parse_size(values[names["MEMORY"]]), machine.available_memory
        models, on_card = self.models.all(), values[names["BACKEND"]] == "nvidia"
        left = max(0, limit - sum(one.used_memory or 0 for one in models))
        room = None if free is None else min(left, free)
        return {
            "models": [self._view(one, None if on_card else room, caller) for one in models],
            "running": self.models.is_running(),
            "freeMemory": room,
            "freeDisk": machine.free_disk,
            "hub": self.models.hub(caller.language).host,
            "onCard": on_card,
        }

    def _machine(self) -> EngineMachine:
        """The engine's; nothing is known of one that gives no answer."""
        with suppress(AiServerError):
            return self._place.core.engine.machine()
        return EngineMachine()

    def _view(self, one: OwnModel, room: int | None, caller: Caller) -> OwnModelView:
        card, made = one.card, one.installed
        known = one.state == "loaded" or (room is not None and card.memory)
        fits = one.state == "loaded" or card.memory <= (room or 0)
        origin = f"{card.repository} {made.commit[:12] if made else card.commit[:12]}".strip()
        return OwnModelView(
            name=card.name,
            title=card.title,
            kind=card.kind,
            purpose=in_language(card.purpose, caller.language),
            licence=card.licence,
            languages=card.languages,
            context=card.context,
            size=one.size,
            memory=card.memory,
            fits=fits if known else None,
            state=one.state,
            begun=one.begun,
            used_memory=one.used_memory if one.state == "loaded" else None,
            rate=self._feature.models.used.rate(card.name) if card.kind == "chat" else None,
            origin=origin or card.file,
            source=self.models.source(card),
            general=card.general,
            sha256=made.sha256 if made else "",
        )

    @channel("ai/models/own/pull")
    def _pull(self, asked: PullRequest, caller: Caller) -> Pulled:
        """Download a model for the module `local-models`, which must be running; answers when it is
        there, or why it is not. Size and hash are compared with what the hub says; until then,
        nobody is offered the model. Goes on where an earlier download stopped."""
        refuse_elsewhere(caller.peer, HERE_ONLY)
        made = self.models.pull(asked.model, caller.language, caller.actor)
        notice = self._changed()
        return {"model": made.name, "bytes": made.size, "sha256": made.sha256, "notice": notice}

    @channel("ai/models/own/stop")
    def _stop(self, asked: OwnModelName) -> None:
        """Stop a download. What is there stays, for going on later. No effect if there is none."""
        if pull := self._pulls.of(asked.model):
            pull.cancelled.set()

    @channel("ai/models/own/remove")
    def _remove(self, asked: OwnModelName, caller: Caller) -> OwnModelRemoved:
        """Delete a model of the module `local-models`, or what was begun of it."""
        refuse_elsewhere(caller.peer, HERE_ONLY)
        freed = self.models.remove(asked.model, caller.actor)
        return {"bytes": freed, "notice": self._changed()}
