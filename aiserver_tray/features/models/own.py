"""Models of our own: those that the module ``local-models`` has, or could have."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
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
    name_of_file,
    offered,
    typed_card,
    usual_hub,
)
from aiserver_tray.features.models.pulls import Download, Pull, Pulls
from aiserver_tray.features.models.servers import OWN, fetch, kind_of
from aiserver_tray.features.models.shelf import Hashing, Look, Shelf, part_of
from aiserver_tray.features.models.used import OWN_KEY, own_server
from aiserver_tray.features.stack.channels import module_of
from aiserver_tray.features.wiring.oneapi import OneApiError
from aiserver_tray.settings.changes import change_setting

if TYPE_CHECKING:
    from aiserver_tray.features.place import Place
    from aiserver_tray.model import Actor

OwnState = Literal["loaded", "loading", "asleep", "failed", "stopped", "lost", "partial", "offered"]
"""loaded, loading, asleep: as the server has it; failed: it can't be loaded; stopped: the module
does not run; lost: it was here, but its file is not, as after a backup was restored; partial: its
download has begun; offered: not here."""

_LIST: Final = f"{OWN}.LOCAL_MODELS_LIST"
_PIECE: Final = 1 << 20
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
    """bytes of a download that was stopped"""
    used_memory: int | None = None
    installed: Installed | None = None


class OwnModels:
    """The models of the module of the installation at *place*. *told* is called when a download
    goes on, or the models have changed."""

    def __init__(self, place: "Place", pulls: Pulls) -> None:
        self._place = place
        self._pulls = pulls

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
        """The offered and the installed models."""
        installed, cards = self.installed(), {card.name: card for card in self.cards()}
        look, states = self._seen()
        named = {**cards, **{n: _card_of(one) for n, one in installed.items() if n not in cards}}
        return [
            self._model(card, installed.get(name), look, states) for name, card in named.items()
        ]

    def _seen(self) -> tuple[Look | None, dict[str, OwnState]]:
        try:
            return self.shelf().look(), self._states()
        except AiServerError:
            return None, {}

    def _states(self) -> dict[str, OwnState]:
        """The state of each model as the server tells it."""
        found: dict[str, OwnState] = {}
        with suppress(OSError, ValueError, LookupError, TypeError, OneApiError):
            for entry in self._ask("/models")["data"]:
                status = entry["status"]
                state = _STATES.get(status["value"], "asleep")
                found[entry["id"]] = "failed" if status.get("failed") else state
        return found

    @staticmethod
    def _model(
        card: Card, installed: Installed | None, look: Look | None, states: dict[str, OwnState]
    ) -> OwnModel:
        size = installed.size if installed else card.download
        if look is None:
            return OwnModel(card, "stopped" if installed else "offered", size, installed=installed)
        begun = max((s for n, s in look.parts.items() if n.startswith(f"{card.name}.")), default=0)
        if installed and look.files.get(card.name) == installed.size:
            memory = look.memory.get(card.name)
            state = states.get(card.name, "asleep")
            return OwnModel(card, state, size, used_memory=memory, installed=installed)
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
        path = Path(source).expanduser()
        if source.lower().endswith(".gguf") and path.is_file():
            return self._pull_file(path, actor)
        card = next((one for one in self.cards() if one.name == source), None)
        if card is None and (kept := self.installed().get(source)):
            card = _card_of(kept)
        if card is None and (card := typed_card(source)) is None:
            raise UnknownNameError(source, [one.name for one in self.cards()])
        if _PART_OF_MANY.search(card.file):
            raise RefusedError(
                Text("Models in several files can't be used. Choose one in one file.")
            )
        with self._pulling(card.name) as (shelf, pull):
            hub = self.hub(language)
            facts = hub.facts(card)
            part = part_of(card.name, facts.sha256)
            Download(hub, facts, shelf, part, pull).run()
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

    def _pull_file(self, path: Path, actor: "Actor") -> Installed:
        name = name_of_file(path.name)
        with self._pulling(name) as (shelf, pull):
            size = path.stat().st_size
            hashing, part = Hashing(0), f"{name}.file"
            shelf.drop_parts(name)
            shelf.check_room(shelf.look(), size)
            pull.begin("downloading", 0, size)
            with path.open("rb") as file:
                pieces = hashing.through(iter(lambda: file.read(_PIECE), b""))
                shelf.append(part, pull.counted(pieces), pull.cancelled)
            made = Installed(name, "file", "", path.name, "", hashing.sha256, size)
            return self._put(shelf, pull, part, made, actor)

    @contextmanager
    def _pulling(self, name: str) -> Iterator[tuple[Shelf, Pull]]:
        shelf = self.shelf()
        with self._pulls.pulling(name) as pull:
            pull.begin("asking")
            try:
                yield shelf, pull
            except AiServerError:
                if pull.cancelled.is_set():
                    raise CancelledError from None
                raise

    def _put(
        self, shelf: Shelf, pull: Pull, part: str, made: Installed, actor: "Actor"
    ) -> Installed:
        if shelf.beginning(part) != "GGUF":
            shelf.drop_parts(made.name)
            raise DownloadError(Text("{file} is no model in the format GGUF.", file=made.file))
        pull.begin("loading")
        shelf.finish(made.name, part)
        self._store(
            [one for one in self.installed().values() if one.name != made.name] + [made], actor
        )
        self.offer(shelf)
        return made

    def offer(self, shelf: Shelf) -> None:
        """Let the server offer the models whose files are whole, and no others."""
        files = shelf.look().files
        whole = [one for one in self.installed().values() if files.get(one.name) == one.size]
        cards = {card.name: card.kind for card in self.cards()}
        shelf.write_presets({one.name: cards.get(one.name) or kind_of(one.name) for one in whole})
        with suppress(OSError, ValueError, OneApiError):
            self._ask("/models?reload=1")

    def remove(self, name: str, actor: "Actor") -> int:
        """Delete the file of the model *name*, or what was begun of it. Returns its bytes.

        Raises:
            UnknownNameError: there is none.
            RefusedError: it is being downloaded, or the module does not run.
        """
        if self._pulls.of(name):
            raise RefusedError(Text("{model} is being downloaded. Cancel that first.", model=name))
        installed, shelf = self.installed(), self.shelf()
        look = shelf.look()
        begun = sum(size for part, size in look.parts.items() if part.startswith(f"{name}."))
        if name not in installed and not begun:
            raise UnknownNameError(name, [*installed])
        if name in installed:
            self._store((one for one in installed.values() if one.name != name), actor)
            self.offer(shelf)
        shelf.remove(name)
        return begun + look.files.get(name, 0)

    # -- hubs -----------------------------------------------------------------------------------

    def hub(self, language: Language) -> Hub:
        """The hub of the module's settings; *language*: of the user."""
        app = self._place.app
        names = [f"{OWN}.LOCAL_MODELS_HUB", f"{OWN}.LOCAL_MODELS_MIRROR"]
        found = app.settings.known({name: app.declared[name] for name in names})
        chosen = found[names[0]]
        name = cast("HubName", usual_hub(language) if chosen == "auto" else chosen)
        address = HUBS.get(name) or found[names[1]]
        return Hub(name, address, app.settings.app.ca_certificates.pem)

    def is_running(self) -> bool:
        """Whether the module runs."""
        module = module_of(self._place.core.store.snapshot, OWN)
        return any(service.state == "running" for service in module.services)


def _card_of(one: Installed) -> Card:
    return Card(
        one.name, one.name, kind_of(one.name), one.repository, one.file, one.size, commit=one.commit
    )
