"""Models of our own: those that the module ``local-models`` has, or could have."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from http.client import HTTPException
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from aiserver_tray.base.errors import (
    AiServerError,
    CancelledError,
    DownloadError,
    RefusedError,
    UnknownNameError,
)
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.features.models.hub import (
    HUBS,
    Card,
    Hub,
    HubName,
    is_file,
    name_of_file,
    offered,
    typed_card,
    usual_hub,
)
from aiserver_tray.features.models.pulls import Download, Phase, Pull, Pulls
from aiserver_tray.features.models.servers import OWN, fetch, kind_of
from aiserver_tray.features.models.shelf import Hashing, Look, Shelf, part_of
from aiserver_tray.features.models.used import OWN_KEY, container_of, own_server
from aiserver_tray.features.wiring.oneapi import OneApiError
from aiserver_tray.settings.changes import change_setting

if TYPE_CHECKING:
    from aiserver_tray.features.place import Place
    from aiserver_tray.model import Actor

OwnState = Literal[
    "loaded",
    "loading",
    "asleep",
    "failed",
    "silent",
    "stopped",
    "lost",
    "left",
    "partial",
    "offered",
]
"""As `OwnModelView.state` says. Lost is also what a backup has that was restored."""

_LIST: Final = f"{OWN}.LOCAL_MODELS_LIST"
_PIECE: Final = 1 << 20
_NO_ANSWER: Final = (OSError, HTTPException, ValueError, OneApiError)
"""Of the module's server."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_PART_OF_MANY: Final = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_STATES: Final[dict[str, OwnState]] = {"loaded": "loaded", "loading": "loading"}


@dataclass(frozen=True)
class Installed:
    """A model in the list that is kept in the module's settings."""

    name: str
    hub: str
    """of `HUBS`, an address, or `file`"""
    repository: str
    file: str
    commit: str
    sha256: str
    size: int


@dataclass(frozen=True)
class OwnModel:
    """A model of the module, with what is known of it now."""

    card: Card
    state: OwnState
    size: int
    """bytes of its file, about if it is not here"""
    begun: int = 0
    """bytes of a download that was stopped, or of a file that is left"""
    used_memory: int | None = None
    installed: Installed | None = None


