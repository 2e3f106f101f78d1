"""Modules on a Docker Swarm of three real engines: where they run, and what happens when a node, a
leader or most managers are gone. The tests share the engines, and each leaves them whole."""

import json
from collections.abc import Iterator
from typing import Any

import docker
import pytest
import requests
from docker.types import ServiceMode

from tests.engine import n8n
from tests.engine.built_in import choose_free_ports, value_of
from tests.engine.clustered import (
    KEPT,
    PORT,
    Cluster,
    Load,
    write_gated,
    write_modules,
    write_noted,
)
from tests.engine.elsewhere import ON_NODE, Elsewhere
from tests.engine.through_owner import sql
from tests.lab import swarm as lab_swarm
from tests.lab.place import Place
from tests.support import clusters
from tests.support.host_process import hosted
from tests.support.installation import IMAGE, Installation, idle
from tests.support.limits import LIMIT
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
    cluster.get_whole()


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
    """Anywhere else, it would start with an empty volume, and look well. Without its cable, its
    node goes on with it, and nobody knows how. The page gets all this from the owner."""
    kept = cluster.output("ai-store", "cat", KEPT)
    with hosted(cluster.here.cli) as (client, _):
        client.request("ai/cluster/watch", {})
        cluster.swarm.cut(2)
        store = eventually(lambda: waiting(cluster), "a service that waits", limit=120)
        assert store["label"] == "waits for its node node2"
        assert cluster.modules()["store"]["state"] == "waiting"
        (lost,) = (one for one in store["tasks"] if one["unknown"])
        assert (lost["node"], lost["state"], bool(lost["since"])) == ("node2", "running", True)
        (node,) = (one for one in cluster.view()["nodes"] if one["state"] != "ready")
        assert (node["name"], bool(node["since"])) == ("node2", True)
        clusters.see_real(client, "store")
    cluster.swarm.heal(2)
    eventually(lambda: cluster.node_of("store", "store") == "node2", "store on node2")
    assert cluster.output("ai-store", "cat", KEPT) == kept


def waiting(cluster: Cluster) -> dict[str, Any] | None:
    store = cluster.service("store", "store")
    assert store["state"] in ("running", "unknown", "starting", "waiting"), store
    return store if store["state"] == "waiting" else None


def test_an_update_that_breaks_is_put_back(cluster: Cluster) -> None:
    cluster.here.set("front.FRONT_MODE", "bad")
    done = cluster.run("update", "front").failed("E_CLUSTER", "front")
    assert "the cluster has put it back" in done.errors, done
    cluster.here.set("front.FRONT_MODE", "good")
    node = eventually(lambda: cluster.node_of("front", "front"), "the former front")
    with cluster.swarm.inside():
        address = cluster.swarm.address(int(node[-1]))
        assert requests.get(f"http://{address}:{PORT}", timeout=LIMIT).ok
    assert cluster.service("front", "front")["update"] == "rollback_completed"


def test_of_two_deployments_the_second_is_refused(cluster: Cluster) -> None:
    write_gated(cluster.here)
    with cluster.here.cli.started("cluster", "deploy", "gated") as first:
        eventually(lambda: cluster.output("ai-gated-b", "true") == "", "the container of b")
        cluster.run("deploy", "gated").failed("E_CLUSTER", "changes this cluster")
        cluster.run("pin", "gated", "node1").failed("E_CLUSTER", "changes this cluster")
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

        def over() -> bool:
            if deployment.is_running:  # the cluster may move b again, and its gate is closed there
                cluster.output("ai-gated-b", *OPEN)
            return not deployment.is_running

        eventually(over, "the end of the deployment, with b on a node that is there", limit=300)
        deployment.wait().succeeded()
    assert gone not in cluster.swarm.alive
    view = cluster.view()
    assert view["state"] == "ok"
    assert [m["state"] for m in view["managers"]].count("unreachable") == 1
    # A service that was ready before may have been on the node that is gone.
    eventually(lambda: cluster.modules()["gated"]["state"] == "running", "all of it runs")


def test_without_a_quorum_everything_goes_on_but_nothing_changes(cluster: Cluster) -> None:
    kept = cluster.output("ai-store", "cat", KEPT)
    cluster.swarm.kill(1)
    cluster.swarm.kill(3)
    eventually(lambda: cluster.view()["state"] == "no-leader", "no leader")
    cluster.run("remove", "gated", "--yes").failed("E_CLUSTER_DOWN")
    assert cluster.output("ai-store", "cat", KEPT) == kept
    cluster.swarm.mend()
    cluster.get_whole()
    cluster.run("remove", "gated", "--yes").succeeded()


