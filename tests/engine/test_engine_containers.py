"""Containers, networks and volumes by our engine package, on the lab's engine."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

import docker
import pytest

from aiserver_tray.base.errors import EngineRequestError, ObjectConflictError, ObjectNotFoundError
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.monitoring.samples import Rates
from aiserver_tray.model import Port
from aiserver_tray.spec.labels import INSTALLATION, Owner, container_labels
from aiserver_tray.spec.model import File
from tests.engine.our_engine import BODY, BUSYBOX, SECOND, core, run
from tests.support.installation import last_words
from tests.support.ports import free_port
from tests.support.waiting import eventually

__all__ = ["core"]


def saying(command: str) -> list[str]:
    """The command of a container that runs *command* in a shell, for `output`."""
    return ["sh", "-c", last_words(command, 0)]


def output(core: Engine, engine: docker.DockerClient, created: str) -> list[str]:
    """What the container writes until it ends."""
    core.containers.start(created)
    engine.containers.get(created).wait()
    return core.containers.tail(created, 100)


def test_the_body_reaches_the_engine_as_it_is(core: Engine, engine: docker.DockerClient) -> None:
    check = {
        "Test": ["CMD", "true"],
        "Interval": 10 * SECOND,
        "Timeout": 3 * SECOND,
        "Retries": 4,
        "StartPeriod": 20 * SECOND,
        "StartInterval": SECOND // 5,
    }
    host = {
        "Annotations": {"a": "b"},
        "CgroupnsMode": "private",
        "OomScoreAdj": 5,
        "Mounts": [
            {
                "Type": "volume",
                "Source": "ai-kept",
                "Target": "/data",
                "VolumeOptions": {"NoCopy": True, "Labels": {"x": "y"}},
            }
        ],
    }
    created = core.containers.create("ai-body", {**BODY, "Healthcheck": check, "HostConfig": host})
    found = engine.api.inspect_container(created)
    assert found["Config"]["Healthcheck"] == check
    assert found["HostConfig"]["Annotations"] == {"a": "b"}
    assert found["HostConfig"]["CgroupnsMode"] == "private"
    assert found["HostConfig"]["OomScoreAdj"] == 5
    assert found["HostConfig"]["Mounts"] == host["Mounts"]


def test_own_container_is_read_with_all_fields(core: Engine) -> None:
    labels = container_labels("web", "app", Owner("me", "1"), "hash", {})
    name, port = "ai-web-app", free_port()
    created = run(
        core,
        name,
        Labels=labels,
        ExposedPorts={"80/tcp": {}},
        HostConfig={"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}},
    )
    found = core.containers.inspect(name)
    assert (found.id, found.name) == (created, name)
    assert (found.module, found.service, found.config_hash) == ("web", "app", "hash")
    assert (found.status, found.health, found.exit_code) == ("running", "none", 0)
    assert (found.image, found.image_id[:7]) == (BUSYBOX, "sha256:")
    assert found.ports == (Port("127.0.0.1", port, 80, "tcp"),)
    assert isinstance(found.created_at, datetime)
    assert found.started_at is not None
    assert found.started_at.utcoffset() is not None
    assert found.finished_at is None
    assert found.is_ready


def test_a_failing_check_shows_its_output(core: Engine) -> None:
    check = {"Test": ["CMD-SHELL", "echo not yet; exit 1"], "Interval": SECOND // 5, "Retries": 1}
    created = run(core, "ai-sick", Healthcheck=check)
    eventually(
        lambda: core.containers.inspect(created).health == "unhealthy", "an unhealthy container"
    )
    assert core.containers.inspect(created).last_check == "not yet"
    eventually(lambda: core.containers.summaries()[0].health == "unhealthy", "the same in the list")


def test_the_list_has_containers_in_whatever_state_and_filters_ours(core: Engine) -> None:
    run(core, "ai-mine", Labels={INSTALLATION: "me"})
    core.containers.create("ai-created", {**BODY, "Labels": {INSTALLATION: "me"}})
    run(core, "ai-theirs", Labels={INSTALLATION: "other"})
    run(core, "foreign")
    everyone = {found.name: found.status for found in core.containers.summaries()}
    ours = {found.name for found in core.containers.summaries("me")}
    assert everyone == {
        "ai-mine": "running",
        "ai-created": "created",
        "ai-theirs": "running",
        "foreign": "running",
    }
    assert ours == {"ai-mine", "ai-created"}


def test_claimed_ports_are_known_of_a_stopped_container(core: Engine) -> None:
    port = free_port()
    bindings = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    created = run(
        core, "ai-port", ExposedPorts={"80/tcp": {}}, HostConfig={"PortBindings": bindings}
    )
    claim = Port("127.0.0.1", port, 80, "tcp")
    assert core.containers.summaries()[0].ports == (claim,)
    core.containers.stop(created, 0)
    eventually(
        lambda: core.containers.summaries()[0].ports == (), "a stopped container without ports"
    )
    assert core.containers.port_claims(created) == (claim,)


def test_life_of_a_container(core: Engine) -> None:
    created = run(core, "ai-life")

    def status() -> str:
        return core.containers.inspect(created).status

    core.containers.start(created)  # once more is no error
    core.containers.pause(created)
    assert status() == "paused"
    core.containers.unpause(created)
    core.containers.stop(created)
    assert (status(), core.containers.inspect(created).exit_code) == ("exited", 137)
    core.containers.stop(created)
    core.containers.start(created)
    core.containers.kill(created)
    core.containers.remove(created)
    with pytest.raises(ObjectNotFoundError):
        core.containers.inspect(created)


def test_second_remove_of_a_container_waits_until_it_is_gone(core: Engine) -> None:
    for _ in range(10):
        container = run(core, "busy")

        def remove(_: int, container: str = container) -> bool:
            with suppress(ObjectNotFoundError):
                core.containers.remove(container)
            return container in {found.id for found in core.containers.summaries()}

        with ThreadPoolExecutor(4) as pool:
            assert not any(pool.map(remove, range(4)))


def test_a_removed_container_leaves_its_anonymous_volumes(core: Engine) -> None:
    created = run(core, "ai-volume", Volumes={"/data": {}})
    (volume,) = core.volumes.all()
    core.containers.remove(created)
    assert core.volumes.all() == [volume]


def test_a_name_that_is_taken_and_a_body_that_is_wrong(core: Engine) -> None:
    core.containers.create("ai-taken", BODY)
    with pytest.raises(ObjectConflictError, match="already in use"):
        core.containers.create("ai-taken", BODY)
    with pytest.raises(EngineRequestError, match="memory limit") as caught:
        core.containers.create("ai-wrong", {**BODY, "HostConfig": {"Memory": 1}})
    assert caught.value.status == 400


# -- files -------------------------------------------------------------------------------------


def test_files_have_their_owner_and_mode_and_missing_folders_are_made(
    core: Engine, engine: docker.DockerClient
) -> None:
    body = {**BODY, "Cmd": saying("stat -c '%a %u %g %n' /etc /new /new/sub /new/sub/f /etc/g")}
    created = core.containers.create("ai-files", body)
    core.containers.put_files(
        created,
        [
            File("/new/sub/f", b"content", 70, 71, 0o440),
            File("/etc/g", b"x" * 100_000, 0, 0, 0o555),
        ],
    )
    assert output(core, engine, created) == [
        "755 0 0 /etc",
        "755 0 0 /new",
        "755 0 0 /new/sub",
        "440 70 71 /new/sub/f",
        "555 0 0 /etc/g",
    ]


def test_no_files_is_no_request(core: Engine) -> None:
    core.containers.put_files("there is no such container", [])


def test_a_folder_of_the_image_keeps_its_owner_and_mode(
    core: Engine, engine: docker.DockerClient
) -> None:
    """Our archive has no entries of folders, so the engine has nothing to set on them."""
    body = {**BODY, "Cmd": saying("stat -c %a /tmp")}
    created = core.containers.create("ai-tmp", body)
    core.containers.put_files(created, [File("/tmp/f", b"content")])
    assert output(core, engine, created) == ["1777"]


def test_files_of_a_read_only_container_go_into_its_volumes(
    core: Engine, engine: docker.DockerClient
) -> None:
    host = {"ReadonlyRootfs": True, "Binds": ["ai-config-1:/etc/app", "ai-config-2:/run/secrets"]}
    command = saying("cat /etc/app/a /etc/app/b /run/secrets/c")
    created = core.containers.create("ai-readonly", {**BODY, "Cmd": command, "HostConfig": host})
    names = ("/etc/app/a", "/etc/app/b", "/run/secrets/c")
    core.containers.put_files(created, [File(name, f"{name}\n".encode()) for name in names])
    assert output(core, engine, created) == list(names)
    with pytest.raises(EngineRequestError, match="read-only"):
        core.containers.put_files(created, [File("/etc/other", b"")])


# -- networks and volumes ----------------------------------------------------------------------


def test_networks(core: Engine) -> None:
    created = core.networks.create("ai-net-x", {"Labels": {"a": "b"}, "Internal": True})
    with pytest.raises(ObjectConflictError):
        core.networks.create("ai-net-x", {})
    found = core.networks.find("ai-net-x")
    assert found is not None
    assert (found.id, found.name, found.labels, found.containers) == (
        created,
        "ai-net-x",
        {"a": "b"},
        (),
    )
    container = run(core, "ai-on-net")
    core.containers.connect(container, "ai-net-x", {"Aliases": ["known"]})
    found = core.networks.find("ai-net-x")
    assert found is not None
    assert found.containers == (container,)
    with pytest.raises(EngineRequestError) as caught:
        core.networks.remove("ai-net-x")
    assert caught.value.status == 403
    core.containers.remove(container)
    assert "ai-net-x" in [network.name for network in core.networks.all()]
    core.networks.remove("ai-net-x")
    assert core.networks.find("ai-net-x") is None


def test_a_network_is_found_by_its_whole_name_only(core: Engine) -> None:
    created = core.networks.create("ai-net-y", {})
    assert core.networks.find(created[:12]) is None


def test_volumes(core: Engine) -> None:
    made = core.volumes.create("ai-vol-x", {"Labels": {"a": "b"}})
    again = core.volumes.create("ai-vol-x", {"Labels": {"other": "labels"}})
    assert made == again == core.volumes.find("ai-vol-x")
    assert made.labels == {"a": "b"}
    assert made.created_at is not None
    container = run(core, "ai-on-vol", HostConfig={"Binds": ["ai-vol-x:/data"]})
    with pytest.raises(ObjectConflictError, match="in use"):
        core.volumes.remove("ai-vol-x")
    core.containers.remove(container)
    assert [volume.name for volume in core.volumes.all()] == ["ai-vol-x"]
    core.volumes.remove("ai-vol-x")
    assert core.volumes.find("ai-vol-x") is None
    with pytest.raises(ObjectNotFoundError):
        core.volumes.remove("ai-vol-x")


def test_the_usage_of_a_container_is_that_of_the_engines_own_statistics(
    core: Engine, engine: docker.DockerClient
) -> None:
    name, tenth = "ai-busy", SECOND // 10
    limits = {"NanoCpus": tenth, "Memory": 64 << 20}
    run(core, name, "while :; do :; done", HostConfig=limits)
    rates = Rates()
    before = core.containers.usage(name)
    # With two samples, from which `docker stats` computes.
    between = engine.api.stats(name, stream=False)
    after = core.containers.usage(name)
    assert before
    assert after
    first, last = between["precpu_stats"], between["cpu_stats"]
    for ours, theirs in (
        ((before.cpu, after.cpu), [s["cpu_usage"]["total_usage"] for s in (first, last)]),
        ((before.system, after.system), [s["system_cpu_usage"] for s in (first, last)]),
    ):
        assert ours[0] <= theirs[0] < theirs[1] <= ours[1]
    assert (before.cpus, after.cpus) == (last["online_cpus"],) * 2
    networks = between["networks"].values()
    assert before.rx <= sum(network["rx_bytes"] for network in networks) <= after.rx
    assert before.tx <= sum(network["tx_bytes"] for network in networks) <= after.tx
    assert after.limit == between["memory_stats"]["limit"] == 64 << 20
    assert after.pids == between["pids_stats"]["current"] == 1
    assert 0 < before.time < after.time

    assert rates.load(name, before).cpu is None
    busy = rates.load(name, after).cpu
    assert busy is not None
    assert 0 < busy < 20, "percent of one processor, of which it gets a tenth"
    core.containers.kill(name)
    assert core.containers.usage(name) is None


def test_bytes_written_to_a_disk_are_counted(core: Engine, engine: docker.DockerClient) -> None:
    name, size = "ai-writing", 8 << 20
    run(core, name, f"head -c {size} /dev/zero > /file; sync; touch /done; exec sleep 600")
    eventually(lambda: core.containers.exec(name, ["test", "-e", "/done"]) == 0, "the file")
    used = core.containers.usage(name)
    assert used
    entries = engine.api.stats(name, stream=False)["blkio_stats"]["io_service_bytes_recursive"]
    assert used.write == sum(e["value"] for e in entries or () if e["op"].lower() == "write")


def test_the_disk_use_is_that_of_docker_system_df(
    core: Engine, engine: docker.DockerClient
) -> None:
    engine.volumes.create("ai-counted")
    theirs = engine.df()
    ours, volumes = core.disk_use()
    sizes = {volume["Name"]: volume["UsageData"]["Size"] for volume in theirs["Volumes"]}
    assert {volume.name: volume.size for volume in volumes} == sizes
    assert "ai-counted" in sizes
    assert ours.images == theirs["LayersSize"] > 0
    assert 0 <= ours.unused <= ours.images + ours.build_cache


def test_the_memory_of_a_container_is_without_the_page_cache(
    core: Engine, engine: docker.DockerClient
) -> None:
    name = "ai-caching"
    size = 32 << 20
    run(core, name, f"head -c {size} /dev/zero > /file; touch /done; exec sleep 600")
    eventually(lambda: core.containers.exec(name, ["test", "-e", "/done"]) == 0, "the file")
    used = core.containers.usage(name)
    assert used
    assert (
        engine.api.stats(name, stream=False)["memory_stats"]["usage"] > size > 2 * used.memory > 0
    )
