"""What the files of a home hold, but for the secrets."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from aiserver_tray.settings.files import FileModel, SealedModel

_MAX_IMAGES = 500
"""Years of updates; images that the user has removed stay among them."""


class InstallationData(SealedModel):
    """installation.json"""

    version: Literal[1] = 1
    id: str = Field(default_factory=lambda: str(uuid4()), min_length=1)


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


class SettingsData(FileModel):
    """settings.json. ``chosen`` None: the user has not chosen yet. Who edits it by hand may write a
    number, or true and false, as such."""

    version: Literal[1] = 1
    values: dict[str, Annotated[str, BeforeValidator(_as_text)]] = Field(default_factory=dict)
    chosen: list[str] | None = None


class EngineState(BaseModel):
    """What is remembered about one engine: the modules that the user asked for; how long, in
    seconds, what was measured under a name took; and the ids of the images that were pulled or
    built for us, the newest last."""

    model_config = ConfigDict(extra="forbid", strict=True)

    desired: list[str] = Field(default_factory=list)
    learnt: dict[str, float] = Field(default_factory=dict)
    images: list[str] = Field(default_factory=list)

    def add_images(self, ids: Sequence[str]) -> None:
        """Remember these images too; the oldest are forgotten where there are too many."""
        new = dict.fromkeys(ids)
        kept = [image for image in self.images if image not in new]
        self.images = [*kept, *new][-_MAX_IMAGES:]


class StateData(SealedModel):
    """state.json: the engines by id."""

    version: Literal[1] = 1
    engines: dict[str, EngineState] = Field(default_factory=dict)
