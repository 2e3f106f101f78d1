"""A new application beside modules that an older one has started."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import docker
import pytest

from aiserver_tray.core import app as core_app
from aiserver_tray.core.core import Core
from aiserver_tray.features.configuration.fixed import fixed_versions
from aiserver_tray.features.place import Place
from aiserver_tray.features.upgrade.versions import Versions
from tests.support.installation import IMAGE, Installation, idle

REPOSITORY, _, TAG = IMAGE.partition(":")


def application(folder: Path, **environment: str) -> None:
    """An application with one module."""
    notes = folder / "features/notes"
    notes.mkdir(parents=True, exist_ok=True)
    update = {"setting": "NOTES_VERSION", "images": [REPOSITORY], "range": ">=1.36 <2"}
    service = idle(image=f"{REPOSITORY}:${{NOTES_VERSION}}", volumes=["data:/data"])
    content = {
        "x-aiserver": {
            "kind": "feature",
            "updates": [update],
            "settings": {"NOTES_VERSION": {"default": TAG}},
        },
        "services": {"notes": {**service, "environment": environment}},
        "volumes": {"data": {}},
    }
    (notes / "compose.yaml").write_text(json.dumps(content), encoding="utf-8")


def place_of(core: Core) -> Place:
    return cast("Place", SimpleNamespace(app=core._modules, core=core, publish=lambda _: None))


def test_a_new_application_changes_no_running_module_until_that_is_upgraded_or_emptied(
    here: Installation,
    engine: docker.DockerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packaged = tmp_path / "packaged"
    monkeypatch.setattr(core_app, "built_in_catalog", lambda: packaged)
    application(packaged, RELEASE="1")
    here.done("up", "notes")
    before = engine.containers.get("ai-notes")
    application(packaged, RELEASE="2")
    assert here.done("up", "notes") == []
    here.done("restart", "notes")
    here.done("down", "notes")
    here.done("up", "notes")
    after = engine.containers.get("ai-notes")
    assert "RELEASE=1" in after.attrs["Config"]["Env"]
    assert after.labels["io.aiserver.config-hash"] == before.labels["io.aiserver.config-hash"]
    with here.core() as core:
        place = place_of(core)
        (found,) = Versions(place).views().modules
        assert fixed_versions(place, "notes") == {"notes.NOTES_VERSION"}
    assert found.offer is not None
    assert (found.offer.version, found.offer.kind) == (TAG, "files")
    here.done("down", "notes", volumes="all")
    here.done("up", "notes")
    assert "RELEASE=2" in engine.containers.get("ai-notes").attrs["Config"]["Env"]
