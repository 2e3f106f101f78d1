"""From a module's target to the bodies of a Docker Swarm."""

from typing import Any, cast

import pytest

from aiserver_tray.base.errors import ObjectNotFoundError
from aiserver_tray.features.cluster.images import Folders, on_cluster, with_declared
from aiserver_tray.features.cluster.managers import Managers
from aiserver_tray.features.cluster.spec import NOWHERE, ModuleSpec, ServiceSpec, module_spec
from aiserver_tray.features.cluster.state import Seen
from aiserver_tray.spec.labels import INSTALLATION, MODULE
from tests.unit.features.cluster.made import WEB, spec_of
from tests.unit.spec.made import HEAD, SECRET, TargetOf


def of(spec: ModuleSpec, name: str) -> ServiceSpec:
    return next(one for one in spec.services if one.service == name)


def container(one: ServiceSpec) -> dict[str, Any]:
    return dict(one.body["TaskTemplate"]["ContainerSpec"])


def test_a_service_has_all_that_its_container_has(target_of: TargetOf) -> None:
    spec = spec_of(target_of)
    web = of(spec, "web")
    made, task = container(web), web.body["TaskTemplate"]
    assert made["Image"] == "web:1"
    assert made["Privileges"] == {"NoNewPrivileges": True}
    assert made["Hosts"] == ["host-gateway host.docker.internal"]
    assert 'TEMPLATE=a {{"{{"}}.Node}}' in made["Env"], "the templates of a swarm stay plain text"
    assert task["Resources"]["Limits"] == {"MemoryBytes": 2**30}
    mounts = {one["Target"]: one for one in made["Mounts"]}
    assert mounts["/dev/shm"]["TmpfsOptions"]["SizeBytes"] == 64 * 2**20
    # Its owner is root there, so all have to be able to write.
    assert mounts["/cache"]["TmpfsOptions"] == {"SizeBytes": 2**20, "Mode": 0o1777}
    assert web.body["EndpointSpec"]["Mode"] == "dnsrr"
    assert web.needs == ("prepare",)
    assert spec.refused == ()


def test_volumes_are_pinned_and_only_the_page_is_published(target_of: TargetOf) -> None:
    spec = spec_of(target_of)
    web = of(spec, "web")
    pinned = ["node.labels.io.aiserver.volumes.m==true"]
    assert web.body["TaskTemplate"]["Placement"]["Constraints"] == pinned
    assert web.body["UpdateConfig"]["Order"] == "stop-first", "no two containers use them"
    assert spec.volumes == ("ai-m-data",)
    assert [one["PublishedPort"] for one in web.ports] == [18100]
    assert not of(spec_of(target_of, publish=False), "web").ports


def test_no_node_takes_a_container_and_a_job_reaches_nothing(target_of: TargetOf) -> None:
    spec = spec_of(target_of)
    web = of(spec, "web")
    assert web.body["Labels"][MODULE] == "m"
    for seen in (container(web), *spec.networks.values()):  # by the node's own engine, too
        assert not {MODULE, INSTALLATION} & seen["Labels"].keys()
    job = of(spec, "prepare")
    assert job.body["Mode"] == {"Replicated": {"Replicas": 1}}
    assert job.body["TaskTemplate"]["RestartPolicy"]["Condition"] == "none"
    assert job.body["TaskTemplate"]["Networks"] == [{"Target": NOWHERE}]
    assert spec.networks[NOWHERE]["Internal"]


def test_files_are_named_by_their_content_and_bodies_have_a_hash(target_of: TargetOf) -> None:
    files = {one.content: one for one in of(spec_of(target_of), "web").files}
    kinds = {content: one.is_secret for content, one in files.items()}
    assert kinds == {b"plain": False, f"key={SECRET}".encode(): True, b"content": True}
    other = of(spec_of(target_of, WEB.replace("content: plain", "content: other")), "web")
    assert files[b"plain"].name not in {one.name for one in other.files}
    was = of(spec_of(target_of), "web").hash
    assert was == of(spec_of(target_of), "web").hash
    assert was != of(spec_of(target_of, WEB.replace("64m", "32m")), "web").hash


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("privileged: true", "privileged"),
        ("devices: [/dev/null]", "devices"),
        ("ipc: shareable", "ipc"),
        ("pid: host", "pid"),
        ("cgroup: host", "cgroup"),
        ("userns_mode: host", "userns_mode"),
        ("runtime: other", "runtime"),
        ("memswap_limit: 1g", "memswap_limit"),
        ("oom_score_adj: 100", "oom_score_adj"),
        ("platform: linux/arm64", "platform"),
        ("network_mode: host", "network_mode"),
        ("security_opt: [label=disable]", "security_opt"),
        ('tmpfs: ["/cache:nr_inodes=5"]', "tmpfs"),
        ('post_start: [{command: ["true"]}]', "post_start"),
        ("volumes: [/srv/data:/data]", "/srv/data"),
        ("pull_policy: build\n    build: .", "registry"),
    ],
)
def test_a_key_that_a_swarm_drops_is_refused(target_of: TargetOf, key: str, word: str) -> None:
    text = f"{HEAD}\nservices:\n  a:\n    image: i\n    {key}\n"
    (why,) = spec_of(target_of, text).refused
    assert "m/a" in str(why)
    assert word in str(why)


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


def test_a_declared_folder_gets_a_volume_that_stays(target_of: TargetOf) -> None:
    spec = made(target_of, folders_of(["/data", "/var/lib/app"]))
    (volume,) = set(spec.volumes) - {"ai-m-data"} - {v for v in spec.volumes if "prepare" in v}
    assert volume.startswith("ai-m-web-")
    web = spec.services[-1].body["TaskTemplate"]
    assert "/var/lib/app" in {one["Target"] for one in web["ContainerSpec"]["Mounts"]}
    assert web["Placement"]["Constraints"]
    before = made(target_of, folders_of(["/var/lib/app"]))
    seen = Seen(services=[{"ID": one.name, "Spec": one.body} for one in before.services])
    after = made(target_of, folders_of(None, seen))
    assert [one.hash for one in after.services] == [one.hash for one in before.services]
    _, unknown = with_declared(target_of(WEB), folders_of(None))
    assert unknown == ["tool:1", "web:1"]
