"""The modules that changed settings affect."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.modules import Module
from aiserver_tray.model import ModuleModel
from aiserver_tray.operations.modules import with_requires
from aiserver_tray.settings.app_declared import BIND


def is_affected(catalog: Catalog, name: str, addresses: Collection[str]) -> bool:
    """Whether containers of the module *name* may depend on one of the settings *addresses*."""
    module = catalog.modules.get(name)
    if module is None:
        return False
    own = f"{name}."
    return any(
        address == BIND or address.startswith(own) or address in _used(catalog, module)
        for address in addresses
    )


def modules_to_recreate(
    catalog: Catalog,
    model: Callable[[str], ModuleModel],
    asked_for: Iterable[str],
    addresses: Collection[str],
) -> list[str]:
    """The modules that ``up`` has to name so that all whose containers depend on the settings
    *addresses* get new ones: of those *asked_for*, and no more than needed."""

    def affected(name: str) -> bool:
        return is_affected(catalog, name, addresses)

    named: list[str] = []
    renewed: set[str] = set()
    known = [name for name in asked_for if name in catalog.modules]
    # One that is affected itself rather than one that requires it.
    for name in sorted(known, key=lambda name: not affected(name)):
        with suppress(AiServerError):  # its next `up` reports the problem
            brought = {module.name for module in with_requires([name], model)}
            concerned = set(filter(affected, brought))
            if not concerned <= renewed:
                named.append(name)
                renewed |= concerned
    return named


def _used(catalog: Catalog, module: Module) -> set[str]:
    """The addresses of the settings that the file of *module* uses."""
    with suppress(AiServerError):
        scope = catalog.scope(module)
        return {scope[name] for name in module.variables if name in scope}
    return set()
