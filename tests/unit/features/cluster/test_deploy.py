"""The lock of a cluster, and what is left when work on it fails."""

from typing import Any, cast

import pytest

from aiserver_tray.base.errors import ClusterError, ObjectConflictError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.cluster.deploy import LOCK, Deployment, Lock, clean, locked
from aiserver_tray.features.cluster.managers import Managers
from aiserver_tray.features.cluster.work import Work
from aiserver_tray.spec.labels import CONFIG_HASH, INSTALLATION

Json = dict[str, Any]


class Kept:
    """A manager that keeps objects by path and name."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Json]] = {}
        self.rolled_back: list[str] = []

    def create(self, path: str, body: Json) -> str:
        known = self.objects.setdefault(path, {})
        if body["Name"] in known:
            raise ObjectConflictError(409, "already exists")
        known[body["Name"]] = {"ID": body["Name"], "Spec": body, "UpdatedAt": ""}
        return str(body["Name"])

    def find(self, path: str, name: str) -> Json | None:
        return self.objects.get(path, {}).get(name)

    def get(self, path: str, *names: str) -> Any:  # noqa: ANN401
        if path == "/info":
            return {"SystemTime": ""}
        if names:
            return self.find(path.partition("/{}")[0], names[0])
        return [*self.objects.get(path, {}).values()]

    def remove(self, path: str, name: str) -> None:
        self.objects.get(path, {}).pop(name, None)

    def change(self, _path: str, found: Json, spec: Json, rollback: str = "") -> None:
        if rollback:
            self.rolled_back.append(found["ID"])
        found["Spec"] = spec


@pytest.fixture
def kept() -> Kept:
    return Kept()


def lock_of(kept: Kept, work: str, installation: str = "home") -> Lock:
    return Lock(cast("Managers", kept), work, installation)


def test_the_lock_outlasts_a_clean_up_but_not_another_process(kept: Kept) -> None:
    with locked(cast("Managers", kept), "w1", "home"):
        clean(cast("Managers", kept), "home", wait=False)
        assert kept.find("/configs", LOCK)
    assert not kept.find("/configs", LOCK)
    lock = lock_of(kept, "w1")
    lock.take()
    with pytest.raises(ClusterError):
        lock_of(kept, "w2", "elsewhere").take()
    kept.remove("/configs", LOCK)
    lock_of(kept, "w2", "elsewhere").take()
    lock.renew()
    with pytest.raises(ClusterError):
        lock.check()
    lock.release()
    assert kept.find("/configs", LOCK)


@pytest.mark.parametrize(("hash", "rolled_back"), [("new", ["web"]), ("old", [])])
def test_a_cancelled_update_is_put_back_once(kept: Kept, hash: str, rolled_back: list[str]) -> None:
    """Not what the cluster has put back already: that would bring the update again."""
    kept.create("/services", {"Name": "web", "Labels": {CONFIG_HASH: hash, INSTALLATION: "home"}})
    kept.objects["/services"]["web"]["PreviousSpec"] = {"Name": "web"}
    work = cast("Work", type("Told", (), {"notice": lambda *_: None, "cancelled": Cancellation()}))
    managers = cast("Managers", kept)
    deployment = Deployment(managers, work, lock_of(kept, "w1"), "home", {})
    deployment._updated["web"] = "new"
    assert deployment._undo()
    assert kept.rolled_back == rolled_back
