"""The types of the app's own settings that no module has."""

import ipaddress
import re
from datetime import datetime
from pathlib import Path
from typing import Final

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import host_of
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.settings.names import (
    join_engines,
    join_folders,
    split_engines,
    split_folders,
)
from aiserver_tray.system.chosen_folder import certificates_in
from aiserver_tray.system.engine_place import USUAL_ENGINE, why_unusable

MAX_DAYS: Final = 3650
MAX_KEPT: Final = 366
LEAST_BYTES: Final = 10 * 2**20

# Host, port and path of an image name
# (https://pkg.go.dev/github.com/distribution/reference#pkg-overview).
_MIRROR = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")

_NAME = re.compile(r"[^\W_][\w.-]{0,39}")


class AddressSetting(Setting):
    """A text setting that takes the address of one of this machine's interfaces."""

    def _read(self, text: str) -> str | Text:
        try:
            return str(ipaddress.ip_address(text.strip()))
        except ValueError:
            return Text(
                "expected an IP address such as 127.0.0.1, or 0.0.0.0 for all networks, found "
                "{found!r}",
                found=text,
            )


class DirectorySetting(Setting):
    """A text setting that takes the address of an ACME directory, and of one for checks."""

    def _read(self, text: str) -> str | Text:
        words = text.split()
        if not 1 <= len(words) <= 2 or not all(
            re.fullmatch(r"https://[A-Za-z0-9]\S*", w) for w in words
        ):
            return Text("expected one or two https:// addresses, found {found!r}", found=text)
        return " ".join(words)


class EngineSetting(Setting):
    """A text setting that takes the address of an engine, or nothing."""

    def _read(self, text: str) -> str | Text:
        host = text.strip()
        return (host and why_unusable(host)) or host


class EnginesSetting(Setting):
    """A text setting that takes engines, as `split_engines` does. Names and addresses are
    unique."""

    def _read(self, text: str) -> str | Text:
        engines = split_engines(text)
        for name, host in engines.items():
            if not _NAME.fullmatch(name) or name == USUAL_ENGINE:
                return Text(
                    "expected a name of an engine, of letters, digits, dots and hyphens, found "
                    "{found!r}",
                    found=name,
                )
            if why := why_unusable(host):
                return why
        if len({*engines.values()}) < len(text.split()):
            return Text("the engines need different names and addresses")
        return join_engines(engines)


class MirrorsSetting(Setting):
    """A text setting that takes registry prefixes, separated by spaces or commas."""

    def _read(self, text: str) -> str | Text:
        mirrors = [word.rstrip("/") for word in text.replace(",", " ").split()]
        for mirror in mirrors:
            if not _MIRROR.fullmatch(mirror):
                return Text(
                    "expected registries such as mirror.example.com or 127.0.0.1:5000/hub, "
                    "separated by spaces, found {found!r}",
                    found=mirror,
                )
        return " ".join(mirrors)


class FoldersSetting(Setting):
    """A text setting that takes absolute folders, as `split_folders` does."""

    def _read(self, text: str) -> str | Text:
        folders = [*dict.fromkeys(split_folders(text))]
        for folder in folders:
            if not Path(folder).is_absolute():
                return Text("expected a full path, found {found!r}", found=folder)
        return join_folders(folders)


class FolderSetting(Setting):
    """A text setting that takes the full path of a folder, or nothing."""

    def _read(self, text: str) -> str | Text:
        folder = text.strip()
        if folder and not Path(folder).is_absolute():
            return Text("expected a full path, found {found!r}", found=folder)
        return folder


class CertificatesSetting(Setting):
    """A text setting that takes the full path of a file with certificates, or nothing."""

    def _read(self, text: str) -> str | Text:
        found = certificates_in(text.strip())
        return found if isinstance(found, Text) else text.strip()


class ModuleNamesSetting(Setting):
    """A text setting that takes names of modules, separated by spaces or commas. A module may be
    gone."""

    def _read(self, text: str) -> str | Text:
        return " ".join(dict.fromkeys(text.replace(",", " ").split()))


class DaysSetting(Setting):
    """A text setting that takes a number of days."""

    def _read(self, text: str) -> str | Text:
        days = text.strip()
        if days.isdecimal() and days.isascii() and 1 <= int(days) <= MAX_DAYS:
            return str(int(days))
        return Text(
            "expected a number of days from 1 to {most}, found {found!r}", most=MAX_DAYS, found=text
        )


class TimeSetting(Setting):
    """A text setting that takes a time of day."""

    def _read(self, text: str) -> str | Text:
        try:
            return f"{datetime.strptime(text.strip(), '%H:%M'):%H:%M}"
        except ValueError:
            return Text("expected a time such as 03:00, found {found!r}", found=text)


class CountSetting(Setting):
    """A text setting that takes how many backups to keep."""

    def _read(self, text: str) -> str | Text:
        count = text.strip()
        if count.isdecimal() and count.isascii() and int(count) <= MAX_KEPT:
            return str(int(count))
        return Text(
            "expected a number from 0 to {most}, found {found!r}", most=MAX_KEPT, found=text
        )


class DiskSizeSetting(Setting):
    """A setting that takes a size on the disk."""

    def _read(self, text: str) -> str | Text:
        size = super()._read(text)
        if isinstance(size, str) and parse_size(size) < LEAST_BYTES:
            return Text("expected at least 10m, found {found!r}", found=text)
        return size


class LogSizeSetting(Setting):
    """A setting that takes a size, or nothing."""

    def _read(self, text: str) -> str | Text:
        size = text.strip().lower()
        try:
            return size if not size or parse_size(size) else ""
        except ValueError:
            return Text("expected a size such as 50m, found {found!r}", found=text)


class WebhookSetting(Setting):
    """A secret that takes a web address."""

    def _read(self, text: str) -> str | Text:
        address = text.strip()
        if not host_of(address, ("http", "https")):
            # It is not repeated, because it is a secret.
            return Text("expected a web address such as https://ntfy.sh/my-topic")
        return address
