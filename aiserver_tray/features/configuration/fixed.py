"""The versions of modules that are in use: an upgrade alone changes them."""

from contextlib import suppress

from aiserver_tray.base.errors import AiServerError, SettingError, raise_all
from aiserver_tray.base.errors.remedies import open_page
from aiserver_tray.base.i18n import Given, LocalText, Text
from aiserver_tray.catalog.extension import AddressSetting
from aiserver_tray.features.place import Place
from aiserver_tray.model import Changes
from aiserver_tray.spec.labels import CONFIG_OF, INSTALLATION, MODULE


def in_use(place: Place) -> frozenset[str]:
    """The modules that have containers, data on the engine, or files that are kept for them."""
    volumes = frozenset[str]()
    with suppress(AiServerError):
        id = place.app.settings.id_for_reading
        ours = (v.labels for v in place.core.engine.volumes.all() if CONFIG_OF not in v.labels)
        volumes = frozenset(v[MODULE] for v in ours if v.get(INSTALLATION) == id and MODULE in v)
    return started(place) | volumes


def started(place: Place) -> frozenset[str]:
    """Those of the modules `in_use` that have started, as far as is known without the engine."""
    app, containers = place.app, place.core.store.state.containers.values()
    kept = filter(app.applied.__contains__, app.catalog.built_in)
    return frozenset({one.module for one in containers} | {*kept})


def fixed_versions(place: Place, module: str) -> frozenset[str]:
    """The settings of *module*, by address, that only an upgrade changes now.

    Raises:
        AiServerError: there is no such module, or its file is wrong.
    """
    settings = place.app.catalog.module(module).settings
    names = {one.setting for one in place.app.catalog.module(module).updates}
    if not names or module not in in_use(place):
        return frozenset()
    if module not in started(place):  # data that was there before it decides on its version
        names = {name for name in names if not settings[name].from_data}
    return frozenset(f"{module}.{name}" for name in names)


def check_versions(place: Place, changes: Changes) -> None:
    """Refuse those *changes*, by address and in canonical form, that are upgrades, or that only
    opening and closing a module makes.

    Raises:
        SettingError, JointError: there are some.
    """
    errors: list[AiServerError] = []
    for module in {address.partition(".")[0] for address in changes}:
        if known := place.app.catalog.modules.get(module):
            own = (a.rpartition(".")[2] for a in changes if a.startswith(f"{module}."))
            addresses = [a for a in own if isinstance(known.settings.get(a), AddressSetting)]
            errors += [_of_address(f"{module}.{a}", module) for a in addresses]
            names = {f"{module}.{one.setting}" for one in known.updates}
            new = {a: changes[a] for a in names & changes.keys() if _is_new(place, a, changes[a])}
            refused = fixed_versions(place, module) & new.keys() if new else ()
            errors += [_refused(module, known.title, a, new[a]) for a in refused]
    raise_all(errors)


def _is_new(place: Place, address: str, value: str | None) -> bool:
    setting = place.app.declared[address]
    stored = place.app.settings.stored({address: setting})[address]
    return (value or setting.fallback) != (stored or setting.fallback)


def _of_address(address: str, module: str) -> SettingError:
    why = Text(
        "only opening and closing the module changes it: aiserver-tray access {module} network",
        module=module,
    )
    return SettingError(address, why)


def _refused(module: str, title: LocalText, address: str, value: str | None) -> SettingError:
    why = Text(
        "only an upgrade changes the version of a module that is in use: it tries the new one on "
        "a copy first, and can be undone. Run: aiserver-tray upgrade {module} --to {version}",
        module=module,
        version=value or "VERSION",
    )
    upgrade = Text("Upgrade {title}…", title=Given(title))
    return SettingError(address, why, [open_page(upgrade, f"modules/{module}")])
