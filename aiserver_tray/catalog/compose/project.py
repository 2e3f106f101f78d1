"""A whole Compose project, validated."""

from collections.abc import Collection
from typing import Any, get_args

from pydantic import Field

from aiserver_tray.catalog.compose.consistency import check_consistency
from aiserver_tray.catalog.compose.fields import Extensible, Name
from aiserver_tray.catalog.compose.keypath import Report
from aiserver_tray.catalog.compose.normalize import normalize
from aiserver_tray.catalog.compose.profiles import is_active
from aiserver_tray.catalog.compose.references import Section, uses_of
from aiserver_tray.catalog.compose.resources import Config, Network, Secret, Volume
from aiserver_tray.catalog.compose.service import Service


class Project(Extensible):
    """The services that the profiles activate, and the resources that these use."""

    name: str = ""
    services: dict[Name, Service] = Field(default_factory=dict)
    networks: dict[str, Network] = Field(default_factory=dict)
    volumes: dict[Name, Volume] = Field(default_factory=dict)
    secrets: dict[Name, Secret] = Field(default_factory=dict)
    configs: dict[Name, Config] = Field(default_factory=dict)

    def to_compose(self) -> dict[str, Any]:
        """The JSON form of ``docker compose config --format json``, in which ``$`` is ``$$``."""
        extensions = {key: _without_empty_lists(value) for key, value in self.extensions.items()}
        whole = {"services": {}, **self.model_dump(by_alias=True), **extensions}
        return {key: _escape_dollars(value) for key, value in whole.items()}


def _without_empty_lists(value: Any) -> Any:  # noqa: ANN401 - anything YAML can say
    """An empty list in an extension prints as null, as Go prints its empty slice."""
    match value:
        case []:
            return None
        case list():
            return [_without_empty_lists(item) for item in value]
        case dict():
            return {key: _without_empty_lists(item) for key, item in value.items()}
    return value


def _escape_dollars(value: object) -> object:
    match value:
        case str():
            return value.replace("$", "$$")
        case dict():
            return {_escape_dollars(key): _escape_dollars(item) for key, item in value.items()}
        case list():
            return [_escape_dollars(item) for item in value]
    return value


def validate_project(
    tree: dict[str, Any], report: Report, *, profiles: Collection[str] = ()
) -> Project:
    """The project of a canonical *tree*, which is completed in place and must contain ``name``.

    Shapes are checked for every service, references only for active services: those without
    profiles or with one of *profiles* (``*`` is any).

    Raises:
        pydantic.ValidationError: the tree isn't a Compose project; each error has its path from
            the root of the tree, and its ``ctx["error"]`` may hold what was expected.
    """
    normalize(tree)
    whole = Project.model_validate(tree)
    active = {
        name: service
        for name, service in whole.services.items()
        if is_active(service.profiles, profiles)
    }
    project = whole.model_copy(update={"services": active})
    check_consistency(project, whole.services.keys() - active.keys(), report)
    return project.model_copy(update=_used_resources(project))


def _used_resources(project: Project) -> dict[str, Any]:
    used = {
        (use.section, use.name) for service in project.services.values() for use in uses_of(service)
    }
    return {
        section: {
            name: resource
            for name, resource in getattr(project, section).items()
            if (section, name) in used
        }
        for section in get_args(Section)
    }
