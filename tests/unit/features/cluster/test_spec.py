"""From a module's target to the bodies of a Docker Swarm."""

from typing import Any

import pytest

from aiserver_tray.features.cluster.spec import NOWHERE, ModuleSpec, ServiceSpec
from aiserver_tray.spec.labels import INSTALLATION, MODULE
from tests.unit.spec.made import HEAD, SECRET, TargetOf

from .made import WEB, spec_of


def of(spec: ModuleSpec, name: str) -> ServiceSpec:
    return next(one for one in spec.services if one.service == name)


def container(one: ServiceSpec) -> dict[str, Any]:
    return dict(one.body["TaskTemplate"]["ContainerSpec"])


def test_a_service_has_all_that_its_container_has(target_of: TargetOf) -> None:
    web = of(spec_of(target_of), "web")
    made = container(web)
    assert made["Image"] == "web:1"
    assert made["Privileges"] == {"NoNewPrivileges": True}
    assert made["Hosts"] == ["host-gateway host.docker.internal"]
    assert web.body["TaskTemplate"]["Resources"]["Limits"] == {"MemoryBytes": 2**30}
    assert web.body["EndpointSpec"]["Mode"] == "dnsrr"
    assert web.needs == ("prepare",)


def test_the_owner_of_a_nodes_engine_does_not_take_a_container_for_its_own(
    target_of: TargetOf,
) -> None:
    spec = spec_of(target_of)
    web = of(spec, "web")
    assert web.body["Labels"][MODULE] == "m"
    for seen in (container(web), *spec.networks.values()):  # by the node's own engine, too
        assert not {MODULE, INSTALLATION} & seen["Labels"].keys()


def test_the_templates_of_a_swarm_stay_plain_text(target_of: TargetOf) -> None:
    assert 'TEMPLATE=a {{"{{"}}.Node}}' in container(of(spec_of(target_of), "web"))["Env"]


def test_a_file_with_a_secret_is_one_and_its_name_follows_from_its_content(
    target_of: TargetOf,
) -> None:
    files = {one.content: one for one in of(spec_of(target_of), "web").files}
    kinds = {content: one.is_secret for content, one in files.items()}
    assert kinds == {b"plain": False, f"key={SECRET}".encode(): True, b"content": True}
    other = of(spec_of(target_of, WEB.replace("content: plain", "content: other")), "web")
    assert files[b"plain"].name not in {one.name for one in other.files}


def test_volumes_are_pinned_and_no_two_containers_use_them(target_of: TargetOf) -> None:
    spec = spec_of(target_of)
    web = of(spec, "web")
    pinned = ["node.labels.io.aiserver.volumes.m==true"]
    assert web.body["TaskTemplate"]["Placement"]["Constraints"] == pinned
    assert web.body["UpdateConfig"]["Order"] == "stop-first"
    assert spec.volumes == ("ai-m-data",)


def test_a_job_runs_once_and_reaches_nothing(target_of: TargetOf) -> None:
    spec = spec_of(target_of)
    job = of(spec, "prepare")
    assert job.body["Mode"] == {"Replicated": {"Replicas": 1}}
    assert job.body["TaskTemplate"]["RestartPolicy"]["Condition"] == "none"
    assert job.body["TaskTemplate"]["Networks"] == [{"Target": NOWHERE}]
    assert spec.networks[NOWHERE]["Internal"]


def test_only_the_port_of_the_page_is_published_and_only_if_that_is_wanted(
    target_of: TargetOf,
) -> None:
    opened = of(spec_of(target_of), "web").ports
    assert [one["PublishedPort"] for one in opened] == [18100]
    assert not of(spec_of(target_of, publish=False), "web").ports


def test_memory_that_is_a_folder_keeps_its_size(target_of: TargetOf) -> None:
    mounts = {one["Target"]: one for one in container(of(spec_of(target_of), "web"))["Mounts"]}
    assert mounts["/dev/shm"]["TmpfsOptions"]["SizeBytes"] == 64 * 2**20
    # Its owner is root there, so all have to be able to write.
    assert mounts["/cache"]["TmpfsOptions"] == {"SizeBytes": 2**20, "Mode": 0o1777}


def test_the_hash_changes_with_the_body_and_not_with_our_version(target_of: TargetOf) -> None:
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
def test_a_key_that_a_swarm_drops_is_refused_by_its_name(
    target_of: TargetOf, key: str, word: str
) -> None:
    text = f"{HEAD}\nservices:\n  a:\n    image: i\n    {key}\n"
    (why,) = spec_of(target_of, text).refused
    assert "m/a" in str(why)
    assert word in str(why)


def test_what_no_swarm_drops_is_not_refused(target_of: TargetOf) -> None:
    assert spec_of(target_of).refused == ()
