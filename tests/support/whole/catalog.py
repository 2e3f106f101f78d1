"""The built-in catalog: its services and settings."""

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.compose.project import Project
from aiserver_tray.catalog.jobs import jobs_in
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import config_environment
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.core import app as wiring
from aiserver_tray.core.app import built_in_catalog

Service = tuple[str, str]
"""Module and service."""

CATALOG = load_catalog([built_in_catalog()])
DECLARED = CATALOG.declared


def is_token(setting: Setting) -> bool:
    """Whether another module creates the value."""
    return setting.token_of is not None


def project_of(module: Module, *profiles: str) -> Project:
    """*module*'s Compose file with the default settings and these profiles."""
    return load_project(module.source, config_environment(CATALOG, module, None), profiles=profiles)


def lasting(*profiles: str) -> list[Service]:
    """All services that keep running, with these profiles or those of the default choices; without
    those that need a graphics card, which no machine of tests has."""
    found: list[Service] = []
    for module in CATALOG.modules.values():
        defaults = module.profiles_with(config_environment(CATALOG, module, None))
        project = project_of(module, *(profiles or defaults))
        jobs = jobs_in(project)
        left_out = jobs | {name for name, one in project.services.items() if one.gpus}
        found += [(module.name, name) for name in project.services if name not in left_out]
    return found


def distinct(services: Iterable[Service]) -> list[Service]:
    """*services* without those that differ from an earlier one in a number of theirs only, as the
    workers of n8n do."""
    found: dict[str, Service] = {}
    for module, name in services:
        definition = CATALOG.modules[module].section("services")[name]
        words = json.dumps([module, name, definition], default=str)
        found.setdefault(re.sub(r"-\d\b", "-N", words), (module, name))
    return [*found.values()]


def is_part(setting: Setting, answer: str) -> bool:
    """Whether another answer to the choice has all that this one has, and more services."""
    one = setting.choices[answer]
    return any(
        {*one.profiles} < {*other.profiles} and {*one.requires} <= {*other.requires}
        for other in setting.choices.values()
    )


LASTING = lasting()
"""All services that keep running with the default choices."""
EVERY = lasting("*")
"""All services that keep running with some choice."""
KINDS = distinct(EVERY)
"""Of these, one of each kind."""
KEPT = [address for address, setting in DECLARED.items() if setting.keep]
PORTS = [address for address, setting in DECLARED.items() if setting.type == "port"]
SECRETS = [a for a, s in DECLARED.items() if s.is_secret and not s.keep and not is_token(s)]
ANSWERS = {
    address: answers
    for address, setting in DECLARED.items()
    if not setting.from_data
    if (
        answers := [
            answer
            for answer, one in setting.choices.items()
            if answer != setting.initial and not is_part(setting, answer) and not one.card
        ]
    )
}
"""Address of a choice -> its answers, without the default and without those that are a part of
another one, or need a graphics card. Choices that existing data decides can't be changed while it
exists."""


def default(address: str) -> str:
    """The value of a setting that the user does not set."""
    return DECLARED[address].initial or ""


def tokens_for(address: str, answer: str) -> list[str]:
    """The tokens that an answer to a choice needs, which `connect` would create."""
    module = CATALOG.modules[address.partition(".")[0]]
    required = DECLARED[address].choices[answer].requires
    return [f"{module.name}.{n}" for n, provider in module.tokens.items() if provider in required]


def services_with(address: str, answer: str) -> set[Service]:
    """The services, jobs too, that exist only with this answer to a choice."""
    module = CATALOG.modules[address.partition(".")[0]]
    profiles = set(DECLARED[address].choices[answer].profiles)
    return {
        (module.name, name)
        for name, service in module.section("services").items()
        if profiles & set(service.get("profiles", ()))
    }


@contextmanager
def of_stand_ins(folder: Path) -> Iterator[Path]:
    """A copy of the built-in catalog in *folder*, in its place for now. It wants no disk space for
    the real images, which a machine that tests need not have: stand-ins take little."""
    catalog = folder / "catalog"
    shutil.copytree(built_in_catalog(), catalog)
    for file in catalog.glob("*/*/compose.yaml"):
        text = file.read_text(encoding="utf-8")
        text = re.sub(r"(needs: \{.*?), disk: \w+", r"\1", text)
        file.write_text(text, encoding="utf-8")
    with patch.object(wiring, "built_in_catalog", lambda: catalog):
        yield catalog
