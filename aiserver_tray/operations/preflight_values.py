"""Settings that a module can't do without and that nobody has given a value (pure)."""

from collections.abc import Mapping

from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.modules import Module
from aiserver_tray.errors import AiServerError
from aiserver_tray.settings.store import without_value


def missing_values(
    catalog: Catalog, module: Module, values: Mapping[str, str]
) -> list[AiServerError]:
    """One error for each setting that *module*'s file uses without a default
    (``${NAME:-default}``) and that has no value in *values* (by address). A plain Compose file's
    are empty then, as Compose has it.

    Raises:
        CatalogError, MissingError: as for `Catalog.scope`.
    """
    if not module.declared:
        return []
    scope = catalog.scope(module)
    used = (scope[name] for name, v in module.variables.items() if v.default is None)
    return [without_value(address) for address in used if address not in values]
