"""The modules that can use another module, by their settings (pure)."""

import hashlib
from dataclasses import dataclass

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.modules import Module

_NAME_BYTES = 30
"""Bytes that one-api takes as a token's name (songquanpeng/one-api v0.6.10,
controller/token.go)."""


@dataclass(frozen=True)
class Consumer:
    """A module that can use *provider*. ``token`` and ``choice`` are the addresses of its settings;
    ``answer`` is the option of the choice."""

    module: str
    provider: str
    token: str
    choice: str
    answer: str

    @property
    def token_name(self) -> str:
        """The name of its token at the provider. A long name is cut and gets a digest, so that
        similar names differ."""
        name = f"aiserver-{self.module}"
        if len(name) <= _NAME_BYTES:
            return name
        digest = hashlib.sha256(self.module.encode()).hexdigest()[:8]
        return f"{name[: _NAME_BYTES - len(digest) - 1]}-{digest}"


def consumer_of(module: Module) -> Consumer | None:
    """How *module* uses another module. None if no setting has ``token_of``.

    Raises:
        CatalogError: it has, but no choice that requires that module.
    """
    for name, provider in module.tokens.items():
        choice, answer = _choice(module, name, provider)
        address = f"{module.name}.{name}", f"{module.name}.{choice}"
        return Consumer(module.name, provider, *address, answer)
    return None


def _choice(module: Module, token: str, provider: str) -> tuple[str, str]:
    """The first choice, with its answer, that requires *provider*."""
    for name, setting in module.settings.items():
        for answer, choice in setting.choices.items():
            if provider in choice.requires:
                return name, answer
    place = module.place("x-aiserver", "settings", token, "token_of")
    raise CatalogError.at(place, Text("expected a choice that requires {name}", name=provider))