def test_a_backup_is_deployed_with_its_volume_and_database(
    cluster: Cluster, engine: docker.DockerClient
) -> None:
    """The data of the backup gets to the node by the engine of the node, which is found by its
    address. The restore is killed while it loads the database, and repeated; a database of
    somebody else is left alone."""
    write_noted(cluster.here)
    here, cli, run = cluster.here, cluster.here.cli, cluster.run
    choose_free_ports(here, "postgres")
    cli.run("up", "noted").succeeded()
    sql(engine, "postgres", "create role noted login")
    sql(engine, "postgres", "create database noted owner noted")
    sql(engine, "noted", NOTES)
    said(engine, "ai-noted", "sh", "-c", "echo of the volume > /data/note")
    cli.run("backup", "create", "noted").succeeded()
    (backup,) = json.loads(cli.run("backup", "list", "--json").output)["backups"]
    cli.run("down", "noted", "postgres", "--volumes", "--yes").succeeded()

    deploy = ("deploy", "noted", "--from-backup", backup["id"], "--pin", "node2")
    there = ("--node-address", cluster.swarm.host(2))
    run("deploy", "noted", "--pin", "node2", *there).failed("E_CLUSTER", "--from-backup")
    run(*deploy, "--node-address", cluster.swarm.host(3)).failed("E_CLUSTER", "node2")
    shown = json.loads(run(*deploy, *there, "--dry-run", "--json").succeeded().output)
    restored = [one["subject"] for one in shown["steps"] if one["kind"] == "restore"]
    assert restored == ["noted/data", "postgres/noted"]

    run("deploy", "postgres", "--pin", "node2").succeeded()
    cluster.sql("postgres", "create database noted")
    run(*deploy, *there).failed("E_CLUSTER", "dropdb -U postgres noted")
    cluster.sql("postgres", "drop database noted")
    cluster.sql("postgres", "create database gate")
    with cli.started("cluster", *deploy, *there) as restore:
        eventually(lambda: "noted" in cluster.sql("postgres", LOADING), "a row that waits")
        restore.kill()
    cluster.sql("postgres", "drop database gate")
    assert "--from-backup" in cluster.modules()["noted"]["unfinished"]
    run("deploy", "noted", "--pin", "node2").failed("E_CLUSTER", "--from-backup")
    run(*deploy, *there).succeeded()
    assert cluster.output("ai-noted", "cat", "/data/note") == "of the volume\n"
    assert cluster.sql("noted", "select text from note") == "of the database\n"
    run("remove", "noted", "--yes").succeeded()
    run(*deploy, *there).failed("E_CLUSTER", "volume")


NOTES = """
set role noted;
create function public.waited(text) returns bool language plpgsql as $$ begin
while exists (select from pg_database where datname = 'gate') loop perform pg_sleep(0.1); end loop;
return true; end $$;
create table note (text text check (public.waited(text)));
insert into note values ('of the database')"""
"""Its rows are loaded once there is no database ``gate``."""
LOADING = "select datname from pg_stat_activity where query ilike 'copy%'"


def test_n8n_answers_again_after_its_node_which_leads_lost_its_power(cluster: Cluster) -> None:
    """Its workflow is in PostgreSQL, and the code of that runs in another container, wherever."""
    swarm, leader = cluster.swarm, cluster.swarm.leader()
    page = f"http://{swarm.address(leader)}:{choose_port(cluster.here)}"
    cluster.run("deploy", "n8n", "--pin", f"node{leader}", "--publish").succeeded()
    with swarm.inside():
        n8n.set_up_owner(page)
        n8n.publish_workflow(n8n.logged_in(page), page)
        eventually(lambda: answered(page, 20, 22) == 42, "an answer of the webhook")
    swarm.kill(leader)
    eventually(swarm.leader, "another leader")
    lost = eventually(lambda: not_running(cluster.service("n8n", "n8n")), "n8n is not there")
    assert lost["state"] in ("unknown", "waiting")
    swarm.start(leader)
    with swarm.inside():
        eventually(lambda: answered(page, 20, 23) == 43, "an answer after the failure")
        workflows = n8n.logged_in(page).get(f"{page}/rest/workflows", timeout=LIMIT).json()["data"]
    assert [one["name"] for one in workflows] == ["sum"]
    cluster.run("remove", "n8n", "postgres", "--yes").succeeded()


def answered(page: str, a: int, b: int) -> int:
    """The sum of *a* and *b* by the webhook."""
    return int(
        requests.post(f"{page}/webhook/sum", json={"a": a, "b": b}, timeout=LIMIT).json()["sum"]
    )


def choose_port(here: Installation) -> int:
    choose_free_ports(here, "n8n")
    return int(value_of(here, "n8n.N8N_HOST_PORT"))


def not_running(service: dict[str, Any]) -> dict[str, Any] | None:
    return service if service["state"] != "running" else None


def test_only_what_may_run_several_times_does(cluster: Cluster) -> None:
    cluster.here.write("scaled", {"a": idle(**{"x-aiserver": {"scale": True}}), "b": idle()})
    cluster.run("deploy", "scaled").succeeded()
    cluster.run("scale", "scaled/a", "3").succeeded()
    assert cluster.service("scaled", "a")["running"] == 3
    cluster.run("scale", "scaled/b", "2").failed("E_CLUSTER", "b")
    cluster.run("update", "scaled").succeeded()
    assert cluster.service("scaled", "a")["replicas"] == 3
    cluster.run("remove", "scaled", "--yes").succeeded()


@ON_NODE
def test_what_is_taken_is_refused_before_anything_changes(
    cluster: Cluster, elsewhere: Elsewhere
) -> None:
    """A name, a port, and a volume: the module runs on this computer, which may be a node. What
    stands on the cluster is known to one who forgets it and adds it again, over ssh."""
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
    cluster.run("forget", "lab", "--yes").succeeded()
    cluster.run("add", elsewhere.host, "--name", "lab").succeeded()
    assert {*cluster.modules()} == {"store", "front"}
    here.cli.run("up", "store").failed("E_CLUSTER", "store")
    cluster.run("remove", "front", "--yes").succeeded()
    assert {*cluster.modules()} == {"store"}
    cluster.run("forget", "lab", "--yes").succeeded()
    cluster.run("add", cluster.swarm.host(1), "--name", "lab").succeeded()
