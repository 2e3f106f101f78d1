"""The quick outline of a module says what its checked model says."""

from dataclasses import replace

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.catalog import Catalog, load_catalog
from aiserver_tray.catalog.modules import Module, load_module
from aiserver_tray.catalog.resolve import outline, resolve
from aiserver_tray.core.app import built_in_catalog
from aiserver_tray.spec.build import module_target
from aiserver_tray.spec.labels import Owner
from aiserver_tray.spec.outline import module_model
from tests.support.oracle import HOME, Case, cases


def assert_same(catalog: Catalog, module: Module) -> None:
    values = {
        address: MASK if setting.is_secret else setting.initial or ""
        for address, setting in catalog.declared.items()
    }
    values = {} if not module.declared else values
    target = module_target(
        resolve(catalog, module, values), Owner("id", "1"), bind="127.0.0.1", values={}
    )
    found = module_model(outline(catalog, module, values), "127.0.0.1")
    assert replace(found, services=()) == replace(target.model, services=())
    services = sorted(target.model.services, key=lambda service: service.name)
    assert sorted(found.services, key=lambda service: service.name) == services


@pytest.mark.parametrize("name", load_catalog([built_in_catalog()]).modules)
def test_outline_of_a_built_in_module_equals_its_project(name: str) -> None:
    catalog = load_catalog([built_in_catalog()])
    assert_same(catalog, catalog.module(name))


@pytest.mark.smoke
def test_outline_of_the_corpus_equals_its_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)
    compared = [case for case in cases("corpus") if is_compared(case)]
    # The others can't be modules, for instance since they have external secrets.
    assert len(compared) >= 60


def is_compared(case: Case) -> bool:
    module = load_module("m", case.path)
    try:
        assert_same(Catalog({"m": module}), module)
    except CatalogError:
        return False
    return True
