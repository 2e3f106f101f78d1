"""Targets of Compose files that stand in the tests."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.spec.build import module_target
from aiserver_tray.spec.labels import Owner
from aiserver_tray.spec.model import ModuleTarget
from aiserver_tray.spec.mounts import with_paths_there

from .made import SECRET, TargetOf


@pytest.fixture
def target_of(tmp_path: Path) -> TargetOf:
    """The target of the module ``m``, or *name*, whose Compose file is *text*."""
    folder = tmp_path / "catalog/m"
    folder.mkdir(parents=True)
    (folder / "web.conf").write_text("content", encoding="utf-8")

    def make(
        text: str,
        *,
        name: str = "m",
        owner: Owner | None = None,
        bind: str = "127.0.0.1",
        values: Mapping[str, str] | None = None,
        least_log_size: str = "0b",
        host: str = "unix:///docker.sock",
    ) -> ModuleTarget:
        module = folder.with_name(name)
        module.mkdir(exist_ok=True)
        (module / "compose.yaml").write_text(text, encoding="utf-8")
        catalog = load_catalog([folder.parent])
        given = {**catalog.defaults, "m.KEY": SECRET, **(values or {})}
        resolved = with_paths_there(resolve(catalog, catalog.module(name), given), lambda: host)
        owner = owner or Owner("home", "1.0")
        return module_target(
            resolved, owner, bind=bind, values=given, least_log_size=least_log_size
        )

    return make
