"""The settings of a plain Compose file, which declares only the defaults of its variables."""

import re
from collections.abc import Iterable, Mapping

from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.base.masking import MASK, Masker
from aiserver_tray.catalog.compose.variables import PROFILES, Variable
from aiserver_tray.catalog.guessable import why_guessable
from aiserver_tray.catalog.setting import Setting, why_mask

_SECRET_NAME = re.compile(
    r"(?!ALLOW_|ENABLE_|DISABLE_|.*(MAX_|PUBLIC_?KEY|SITE_?KEY))("
    r".*(PASSWORDS?|PASSWD|PASSPHRASE|PASS|SECRETS?|TOKENS?|DSN|CREDENTIALS?|CONN(ECTION)?_STRING)"
    r"|.*(_|API|SECRET|ACCESS)KEYS?(_BASE)?|.*_(PWD?|SALT|AUTH)"
    r"|(.*_)?(DATABASE|DB|MONGO(DB)?|REDIS|BROKER|POSTGRES(QL)?|MYSQL|AMQP|RABBITMQ)_UR[IL]"
    r")_?\d*",
    re.IGNORECASE,
)
"""Usual names of variables for secrets. Only the name decides, so that a stored value never changes
its kind."""


class PlainSetting(Setting):
    """A variable of a plain Compose file. The file and its ``.env`` provide the default, because
    they distinguish an unset variable from a set one. ``masked`` is the default with secrets
    masked."""

    masked: str | None = None

    @property
    def initial(self) -> str | None:
        """The value in the file and its ``.env``, unchanged: it may be a secret, or have line
        breaks."""
        return self._default

    @property
    def shown(self) -> str | None:
        """The default for display: a secret is masked."""
        return MASK if self.is_secret and self.initial else self.masked

    @property
    def fallback(self) -> str | None:
        """None, always."""
        return None

    @property
    def mask(self) -> str | None:
        """Always None: without a value, the file's own value applies, and none is generated."""
        return None

    def hides(self, value: str) -> bool:
        """Whether *value* must be masked in texts. Values that are easy to guess are not masked,
        because they may be any word."""
        return self.is_secret and not why_guessable(value)

    def _check_default(self) -> None:
        """Accept any value."""

    def _read(self, text: str) -> str | Text:
        """Accept any value that the file's software may accept, such as a password of one
        letter."""
        return why_mask(text) or text if self.is_secret else text


def plain_settings(
    variables: Mapping[str, Variable], dotenv: Mapping[str, str], profiles: Iterable[str]
) -> dict[str, Setting]:
    """The settings, by name, of a file with these *variables* and *profiles* and this *dotenv*."""
    names = ", ".join(profiles)
    active: LocalText = {
        "en": f"Active profiles, of: {names}",
        "zh": f"启用的 profile，可选：{names}",
    }
    defaults = {name: dotenv.get(name, found.default) for name, found in variables.items()}
    secret = [d for name, d in defaults.items() if d and _is_secret(name) and not why_guessable(d)]
    masker = Masker(secret)
    return {
        name: PlainSetting(
            type="secret" if _is_secret(name) else "text",
            default=default,
            masked=default and masker.text(default),
            title=active if names and name == PROFILES else None,
        )
        for name, default in defaults.items()
    }


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.fullmatch(name) is not None
