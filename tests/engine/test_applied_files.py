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
from aiserver_tray.owner.owner import Owner
from tests.engine.through_owner import asked, done
from tests.lab.engine import registry_address
from tests.lab.place import Place as Lab
from tests.support.installation import IMAGE, Installation, idle
from tests.support.owning import owned
from tests.support.waiting import eventually

REPOSITORY, _, TAG = IMAGE.partition(":")


def application(
    folder: Path, repository: str = REPOSITORY, tag: str = TAG, **environment: str
) -> None:
    """An application with one module."""
    notes = folder / "features/notes"
    notes.mkdir(parents=True, exist_ok=True)
    update = {"setting": "NOTES_VERSION", "images": [repository], "range": ">=1.36 <2"}
    service = idle(image=f"{repository}:${{NOTES_VERSION}}", volumes=["data:/data"])
    content = {
        "x-aiserver": {
            "kind": "feature",
            "updates": [update],
            "settings": {"NOTES_VERSION": {"default": tag}},
        },
        "services": {"notes": {**service, "environment": environment}},
        "volumes": {"data": {}},
    }
    (notes / "compose.yaml").write_text(json.dumps(content), encoding="utf-8")


def place_of(core: Core) -> Place:
    return cast("Place", SimpleNamespace(app=core._modules, core=core, publish=lambda _: None))


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_images_that_were_published_again_are_offered_and_come_with_an_upgrade(  # noqa: PLR0917 - fixtures
    here: Installation,
    engine: docker.DockerClient,
    lab: Lab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_mirrored: bool,  # noqa: FBT001 - pytest's
) -> None:
    packaged = tmp_path / "packaged"
    monkeypatch.setattr(core_app, "built_in_catalog", lambda: packaged)
    application(packaged, "team/notes", "1.36")
    if is_mirrored:  # by the settings: the engine does not know its digest then
        here.set("app.mirrors", registry_address(lab))
    for image in engine.images.list("team/notes"):  # of the other round
        engine.images.remove(image.id, force=True)
    publish(engine, lab, "first")
    with owned(here) as (owner, modules):
        done(owner, "ai/operation/start", kind="up", modules=["notes"])
        before = engine.containers.get("ai-notes")
        assert offered(owner) is None
        publish(engine, lab, "second")
        offer = offered(owner)
        assert offer
        assert (offer["kind"], offer["version"]) == ("image", "1.36")
        done(owner, "ai/operation/start", kind="restart", modules=["notes"])
        assert engine.containers.get("ai-notes").id == before.id
        done(owner, "ai/upgrade/rehearse", module="notes")
        assert engine.containers.get("ai-notes").id == before.id
        assert engine.images.get("team/notes:1.36").id == before.image.id
        done(owner, "ai/upgrade/start", module="notes", how="direct")
        assert "EDITION=second" in engine.containers.get("ai-notes").attrs["Config"]["Env"]
        assert offered(owner) is None
        done(owner, "ai/upgrade/undo", module="notes")
        modules.wait_for(notes="running")
        assert "EDITION=first" in engine.containers.get("ai-notes").attrs["Config"]["Env"]
        assert engine.images.get("team/notes:1.36").id == before.image.id


def publish(engine: docker.DockerClient, lab: Lab, edition: str) -> None:
    """Give the lab's registry an image of this *edition*, which the engine does not have."""
    name = f"{registry_address(lab)}/team/notes"
    new = engine.containers.create(IMAGE).commit(name, "1.36", changes=f"ENV EDITION={edition}")
    engine.images.push(name, "1.36")
    engine.images.remove(new.id, force=True)


def offered(owner: Owner) -> dict[str, str] | None:
    """What the notes can be upgraded to once the registry was asked."""
    asked(owner, "ai/upgrade/ask", modules=["notes"])
    eventually(lambda: not asked(owner, "ai/upgrade/list")["asking"], "the registry's answer")
    (notes,) = asked(owner, "ai/upgrade/list")["modules"]
    offer: dict[str, str] | None = notes["offer"]
    return offer


def test_a_new_application_changes_no_running_module_until_that_is_upgraded_or_emptied(
    here: Installation, engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
