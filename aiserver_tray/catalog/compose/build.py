"""The build section of a service, and the resource limits that builds share."""

from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, model_serializer, model_validator

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.fields import (
    Environment,
    Extensible,
    Flag,
    Hosts,
    Mapping,
    Whole,
    WholeBytes,
)
from aiserver_tray.catalog.compose.resources import FileMount
from aiserver_tray.catalog.compose.scalars import text_of


class Ulimit(Extensible):
    """A limit of setrlimit(2): ``single`` for both, or ``soft`` and ``hard``."""

    single: Whole = Field(default=0, alias="#single")
    soft: Whole = 0
    hard: Whole = 0

    @model_validator(mode="before")
    @classmethod
    def _single_or_both(cls, data: object) -> object:
        if isinstance(data, int | float):
            return {"#single": data}
        if not isinstance(data, dict) or not {"soft", "hard"} <= data.keys():
            raise ValueError(Text("a whole number, or both soft and hard"))
        return data

    @model_serializer(mode="plain")
    def _shortest(self) -> int | dict[str, int]:
        if self.single:
            return self.single
        return {name: n for name, n in (("soft", self.soft), ("hard", self.hard)) if n}


def _print_ssh(keys: dict[str, str | None]) -> list[str]:
    return [name if path is None else f"{name}={path}" for name, path in keys.items()]


def _ssh(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: None if path is None else text_of(path) for key, path in value.items()}


Ssh = Annotated[dict[str, str | None], BeforeValidator(_ssh), PlainSerializer(_print_ssh)]


class Build(Extensible):
    """A build of an image; ``args`` without a value come from the environment."""

    context: str = ""
    dockerfile: str = ""
    dockerfile_inline: str = ""
    entitlements: list[str] = Field(default_factory=list)
    args: Environment = Field(default_factory=dict)
    ssh: Ssh = Field(default_factory=dict)
    labels: Mapping = Field(default_factory=dict)
    cache_from: list[str] = Field(default_factory=list)
    cache_to: list[str] = Field(default_factory=list)
    no_cache: Flag = False
    additional_contexts: dict[str, str] = Field(default_factory=dict)
    pull: Flag = False
    extra_hosts: Hosts = Field(default_factory=dict)
    isolation: str = ""
    network: str = ""
    target: str = ""
    secrets: list[FileMount] = Field(default_factory=list)
    shm_size: WholeBytes = 0
    tags: list[str] = Field(default_factory=list)
    ulimits: dict[str, Ulimit] = Field(default_factory=dict)
    platforms: list[str] = Field(default_factory=list)
    privileged: Flag = False
