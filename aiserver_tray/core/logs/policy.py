"""Which logs are kept, and how long."""

import time
from dataclasses import dataclass

from aiserver_tray.settings.app_settings import AppSettings

_DAY_NANOSECONDS = 86_400 * 10**9


@dataclass(frozen=True)
class Policy:
    """The user's settings: which logs are kept, and how long."""

    is_on: bool = True
    days: int = 14
    bytes: int = 500 * 2**20
    not_kept: frozenset[str] = frozenset()

    @classmethod
    def of(cls, app: AppSettings) -> "Policy":
        """The policy of the settings *app*.

        Raises:
            SettingError: a stored value is wrong.
        """
        return cls(app.logs_keep, app.logs_keep_days, app.logs_keep_size, app.logs_not_kept)

    def keeps(self, module: str) -> bool:
        """Whether the logs of *module* are kept."""
        return self.is_on and module not in self.not_kept

    @property
    def oldest(self) -> int:
        """The time of the oldest lines that are kept: nanoseconds since 1970."""
        return time.time_ns() - self.days * _DAY_NANOSECONDS
