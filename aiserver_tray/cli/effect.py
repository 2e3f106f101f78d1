"""Which modules must be recreated for a changed setting to take effect."""

from contextlib import suppress
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.settings.app_settings import BIND

if TYPE_CHECKING:
    from aiserver_tray.app import App
    from aiserver_tray.catalog.modules import Module


def modules_to_recreate(app: "App", address: str) -> list[str]:
    """The modules that ``up`` has to name so that all whose containers hang on the setting
    *address* get new ones: of those that the user asked for, and no more than needed."""
    from aiserver_tray.operations.modules import with_requires  # noqa: PLC0415 - as in `App.core`

    named: list[str] = []
    renewed: set[str] = set()
    # One that is concerned itself rather than one that requires it.
    for name in sorted(_asked_for(app), key=lambda name: not _hangs_on(app, name, address)):
        with suppress(AiServerError):  # its next `up` reports the problem
            brought = {module.name for module in with_requires([name], app.model)}
            concerned = {name for name in brought if _hangs_on(app, name, address)}
            if not concerned <= renewed:
                named.append(name)
                renewed |= concerned
    return named


def _asked_for(app: "App") -> list[str]:
    with suppress(AiServerError):  # the setting was changed all the same
        return [name for name in app.settings.asked_for if name in app.catalog.modules]
    return []


def _hangs_on(app: "App", name: str, address: str) -> bool:
    """Whether containers of the module *name* may depend on the setting *address*."""
    module = app.catalog.modules.get(name)
    if module is None:
        return False
    return address == BIND or address.startswith(f"{name}.") or address in _used(app, module)


def _used(app: "App", module: "Module") -> set[str]:
    """The addresses of the settings that the file of *module* uses."""
    with suppress(AiServerError):
        scope = app.catalog.scope(module)
        return {scope[name] for name in module.variables if name in scope}
    return set()
