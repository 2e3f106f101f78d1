"""Required settings without a value (pure)."""

from collections.abc import Mapping

from aiserver_tray.base.errors import AiServerError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.modules import Module
from aiserver_tray.settings.display import without_value


def missing_values(
    catalog: Catalog, module: Module, values: Mapping[str, str]
) -> list[AiServerError]:
    """One error for each setting without a value in *values* (by address) that *module*'s file uses
    without a default (``${NAME:-default}``). An access token is needed only if *module* requires
    the module that issues it. In a plain Compose file, such variables are empty, as in Compose.

    Raises:
        CatalogError, MissingError: as for `Catalog.scope`.
    """
    if not module.declared:
        return []
    scope = catalog.scope(module)
    used = [scope[name] for name, v in module.variables.items() if v.default is None]
    tokens = {f"{module.name}.{name}": provider for name, provider in module.tokens.items()}
    missing = [a for a in used if a not in tokens and a not in {**catalog.defaults, **values}]
    chosen = {name: values.get(f"{module.name}.{name}", "") for name in module.settings}
    needed = module.requires_with(chosen)
    unmade = [a for a, provider in tokens.items() if a not in values and provider in needed]
    return [*map(without_value, missing), *(_without_token(a, module.name) for a in unmade)]


def _without_token(address: str, module: str) -> SettingError:
    why = Text(
        "there is no access token yet. Create one with: aiserver-tray connect {module}",
        module=module,
    )
    return SettingError(address, why)
