"""The orders in which modules are listed. Pure."""

from collections.abc import Iterable

from aiserver_tray.base.i18n import Language
from aiserver_tray.state.views import ModuleView


def sorted_by_title(modules: Iterable[ModuleView], language: Language) -> list[ModuleView]:
    """*modules* as every page and menu lists them, orphans last."""
    return sorted(modules, key=lambda m: (m.orphan, m.title_in(language).casefold(), m.name))


def sorted_by_name(modules: Iterable[ModuleView]) -> list[ModuleView]:
    """*modules* as the command line, which shows no titles, lists them, orphans last."""
    return sorted(modules, key=lambda module: (module.orphan, module.kind, module.name))
