"""The values of the app's own settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import Theme
from aiserver_tray.settings.declared import stored_value
from aiserver_tray.settings.names import CA_CERTIFICATES, DEFAULTS, split_engines, split_folders
from aiserver_tray.system.chosen_folder import Certificates, certificates_in


@dataclass(frozen=True)
class AppSettings:
    """The values of the app's own settings; *stored* are those that the user set, by address.

    Raises:
        SettingError: from a property: the stored value of this setting is wrong; names the fix.
    """

    stored: Mapping[str, str]

    @property
    def bind(self) -> str:
        """The IP address on which ports are published."""
        return self._text("bind")

    @property
    def engine(self) -> str:
        """The address of the engine; empty: the one of this machine."""
        return self._text("engine")

    @property
    def engines(self) -> dict[str, str]:
        """The addresses of the engines that have a name, by name."""
        return split_engines(self._text("engines"))

    @property
    def language(self) -> Literal["system", "en", "zh"]:
        return cast(Literal["system", "en", "zh"], self._text("language"))

    @property
    def theme(self) -> Theme:
        return cast(Theme, self._text("theme"))

    @property
    def mirrors(self) -> tuple[str, ...]:
        """Registry prefixes, without a slash at the end."""
        return tuple(self._text("mirrors").split())

    @property
    def ca_certificates(self) -> Certificates:
        """The user's own, as their file is now: the text that is judged is the one to use."""
        found = certificates_in(self._text("ca_certificates"))
        if isinstance(found, Text):  # it has just changed
            raise SettingError(CA_CERTIFICATES, found)
        return found

    @property
    def module_folders(self) -> tuple[str, ...]:
        return split_folders(self._text("module_folders"))

    @property
    def acme_directory(self) -> list[str]:
        """The ACME directories to ask for certificates: those for checks, then the one that
        counts."""
        return self._text("acme_directory").split()[::-1]

    @property
    def kernel_settings(self) -> bool:
        """Whether a start may raise kernel settings."""
        return self._flag("kernel_settings")

    @property
    def logs_keep(self) -> bool:
        return self._flag("logs_keep")

    @property
    def logs_keep_days(self) -> int:
        """The age at which kept lines are deleted."""
        return int(self._text("logs_keep_days"))

    @property
    def logs_keep_size(self) -> int:
        """The size of the kept logs above which the oldest lines are deleted."""
        from aiserver_tray.catalog.compose.scalars import parse_size  # noqa: PLC0415 - as below

        return parse_size(self._text("logs_keep_size"))

    @property
    def logs_not_kept(self) -> frozenset[str]:
        return frozenset(self._text("logs_not_kept").split())

    @property
    def logs_engine_size(self) -> str:
        """The least size (``50m``) of a file of a service's log in Docker; ``0b``: as the modules
        say."""
        return self._text("logs_engine_size") or "0b"

    @property
    def backup_folder(self) -> str:
        """Where backups are written; empty: in a folder of our own choice."""
        return self._text("backup_folder")

    @property
    def backup_every(self) -> Literal["never", "day", "week"]:
        return cast(Literal["never", "day", "week"], self._text("backup_every"))

    @property
    def backup_time(self) -> str:
        """The time of day, such as ``03:00``."""
        return self._text("backup_time")

    @property
    def backup_weekday(self) -> int:
        """Of weekly backups. 0: Monday."""
        return int(self._text("backup_weekday"))

    @property
    def backup_keep_daily(self) -> int:
        """Of how many days a backup of the schedule is kept, as of weeks and months below."""
        return int(self._text("backup_keep_daily"))

    @property
    def backup_keep_weekly(self) -> int:
        return int(self._text("backup_keep_weekly"))

    @property
    def backup_keep_monthly(self) -> int:
        return int(self._text("backup_keep_monthly"))

    @property
    def check_models(self) -> Literal["never", "hour", "day", "week"]:
        """How often models are asked whether they answer."""
        return cast(Literal["never", "hour", "day", "week"], self._text("check_models"))

    @property
    def check_versions(self) -> bool:
        """Whether registries are asked once a day for versions of modules."""
        return self._flag("check_versions")

    @property
    def keep_upgrades_days(self) -> int:
        """For how many days what an upgrade has replaced is kept."""
        return int(self._text("keep_upgrades_days"))

    @property
    def notify_alerts(self) -> bool:
        return self._flag("notify_alerts")

    @property
    def alert_format(self) -> Literal["json", "ntfy"]:
        """What the webhook for alerts takes."""
        return cast(Literal["json", "ntfy"], self._text("alert_format"))

    @property
    def notify_operations(self) -> bool:
        return self._flag("notify_operations")

    @property
    def notify_engine(self) -> bool:
        return self._flag("notify_engine")

    @property
    def start_desired(self) -> bool:
        """Whether the applet starts the desired modules when it starts."""
        return self._flag("start_desired")

    @property
    def stop_unused_basics(self) -> bool:
        """Whether a stop also stops the basic services that no other module needs."""
        return self._flag("stop_unused_basics")

    @property
    def stop_unused_engine(self) -> bool:
        """Whether an engine in WSL may stop while no module runs."""
        return self._flag("stop_unused_engine")

    def _text(self, name: str) -> str:
        address = f"app.{name}"
        if address not in self.stored:
            return DEFAULTS.get(address, "")
        # Slow to import, and few users change many of these settings.
        from aiserver_tray.settings.app_declared import APP_SETTINGS  # noqa: PLC0415

        return stored_value(address, APP_SETTINGS[address], self.stored) or ""

    def _flag(self, name: str) -> bool:
        return self._text(name) == "true"
