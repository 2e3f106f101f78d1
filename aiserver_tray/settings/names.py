"""The names of the files in a home folder that several modules read, and of settings: what needs no
model.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Final

INSTALLATION: Final = "installation.json"
SETTINGS: Final = "settings.json"
STATE: Final = "state.json"
SECRETS: Final = "secrets.json"
BACKUP_JOURNAL: Final = "backup-journal.json"

BIND: Final = "app.bind"
ENGINE: Final = "app.engine"
ENGINES: Final = "app.engines"
CA_CERTIFICATES: Final = "app.ca_certificates"
MODULE_FOLDERS: Final = "app.module_folders"
ACME: Final = "app.acme_directory"
KERNEL_SETTINGS: Final = "app.kernel_settings"
STOP_UNUSED_ENGINE: Final = "app.stop_unused_engine"
BACKUP_FOLDER: Final = "app.backup_folder"
BACKUP_KEYS: Final = ("app.backup_key", "app.recovery_key")
"""The secrets that open backups: the installation's own, and the one that the user keeps elsewhere.
No setting declares them."""

DEFAULTS: Final[Mapping[str, str]] = {
    BIND: "127.0.0.1",
    ENGINE: "",
    ENGINES: "",
    "app.language": "system",
    "app.theme": "system",
    "app.mirrors": "",
    CA_CERTIFICATES: "",
    KERNEL_SETTINGS: "false",
    MODULE_FOLDERS: "",
    "app.logs_keep": "true",
    "app.logs_keep_days": "14",
    "app.logs_keep_size": "500m",
    "app.logs_not_kept": "",
    "app.logs_engine_size": "",
    BACKUP_FOLDER: "",
    "app.backup_every": "never",
    "app.backup_time": "03:00",
    "app.backup_weekday": "0",
    "app.backup_keep_daily": "7",
    "app.backup_keep_weekly": "4",
    "app.backup_keep_monthly": "3",
    "app.check_models": "never",
    "app.check_versions": "true",
    "app.keep_upgrades_days": "14",
    "app.notify_alerts": "true",
    "app.notify_operations": "true",
    "app.notify_engine": "true",
    "app.alert_format": "json",
    "app.start_desired": "true",
    "app.stop_unused_basics": "false",
    STOP_UNUSED_ENGINE: "false",
    ACME: "https://acme-v02.api.letsencrypt.org/directory"
    " https://acme-staging-v02.api.letsencrypt.org/directory",
}
"""Of the app's own settings that have one, by address."""


def split_engines(text: str) -> dict[str, str]:
    """Name -> address of the engines in *text* (``NAME=ADDRESS NAME=ADDRESS``), without checking
    them."""
    return {name: host for name, _, host in (word.partition("=") for word in text.split())}


def join_engines(engines: Mapping[str, str]) -> str:
    """The text that `split_engines` splits into *engines*."""
    return " ".join(f"{name}={host}" for name, host in engines.items())


def split_folders(text: str) -> tuple[str, ...]:
    """The folders in *text*, without checking them. A list that can't be read is one folder."""
    if not text.lstrip().startswith("["):
        return tuple(word.strip() for word in text.split(os.pathsep) if word.strip())
    try:
        found = json.loads(text)
    except ValueError:
        return (text,)
    return tuple(map(str, found))


def join_folders(folders: Sequence[str]) -> str:
    """The text that `split_folders` splits into *folders*."""
    if any(os.pathsep in folder for folder in folders):
        return json.dumps(folders, ensure_ascii=False)
    return os.pathsep.join(folders)
