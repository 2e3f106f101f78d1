"""The only place that wires the parts together: the catalog folders, the home, and what is asked
of both."""

import locale
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiserver_tray.catalog.catalog import Catalog, load_catalog
from aiserver_tray.catalog.check import Report, check
from aiserver_tray.catalog.modules import load_module
from aiserver_tray.catalog.resolve import config_environment, resolve, resolve_with
from aiserver_tray.catalog.setting import LocalText
from aiserver_tray.host.paths import find_home
from aiserver_tray.i18n import Language
from aiserver_tray.settings.app_settings import APP_SETTINGS, LANGUAGE
from aiserver_tray.settings.store import Declared, Settings


class App:
    """One installation with its catalog.

    ``home``: the folder of ``--home``; ``catalogs``: further catalog folders.
    """

    def __init__(self, home: Path | None, catalogs: Sequence[Path]) -> None:
        self._home = home
        self._catalogs = tuple(catalogs)

    @cached_property
    def settings(self) -> Settings:
        """What this installation remembers."""
        return Settings(find_home(self._home))

    @cached_property
    def catalog(self) -> Catalog:
        """The built-in modules, those of the home's folder ``modules``, and the further ones."""
        own = self.settings.folder / "modules"
        return load_catalog([built_in_catalog(), own, *self._catalogs])

    @cached_property
    def declared(self) -> Declared:
        """Every setting there is, by address."""
        return {**APP_SETTINGS, **self.catalog.declared}

    @cached_property
    def language(self) -> Language:
        """What texts are written in: the user's choice, else the system's language."""
        choice = self.settings.values({LANGUAGE: APP_SETTINGS[LANGUAGE]})[LANGUAGE]
        return system_language() if choice == "system" else "zh" if choice == "zh" else "en"

    def say(self, text: LocalText | None) -> str:
        """A module's own text in the reader's language."""
        if not text:
            return ""
        return text[self.language] if self.language in text else next(iter(text.values()))

    def describe(self, name: str) -> dict[str, Any]:
        """The module *name* as JSON, resolved with the settings that hold; secrets are masked and
        none is made.

        Raises:
            UnknownNameError, CatalogError, MissingError: as for `Catalog.module` and `resolve`.
        """
        module = self.catalog.module(name)
        entries = self.settings.entries(self.declared)
        own = [entry for entry in entries if entry.address.startswith(f"{name}.")]
        given = {e.address: e.shown for e in entries if e.setting.is_secret or e.origin != "none"}
        resolved = resolve(self.catalog, module, given)
        return {
            "name": name,
            "kind": module.kind,
            "title": self.say(module.title),
            "summary": self.say(module.summary),
            "file": str(module.file),
            "open": resolved.open,
            "requires": list(resolved.requires),
            "settings": [
                {
                    "name": entry.address,
                    "type": entry.setting.type,
                    "value": entry.shown,
                    "title": self.say(entry.setting.title),
                }
                for entry in own
            ],
            "services": [
                {"name": service, "image": model["image"], "ports": _ports(model)}
                for service, model in resolved.project.to_compose()["services"].items()
            ],
        }

    def check(self, folder: Path | None) -> Report:
        """Everything that is wrong with the modules below *folder*, or with all."""
        if folder is None:
            return check(self.catalog, None)
        folder = folder.resolve()
        roots = [built_in_catalog(), self.settings.folder / "modules", *self._catalogs, folder]
        return check(load_catalog(roots), folder)

    def compose_config(self, source: Path, env: Mapping[str, str] | None) -> dict[str, Any]:
        """The resolved model of the file or folder *source* in the form of ``docker compose
        config``, from declared defaults and *env* alone.

        Raises:
            CatalogError, MissingError, SettingError: the file or a value of *env* is wrong.
        """
        source = source.resolve()
        name = source.name if source.is_dir() else source.parent.name
        module = load_module(name, source)
        catalog = Catalog({**self.catalog.modules, name: module})
        values = config_environment(catalog, module, env)
        return resolve_with(module, values, []).project.to_compose()


def built_in_catalog() -> Path:
    """The catalog that comes with the application: in the wheel, else in the source tree."""
    packaged = Path(str(files("aiserver_tray"))) / "_data/orchestration"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "orchestration"


def _ports(service: Mapping[str, Any]) -> list[str]:
    return [
        f"{port.get('published', '')}:{port['target']}/{port['protocol']}"
        for port in service.get("ports", ())
    ]


def system_language() -> Language:
    """The language of the user's desktop or shell, if it is one of ours; else English."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    system = next(filter(None, names), None) or locale.getlocale()[0] or ""
    return "zh" if system.lower().startswith("zh") else "en"
