"""Modules for the tests of the preflight: real Compose files made into targets."""

from collections.abc import Mapping
from pathlib import Path

from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.modules import Module, load_module
from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.spec.build import module_target
from aiserver_tray.spec.labels import Owner
from aiserver_tray.spec.model import ModuleTarget

OURS = Owner("11111111-ours", "1.0")
IMAGE = "busybox:1.37.0"


def module_of(folder: Path, name: str, compose: str) -> Module:
    """The module *name* below *folder* whose file says *compose*."""
    source = folder / name
    source.mkdir(parents=True)
    (source / "compose.yaml").write_text(compose, encoding="utf-8")
    return load_module(name, source)


def target_of(
    folder: Path,
    name: str,
    compose: str,
    values: Mapping[str, str] | None = None,
    owner: Owner = OURS,
) -> ModuleTarget:
    """What `module_of` has to have on the engine, with *values* of settings by bare name."""
    module = module_of(folder, name, compose)
    addressed = {f"{name}.{setting}": value for setting, value in (values or {}).items()}
    catalog = Catalog({name: module})
    known = {**catalog.defaults, **addressed}
    return module_target(resolve(catalog, module, addressed), owner, bind="127.0.0.1", values=known)


def service_of(name: str, *lines: str) -> str:
    """A Compose file with one service and *lines* in it."""
    return "\n".join(
        ["services:", f"  {name}:", f"    image: {IMAGE}", *(f"    {x}" for x in lines)]
    )
