"""Modules on a Docker Swarm of three real engines: where they run, and what happens when a node, a
leader or most managers are gone. The tests share the engines, and each leaves them whole."""

import json
from collections.abc import Iterator

import docker
import pytest
import requests
from docker.types import ServiceMode

from tests.engine.built_in import choose_free_ports
from tests.engine.clustered import (
    KEPT,
    PORT,
    Cluster,
    Load,
    write_gated,
    write_modules,
    write_noted,
)
from tests.engine.through_owner import sql
from tests.lab import swarm as lab_swarm
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, idle
from tests.support.observed import said
from tests.support.stack import OPEN
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def cluster(lab: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three managers, added to a new installation as the cluster ``lab``."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "catalog").mkdir()
    here = Installation(folder / "home", folder / "catalog", lab.host)
    write_modules(here)
    with lab_swarm.running(lab) as engines:
        made = Cluster(here, engines)
        made.run("add", *map(engines.host, lab_swarm.NODES), "--name", "lab").succeeded()
        yield made


@pytest.fixture(autouse=True)
def mended(cluster: Cluster) -> Iterator[None]:
    """All nodes are there after each test."""
    yield
    cluster.swarm.mend()
    eventually(lambda: cluster.is_whole, "three managers that answer")


def test_a_drained_node_gets_nothing_and_a_killed_one_loses_nothing(cluster: Cluster) -> None:
    """`front` has no volume: it moves to another node. `store` has one, and stays. Each number that
    was acknowledged meanwhile is in the volume."""
    cluster.run("drain", "node1").succeeded()
    cluster.run("deploy", "front", "--pin", "node2", "--publish").succeeded()
    assert cluster.node_of("store", "store") == "node2"
    assert cluster.node_of("front", "front") == "node3"
    cluster.run("drain", "node1", "--off").succeeded()
    with Load(cluster.swarm).running() as load:
        eventually(lambda: len(load.acknowledged) > 20, "answers of front on node3")
        cluster.swarm.kill(3)
        eventually(lambda: cluster.node_of("front", "front") == "node1", "front on node1")
        before = len(load.acknowledged)
        eventually(lambda: len(load.acknowledged) > before + 20, "answers of front on node1")
    kept = cluster.output("ai-store", "cat", KEPT).split()
    assert {*map(str, load.acknowledged)} <= {*kept}


def test_a_service_with_a_volume_waits_for_its_node(cluster: Cluster) -> None:
    """Anywhere else, it would start with an empty volume, and look well."""
    kept = cluster.output("ai-store", "cat", KEPT)
    cluster.swarm.kill(2)
    store = eventually(lambda: waiting(cluster), "a service that waits", limit=120)
    assert store["label"] == "waits for its node node2"
    assert cluster.modules()["store"]["state"] == "waiting"
    cluster.swarm.start(2)
    eventually(lambda: cluster.node_of("store", "store") == "node2", "store on node2")
    assert cluster.output("ai-store", "cat", KEPT) == kept


def waiting(cluster: Cluster) -> dict[str, object] | None:
    store = cluster.service("store", "store")
    assert store["state"] in ("running", "unknown", "starting", "waiting"), store
    return store if store["state"] == "waiting" else None


def test_an_update_that_breaks_is_put_back(cluster: Cluster) -> None:
    cluster.here.set("front.FRONT_MODE", "bad")
    done = cluster.run("update", "front").failed("E_CLUSTER", "front")
    assert "rolled back" in done.errors or "put back" in done.errors, done
    cluster.here.set("front.FRONT_MODE", "good")
    node = eventually(lambda: cluster.node_of("front", "front"), "the former front")
    with cluster.swarm.inside():
        address = cluster.swarm.address(int(node[-1]))
        assert requests.get(f"http://{address}:{PORT}", timeout=30).ok
    assert cluster.service("front", "front")["update"] == "rollback_completed"


def test_of_two_deployments_the_second_is_refused(cluster: Cluster) -> None:
    write_gated(cluster.here)
    with cluster.here.cli.started("cluster", "deploy", "gated") as first:
        eventually(lambda: cluster.output("ai-gated-b", "true") == "", "the container of b")
        cluster.run("deploy", "gated").failed("E_CLUSTER", "changes this cluster")
        cluster.output("ai-gated-b", *OPEN)
        first.wait().succeeded()
    cluster.run("remove", "gated", "--yes").succeeded()


def test_a_deployment_goes_on_when_its_leader_is_gone(cluster: Cluster) -> None:
    write_gated(cluster.here)
    with cluster.here.cli.started("cluster", "deploy", "gated") as deployment:
        eventually(lambda: cluster.output("ai-gated-b", "true") == "", "the container of b")
        gone = cluster.swarm.leader()
        cluster.swarm.kill(gone)
        eventually(cluster.swarm.leader, "another leader")
        eventually(lambda: cluster.opened("ai-gated-b", gone), "b on a node that is there")
        deployment.wait().succeeded()
    view = cluster.view()
    assert view["state"] == "ok"
    assert [m["state"] for m in view["managers"]].count("unreachable") == 1
    assert cluster.modules()["gated"]["state"] == "running"


def test_without_a_quorum_everything_goes_on_but_nothing_changes(cluster: Cluster) -> None:
    kept = cluster.output("ai-store", "cat", KEPT)
    cluster.swarm.kill(1)
    cluster.swarm.kill(3)
    eventually(lambda: cluster.view()["state"] == "no-leader", "no leader")
    cluster.run("remove", "gated", "--yes").failed("E_CLUSTER_DOWN")
    assert cluster.output("ai-store", "cat", KEPT) == kept
    cluster.swarm.mend()
    eventually(lambda: cluster.is_whole, "three managers that answer")
    cluster.run("remove", "gated", "--yes").succeeded()


def test_a_backup_is_deployed_with_its_volume_and_database(
    cluster: Cluster, engine: docker.DockerClient
) -> None:
    """PostgreSQL has its own data on the node already. The data of the backup gets there by the
    engine of the node, which is found by its address."""
    write_noted(cluster.here)
    here, cli = cluster.here, cluster.here.cli
    choose_free_ports(here, "postgres")
    cli.run("up", "noted").succeeded()
    sql(engine, "postgres", "create role noted login")
    sql(engine, "postgres", "create database noted owner noted")
    sql(engine, "noted", "set role noted; create table note as select 'of the database' as text")
    said(engine, "ai-noted", "sh", "-c", "echo of the volume > /data/note")
    cli.run("backup", "create", "noted").succeeded()
    (backup,) = json.loads(cli.run("backup", "list", "--json").output)["backups"]
    cli.run("down", "noted", "postgres", "--volumes", "--yes").succeeded()
    deploy = ("deploy", "noted", "--from-backup", backup["id"], "--pin", "node2")
    cluster.run(*deploy, "--node-address", cluster.swarm.host(3)).failed("E_CLUSTER", "node2")
    cluster.run(*deploy, "--node-address", cluster.swarm.host(2)).succeeded()
    assert cluster.output("ai-noted", "cat", "/data/note") == "of the volume\n"
    command = ("psql", "-U", "postgres", "-d", "noted", "-Atc", "select text from note")
    assert cluster.output("ai-postgres", *command) == "of the database\n"
    cluster.run("remove", "noted", "--yes").succeeded()
    cluster.run(*deploy, "--node-address", cluster.swarm.host(2)).failed("E_CLUSTER", "volume")
    cluster.run("remove", "postgres", "--yes").succeeded()


def test_only_what_may_run_several_times_does(cluster: Cluster) -> None:
    cluster.here.write("scaled", {"a": idle(**{"x-aiserver": {"scale": True}}), "b": idle()})
    cluster.run("deploy", "scaled").succeeded()
    cluster.run("scale", "scaled/a", "3").succeeded()
    assert cluster.service("scaled", "a")["running"] == 3
    cluster.run("scale", "scaled/b", "2").failed("E_CLUSTER", "b")
    cluster.run("update", "scaled").succeeded()
    assert cluster.service("scaled", "a")["replicas"] == 3
    cluster.run("remove", "scaled", "--yes").succeeded()


def test_what_is_taken_is_refused_before_anything_changes(cluster: Cluster) -> None:
    """A name, a port, and a volume: the module runs on this computer, which may be a node."""
    here = cluster.here
    with cluster.swarm.client(1) as client:
        client.services.create(IMAGE, name="ai-named-a", mode=ServiceMode("replicated", 0))
        here.write("named", {"a": idle()})
        cluster.run("deploy", "named").failed("E_CLUSTER", "ai-named-a")
        client.services.get("ai-named-a").remove()
    here.write("ported", {"a": idle(ports=[f"{PORT}:80"])}, open=f"http://localhost:{PORT}")
    cluster.run("deploy", "ported", "--publish").failed("E_CLUSTER", str(PORT))
    here.write("local", {"a": idle(volumes=["data:/data"])}, top={"volumes": {"data": {}}})
    here.cli.run("up", "local").succeeded()
    cluster.run("deploy", "local", "--pin", "node1").failed("E_CLUSTER", "local")
    here.cli.run("down", "local", "--volumes", "--yes").succeeded()
    cluster.run("deploy", "local").failed("E_CLUSTER", "--pin")
    assert {*cluster.modules()} == {"store", "front"}
    here.cli.run("up", "store").failed("E_CLUSTER", "store")
