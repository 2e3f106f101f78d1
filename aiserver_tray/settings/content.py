"""The content of the files of a home folder, except for the secrets."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from aiserver_tray.settings.files import FileModel, SealedModel, VersionedFile

_MAX_IMAGES = 500
"""Years of updates; images that the user has removed stay among them."""

_NEWEST_WEIGHT = 0.5
"""Weight of the newest duration against those from before."""


class InstallationData(SealedModel):
    """installation.json"""

    version: Literal[1] = 1
    id: str = Field(default_factory=lambda: str(uuid4()), min_length=1)


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


class SettingsData(FileModel):
    """settings.json. ``chosen`` None: the user has not chosen yet. ``trusted``: by module, the hash
    of the permissions that the user allowed. ``welcomed``: the user has seen the first steps. A
    user who edits the file may write numbers, true and false without quotes."""

    version: Literal[1] = 1
    values: dict[str, Annotated[str, BeforeValidator(_as_text)]] = Field(default_factory=dict)
    chosen: list[str] | None = None
    trusted: dict[str, str] = Field(default_factory=dict)
    welcomed: bool = False


class EngineState(BaseModel):
    """Data about one engine: the modules that the user asked for; the services of these that the
    user stopped alone (``module/service``); learnt durations in seconds, by name; and the IDs of
    the images that we pulled or built, the newest last."""

    model_config = ConfigDict(extra="forbid", strict=True)

    desired: list[str] = Field(default_factory=list)
    stopped: list[str] = Field(default_factory=list)
    learnt: dict[str, float] = Field(default_factory=dict)
    images: list[str] = Field(default_factory=list)

    def learn(self, durations: Mapping[str, float]) -> None:
        """Learn the *durations* of a run, by name."""
        for name, seconds in durations.items():
            earlier = self.learnt.get(name, seconds)
            self.learnt[name] = round(earlier + _NEWEST_WEIGHT * (seconds - earlier), 3)

    def add_images(self, ids: Sequence[str]) -> None:
        """Add these images. The oldest ones are dropped if there are too many."""
        new = dict.fromkeys(ids)
        kept = [image for image in self.images if image not in new]
        self.images = [*kept, *new][-_MAX_IMAGES:]


class StateData(SealedModel):
    """state.json: the engines by id; and the seconds that starts of engines took, by address."""

    version: Literal[1] = 1
    engines: dict[str, EngineState] = Field(default_factory=dict)
    starts: dict[str, float] = Field(default_factory=dict)


# -- what is remembered of each engine, in state.json ---------------------------------------------


class Engines:
    """The desired state and the learnt times of each engine, in *file*.

    Raises:
        SettingError: from every method, as `Settings` does.
    """

    def __init__(self, file: VersionedFile[StateData]) -> None:
        self._file = file

    def state(self, engine_id: str) -> EngineState:
        """The data about the engine."""
        return self._file.read().engines.get(engine_id, EngineState())

    def desired(self, engine_id: str) -> Sequence[str]:
        """The modules that the user asked for on the engine."""
        return self.state(engine_id).desired

    def stopped(self, engine_id: str) -> Sequence[str]:
        """The services (``module/service``) that the user stopped alone on the engine."""
        return self.state(engine_id).stopped

    @contextmanager
    def update(self, engine_id: str) -> Iterator[EngineState]:
        """The data about the engine, to change in place. It is stored if the block ends without an
        exception."""
        with self._file.update() as data:
            yield data.engines.setdefault(engine_id, EngineState())

    @property
    def asked_for(self) -> Sequence[str]:
        """The modules that the user asked for, on any engine."""
        engines = self._file.read().engines.values()
        return list(dict.fromkeys(name for engine in engines for name in engine.desired))

    def usual_start(self, host: str) -> float | None:
        """The seconds that the last start of the engine at *host* took. None: there was none."""
        return self._file.read().starts.get(host)

    def learn_start(self, host: str, seconds: float) -> None:
        """The start of the engine at *host* took *seconds*."""
        with self._file.update() as data:
            data.starts[host] = round(seconds, 1)
