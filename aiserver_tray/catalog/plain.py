"""The settings of a plain Compose file, which says of its variables nothing but their defaults."""

import re
from collections.abc import Iterable, Mapping

from aiserver_tray.catalog.compose.profiles import PROFILES
from aiserver_tray.catalog.compose.variables import Variable
from aiserver_tray.catalog.setting import LocalText, Setting, SettingType, guessable

_SECRET_NAME = re.compile(
    r"(.*(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|APIKEY|CREDENTIALS|DSN|CONNECTION_STRING)"
    r"|.*_(PASS|PWD|KEY|KEY_BASE|SALT)|(.*_)?(DATABASE|DB|MONGO|MONGODB|REDIS|BROKER)_UR[IL])_?\d*",
    re.IGNORECASE,
)
"""What variables that hold a secret are called, by habit; the name alone decides, so that no other
default makes something else of a stored value."""


class PlainSetting(Setting):
    """A variable of a plain Compose file. The file and its ``.env`` give the default themselves:
    to them, what is not set must stay distinguishable from what is."""

    @property
    def initial(self) -> str | None:
        """What file and ``.env`` say, as it stands there: also a secret, line breaks and all."""
        return self._default

    @property
    def fallback(self) -> str | None:
        """None, always."""
        return None

    @property
    def mask(self) -> str | None:
        """None, always: while none is set, what the file says holds, and none is made."""
        return None

    def hides(self, value: str) -> bool:
        """Whether texts must not have *value*: what everybody guesses may be any word of them."""
        return self.is_secret and not guessable(value)

    def _check_default(self) -> None:
        """Takes whatever there is."""


def plain_settings(
    variables: Mapping[str, Variable], dotenv: Mapping[str, str], profiles: Iterable[str]
) -> dict[str, Setting]:
    """The settings, by name, of a file with these *variables* and *profiles* and this *dotenv*."""
    names = ", ".join(profiles)
    active: LocalText = {
        "en": f"Active profiles, of: {names}",
        "zh": f"启用的 profile，可选：{names}",
    }
    return {
        name: _setting(
            name,
            dotenv.get(name, variable.default),
            active if names and name == PROFILES else None,
        )
        for name, variable in variables.items()
    }


def _setting(name: str, default: str | None, title: LocalText | None) -> PlainSetting:
    type_: SettingType = "secret" if _SECRET_NAME.fullmatch(name) else "text"
    return PlainSetting(type=type_, default=default, title=title)