class OwnModels:
    """The models of the module of the installation at *place*. *told* is called when a download
    goes on, or the models have changed."""

    def __init__(self, place: "Place", pulls: Pulls) -> None:
        self._place = place
        self._pulls = pulls
        self._lock = Lock()
        """Of the list and of what the server offers, which are read, changed and written."""
        self._typed: dict[str, str] = {}
        """What a person typed in this process to get a model that no list has."""

    # -- what there is --------------------------------------------------------------------------

    def cards(self) -> tuple[Card, ...]:
        """The models that the module offers."""
        return offered(self._place.app.catalog.module(OWN).folder)

    def installed(self) -> dict[str, Installed]:
        """The list in the module's settings, by name. What is no such entry is left out."""
        app = self._place.app
        text = app.settings.known({_LIST: app.declared[_LIST]}).get(_LIST) or "[]"
        found: dict[str, Installed] = {}
        with suppress(ValueError, TypeError):
            for entry in json.loads(text):
                with suppress(TypeError):
                    one = Installed(**entry)
                    if _NAME.fullmatch(one.name):
                        found[one.name] = one
        return found

    def _store(self, models: Iterable[Installed], actor: "Actor") -> None:
        app = self._place.app
        kept = [asdict(one) for one in models]
        value = json.dumps(kept, separators=(",", ":")) if kept else None
        change_setting(app.settings, app.declared, _LIST, value, actor)
        self._place.refresh()

    def shelf(self) -> Shelf:
        """The volume. Raises as `Shelf` does."""
        core = self._place.core
        return Shelf(core.engine.containers, core.store.snapshot)

    def all(self) -> list[OwnModel]:
        """The models that are here, also those of which only files are there, and the offered."""
        installed, cards = self.installed(), {card.name: card for card in self.cards()}
        look, states = self._seen()
        named = cards | {n: _card_of(one) for n, one in installed.items() if n not in cards}
        if look:
            for n in sorted(look.names - {*named}):  # of these, only files are known
                named[n] = Card(n, n, kind_of(n), "", "", look.files.get(n) or look.begun(n))
        found = (self._model(card, installed.get(n), look, states) for n, card in named.items())
        return sorted(found, key=lambda one: one.state == "offered")

    def has_any(self) -> bool:
        """Whether a model may be there: one of the list, whose file is not known to be missing."""
        return any(one.installed and one.state != "lost" for one in self.all())

    def _seen(self) -> tuple[Look | None, dict[str, OwnState] | None]:
        try:
            return self.shelf().look(), self._states()
        except AiServerError:
            return None, None

    def _states(self) -> dict[str, OwnState] | None:
        """The state of each model as the server tells it. None: it gives no answer."""
        found: dict[str, OwnState] = {}
        try:
            for entry in self._ask("/models")["data"]:
                status = entry["status"]
                state = _STATES.get(status["value"], "asleep")
                found[entry["id"]] = "failed" if status.get("failed") else state
        except (*_NO_ANSWER, LookupError, TypeError, AttributeError):
            return None
        return found

    @staticmethod
    def _model(
        card: Card,
        installed: Installed | None,
        look: Look | None,
        states: dict[str, OwnState] | None,
    ) -> OwnModel:
        size = installed.size if installed else card.download
        if look is None:
            return OwnModel(card, "stopped" if installed else "offered", size, installed=installed)
        begun, file = look.begun(card.name), look.files.get(card.name)
        if installed and file == installed.size:
            memory = look.memory.get(card.name)
            state = "silent" if states is None else states.get(card.name, "asleep")
            return OwnModel(card, state, size, used_memory=memory, installed=installed)
        if file and not installed:
            return OwnModel(card, "left", size, begun + file)
        state = "lost" if installed else "partial" if begun else "offered"
        return OwnModel(card, state, size, begun, installed=installed)

    # -- the server -----------------------------------------------------------------------------

    def _ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        server = own_server(self._place.core.store.snapshot)
        key = self._place.app.settings.secrets.values([OWN_KEY]).get(OWN_KEY, "")
        status, body = fetch(replace(server, address=server.base), path, key)
        if status != 200:
            raise ValueError(status)
        return json.loads(body)

    # -- changes --------------------------------------------------------------------------------

    def pull(self, source: str, language: Language, actor: "Actor") -> Installed:
        """Download the model that *source* names: one of `cards`, a file of a hub, or the path of a
        file of this computer. Goes on with what an earlier download has left.

        Raises:
            CancelledError: that was asked for. What is there stays for the next one.
            DownloadError, RefusedError, UnknownNameError: it can't be had; says why.
        """
        if is_file(source):
            return self._pull_file(Path(source).expanduser(), actor)
        hub = self.hub(language)
        card = self._card(source, hub)
        _check_whole(card.file)
        self._check_name(card)
        self._typed[card.name] = source
        with self._pulling(card.name, "asking") as (shelf, pull):
            facts = hub.facts(card)
            part = part_of(card.name, facts.sha256)
            Download(hub, facts, shelf, part, pull, self._pulls).run()
            made = Installed(
                card.name,
                hub.name,
                card.repository,
                card.file,
                facts.commit,
                facts.sha256,
                facts.size,
            )
            return self._put(shelf, pull, part, made, actor)

    def source(self, card: Card) -> str:
        """What `pull` takes to get the model of *card*; empty: that is not known."""
        return card.name if card.repository else self._typed.get(card.name, "")

    def _card(self, source: str, hub: Hub) -> Card:
        """The file of *hub* that *source* names. One that was here and is missing is the same one
        again, if a hub of its kind is asked: commits are others elsewhere."""
        card = next((one for one in self.cards() if one.name == source), None)
        kept = self.installed().get(source)
        if kept and kept.hub == "file":
            text = Text(
                "{model} came from a file. Copy it again: aiserver-tray models pull {file}",
                model=source,
                file=kept.file,
            )
            raise RefusedError(text)
        if kept and (kept.hub == "modelscope") != (hub.name == "modelscope"):
            card = card or replace(_card_of(kept), commit="")
        elif kept and (card is None or self.shelf().look().files.get(source) != kept.size):
            card = replace(
                card or _card_of(kept),
                repository=kept.repository,
                file=kept.file,
                commit=kept.commit,
                sha256=kept.sha256,
                source="",
            )
        if card is None and (card := typed_card(source)) is None:
            raise UnknownNameError(source, [one.name for one in self.cards()])
        return card

    def _check_name(self, card: Card) -> None:
        """Raises `RefusedError` if another model, also one that is only offered, has the name of
        *card*, which is of a file if it has no repository."""
        kept = self.installed().get(card.name)
        known = next((one for one in self.cards() if one.name == card.name), None)
        there = kept.repository if kept else known.repository if known else card.repository
        if there == card.repository:
            return
        raise RefusedError(
            Text(
                "{model} is the name of another model, from {origin}. Rename the file, or first "
                "delete that one: aiserver-tray models remove {model}",
                model=card.name,
                origin=there or Text("a file"),
            )
            if kept
            else Text(
                "{model} is the name of the model from {origin}. Rename the file.",
                model=card.name,
                origin=there,
            )
        )

    def _pull_file(self, path: Path, actor: "Actor") -> Installed:
        name = name_of_file(path.name)
        _check_whole(path.name)
        self._check_name(Card(name, name, kind_of(name), "", path.name))
        with self._pulling(name, "copying") as (shelf, pull):
            size = path.stat().st_size
            hashing, part = Hashing(0), part_of(name, "file")
            shelf.drop_parts(name)
            pull.begin("copying", 0, size)
            shelf.check_room(shelf.look(), size, self._pulls.needed_beside(pull))
            with path.open("rb") as file:
                pieces = hashing.through(iter(lambda: file.read(_PIECE), b""))
                shelf.append(part, pull.counted(pieces), pull.cancelled)
            made = Installed(name, "file", "", path.name, "", hashing.sha256, size)
            return self._put(shelf, pull, part, made, actor)

    @contextmanager
    def _pulling(self, name: str, phase: Phase) -> Iterator[tuple[Shelf, Pull]]:
        shelf = self.shelf()
        with self._pulls.pulling(name, phase) as pull:
            try:
                yield shelf, pull
            except AiServerError:
                if pull.cancelled.is_set():
                    raise CancelledError from None
                raise

    def _put(
        self, shelf: Shelf, pull: Pull, part: str, made: Installed, actor: "Actor"
    ) -> Installed:
        size, beginning = shelf.written(part)
        if size != made.size or beginning != "GGUF":
            shelf.drop_parts(made.name)
            raise DownloadError(
                Text("{file} is no model in the format GGUF.", file=made.file)
                if size == made.size
                else Text(
                    "{file} did not arrive whole, and what came was deleted. Pull it again.",
                    file=made.file,
                )
            )
        pull.begin("loading")
        with self._lock:
            # First the list: what a crash leaves is then a model that can be continued, or deleted.
            others = [one for one in self.installed().values() if one.name != made.name]
            self._store([*others, made], actor)
            self._offer(shelf, shelf.finish(made.name, part))
        return made

    def _offer(self, shelf: Shelf, look: Look) -> None:
        """Let the server offer the models whose files are whole by *look*, and no others."""
        files = look.files
        whole = [one for one in self.installed().values() if files.get(one.name) == one.size]
        cards = {card.name: card.kind for card in self.cards()}
        shelf.write_presets({one.name: cards.get(one.name) or kind_of(one.name) for one in whole})
        with suppress(*_NO_ANSWER):
            self._ask("/models?reload=1")

    def remove(self, name: str, actor: "Actor") -> int:
        """Delete the file of the model *name*, and what was begun of it. Returns its bytes.

        Raises:
            UnknownNameError: there is none.
            RefusedError: it is being downloaded, or the module does not run.
        """
        if self._pulls.of(name):
            raise RefusedError(Text("{model} is being downloaded. Cancel that first.", model=name))
        with self._lock:
            installed, shelf = self.installed(), self.shelf()
            look = shelf.look()
            if name not in installed and name not in look.names:
                raise UnknownNameError(name, sorted({*installed, *look.names}))
            rest = shelf.remove(name)
            if name in installed:
                self._store((one for one in installed.values() if one.name != name), actor)
                self._offer(shelf, rest)
        return look.begun(name) + look.files.get(name, 0)

    # -- hubs -----------------------------------------------------------------------------------

    def hub(self, language: Language) -> Hub:
        """The hub of the module's settings; *language*: of the user."""
        app = self._place.app
        names = [f"{OWN}.LOCAL_MODELS_HUB", f"{OWN}.LOCAL_MODELS_MIRROR"]
        found = app.settings.known({name: app.declared[name] for name in names})
        chosen = found[names[0]]
        name = cast("HubName", usual_hub(language) if chosen == "auto" else chosen)
        address = HUBS.get(name) or found[names[1]]
        return Hub(name, address.rstrip("/"), app.settings.app.ca_certificates.pem)

    def is_running(self) -> bool:
        """Whether the module runs."""
        with suppress(RefusedError):
            return bool(container_of(self._place.core.store.snapshot, OWN))
        return False


def _check_whole(file: str) -> None:
    """Raises `RefusedError` if *file* is only a part of a model."""
    if _PART_OF_MANY.search(file):
        raise RefusedError(Text("Models in several files can't be used. Choose one in one file."))


def _card_of(one: Installed) -> Card:
    return Card(
        one.name, one.name, kind_of(one.name), one.repository, one.file, one.size, commit=one.commit
    )
