"""Folders that only an image declares as volumes."""

from typing import Any, cast

from aiserver_tray.base.errors import ObjectNotFoundError
from aiserver_tray.features.cluster.images import Folders, on_cluster, with_declared
from aiserver_tray.features.cluster.managers import Managers
from aiserver_tray.features.cluster.spec import ModuleSpec, module_spec
from aiserver_tray.features.cluster.state import Seen
from tests.unit.features.cluster.made import WEB
from tests.unit.spec.made import TargetOf


class Images:
    """A manager that has an image with *folders*, or (None) none."""

    def __init__(self, folders: list[str] | None) -> None:
        self._folders = folders

    def get(self, path: str, name: str) -> dict[str, Any]:
        if self._folders is None:
            raise ObjectNotFoundError(404, f"no such image: {name} at {path}")
        return {"Config": {"Volumes": {folder: {} for folder in self._folders}}}


def folders_of(folders: list[str] | None, seen: Seen = Seen()) -> Folders:  # noqa: B008 - frozen
    return on_cluster(cast("Managers", Images(folders)), seen, None)


def made(target_of: TargetOf, folders: Folders) -> ModuleSpec:
    target, _ = with_declared(target_of(WEB), folders)
    return module_spec(target, [], publish=False)


def test_a_folder_that_an_image_declares_gets_a_volume_on_the_pinned_node(
    target_of: TargetOf,
) -> None:
    spec = made(target_of, folders_of(["/data", "/var/lib/app"]))
    (volume,) = set(spec.volumes) - {"ai-m-data"} - {v for v in spec.volumes if "prepare" in v}
    assert volume.startswith("ai-m-web-")
    web = spec.services[-1].body["TaskTemplate"]
    assert "/var/lib/app" in {one["Target"] for one in web["ContainerSpec"]["Mounts"]}
    assert web["Placement"]["Constraints"]


def test_an_update_keeps_that_volume_while_the_image_is_not_known(target_of: TargetOf) -> None:
    before = made(target_of, folders_of(["/var/lib/app"]))
    seen = Seen(services=[{"ID": one.name, "Spec": one.body} for one in before.services])
    after = made(target_of, folders_of(None, seen))
    assert [one.hash for one in after.services] == [one.hash for one in before.services]


def test_images_that_nobody_has_yet_are_named(target_of: TargetOf) -> None:
    _, unknown = with_declared(target_of(WEB), folders_of(None))
    assert unknown == ["tool:1", "web:1"]
