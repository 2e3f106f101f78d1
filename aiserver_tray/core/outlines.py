"""The outline of a module, or the reason why there is none."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, CatalogError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import ModuleModel

if TYPE_CHECKING:
    from aiserver_tray.catalog.catalog import Catalog
    from aiserver_tray.catalog.modules import Module

_logger = logging.getLogger(__name__)


def outline_of(
    catalog: "Catalog",
    name: str,
    values: "Callable[[Module], Mapping[str, str]]",
    bind: Callable[[], str],
) -> ModuleModel:
    """The outline of the module *name* with the *values* of its settings. Its ports are published
    on *bind*."""
    from aiserver_tray.catalog.resolve import outline  # noqa: PLC0415
    from aiserver_tray.spec.outline import module_model  # noqa: PLC0415

    try:
        module = catalog.module(name)
        return module_model(outline(catalog, module, values(module)), bind())
    except AiServerError as error:
        why, remedies = _why(error), error.remedies
    except Exception as bug:  # noqa: BLE001 - one file must not take all modules away
        log_bug(_logger, f"the outline of {name} failed", bug)
        why, remedies = bug_error(bug).text, ()
    known = catalog.modules.get(name)
    if known is None:
        return ModuleModel(name, "feature", problem=why, remedies=remedies)
    return ModuleModel(
        name,
        known.kind,
        problem=why,
        remedies=remedies,
        title=known.title,
        summary=known.summary,
        icon=known.icon,
    )


def _why(error: AiServerError) -> Text:
    """The message of *error* in one line. Of an error in a file, the first problem with its
    place."""
    if not isinstance(error, CatalogError):
        return error.text
    first = error.problems[0]
    return Text("{place}: {why}", place=first.place, why=first.text)
