"""Clusters as the owner answers them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.cluster.views import (
    ClusterList,
    ClusterServiceView,
    ClusterView,
    DeployedView,
    DeployPlan,
    ManagerView,
    NodeView,
    TaskView,
    WorkStep,
    WorkView,
)
from aiserver_tray.protocol.message import AnyClient, Json
from tests.support.waiting import eventually

_NOW: Final = datetime.now(UTC)
_GB: Final = 1 << 30

_NO_NODE: Final = Text("no suitable node (scheduling constraints not satisfied on 2 nodes; 1 down)")
_EXITED: Final = Text("exited with code {code}", code=1)

TASK: Final = TaskView(
    id="t1",
    node="server-2",
    state="running",
    is_unknown=False,
    since=_NOW - timedelta(hours=3),
    text=Text("started"),
    exit_code=None,
)
SERVICE: Final = ClusterServiceView(
    name="n8n",
    on_cluster="ai-n8n",
    state="running",
    label=Text("running"),
    why=None,
    since=TASK.since,
    is_job=False,
    running=1,
    replicas=1,
    scalable=False,
    ports=(18100,),
    updated_at=_NOW - timedelta(hours=3),
    update="rollback_completed",
    update_text="rollback completed",
    can_roll_back=True,
    tasks=(TASK,),
)
WORKER: Final = replace(
    SERVICE,
    name="n8n-worker",
    on_cluster="ai-n8n-worker",
    state="unknown",
    label=Text("unknown: {node} does not answer", node="server-3"),
    running=1,
    replicas=2,
    scalable=True,
    ports=(),
    tasks=(TASK, replace(TASK, id="t2", node="server-3", is_unknown=True)),
)
POSTGRES: Final = replace(
    SERVICE,
    name="postgres",
    on_cluster="ai-postgres",
    state="waiting",
    label=Text("waits for its node {node}", node="server-3"),
    why=Text("its data is there, and it starts by itself once {node} is back", node="server-3"),
    running=0,
    ports=(),
    can_roll_back=False,
    tasks=(replace(TASK, id="t3", node="", state="pending", text=_NO_NODE),),
)
REDIS: Final = replace(
    POSTGRES,
    name="redis",
    on_cluster="ai-redis",
    state="failed",
    label=Text("failed"),
    why=_EXITED,
    tasks=(replace(TASK, id="t4", state="failed", text=_EXITED, exit_code=1),),
)


def _deployed(module: str, title: str, *services: ClusterServiceView) -> DeployedView:
    worst = services[-1]
    return DeployedView(
        module=module,
        title={"en": title, "zh": title},
        state=worst.state,
        label=worst.label,
        pinned=("server-3",) if module == "postgres" else (),
        is_ours=True,
        unfinished=None,
        services=services,
    )


def _node(name: str, role: Any, **more: Any) -> NodeView:  # noqa: ANN401 - fields
    node = NodeView(
        id=f"id-{name}",
        name=name,
        address="10.0.0.11",
        role=role,
        state="ready",
        availability="active",
        is_leader=False,
        is_reachable=True,
        since=None,
        cpus=8.0,
        memory=16 * _GB,
        pinned=(),
        tasks=3,
    )
    return replace(node, **more)


CLUSTER: Final = ClusterView(
    name="office",
    id="abc",
    state="ok",
    problem=None,
    managers=(
        ManagerView("ssh://ada@server-1", "answers"),
        ManagerView("ssh://ada@server-2", "unreachable", Text("Connection refused")),
    ),
    nodes=(
        _node("server-1", "manager", is_leader=True),
        _node("server-2", "worker", availability="drain", tasks=0),
        _node("server-3", "worker", state="down", since=_NOW, pinned=("postgres",)),
    ),
    modules=(
        _deployed("n8n", "n8n", SERVICE, WORKER),
        _deployed("postgres", "PostgreSQL", POSTGRES),
        _deployed("redis", "Redis", REDIS),
    ),
    seen_at=_NOW,
)
LEADERLESS: Final = replace(
    CLUSTER, state="no-leader", problem=Text("Too few managers are left to decide anything.")
)
_STEPS: Final = (
    WorkStep("network", "ai-net", "", Text("Create the network ai-net"), "done", None, 0.4),
    WorkStep("service", "ai-redis", "redis", Text("Start redis"), "running", Text("pulling")),
    WorkStep("service", "ai-dify", "dify", Text("Wait until dify is healthy")),
)
WORK: Final = WorkView(
    "w1", "office", "deploy", ("dify",), "running", 3, _STEPS, (), None, _NOW, None
)
PLAN: Final = DeployPlan(
    cluster="office",
    modules=("redis", "dify"),
    pins={"dify": "server-2"},
    steps=_STEPS,
    ports=(),
    notices=(Text("Passwords are in the environment of services."),),
    problems=(),
)
REFUSED: Final = replace(
    PLAN, steps=(), problems=(Text("Say which node has the data of dify: an unpinned volume."),)
)


def see_real(client: AnyClient, waiting: str) -> None:
    """Assert that what the owner of *client* answers about a real cluster, on which the service
    *waiting* waits, has the form of what is here, and that both use the same words."""
    real = eventually(lambda: _with(client, waiting), f"a cluster on which {waiting} waits")
    scripted = sent(CLUSTER, works=[WORK])
    _see_words(real)
    _see_words(scripted)
    plan = client.request("ai/cluster/plan", {"modules": [waiting]})
    for theirs, ours in ((real, scripted), (plan, to_json(PLAN, "en"))):
        known = _kinds(ours)
        kinds = _kinds(theirs).items()
        new = {at: found - known.get(at, set()) - {"NoneType"} for at, found in kinds}
        assert not any(new.values()), new


def _with(client: AnyClient, waiting: str) -> Json | None:
    found = client.request("ai/cluster/list", {})
    states = {one["name"]: one["state"] for _, one in _services(found)}
    return found if states.get(waiting) == "waiting" else None


def _services(listed: Json) -> Iterator[tuple[str, Json]]:
    for cluster in listed["clusters"]:
        for module in cluster["modules"]:
            yield from ((module["module"], service) for service in module["services"])


def _see_words(listed: Json) -> None:
    nodes = [one for cluster in listed["clusters"] for one in cluster["nodes"]]
    names = {one["name"] for one in nodes}
    for node in nodes:
        assert (node["state"] == "ready") == (node["since"] is None), node
    for module, service in _services(listed):
        name, label, why = service["name"], service["label"], str(service["why"])
        assert service["onCluster"] in (f"ai-{module}", f"ai-{name}", f"ai-{module}-{name}")
        words = {
            "waiting": label.startswith("waits for ") and why.startswith("its data is there"),
            "unknown": label.endswith(" does not answer") and service["since"],
        }
        assert words.get(service["state"], label == service["state"]), service
        for task in service["tasks"]:
            assert task["node"] in names | {""}, task
            assert task["since"], task


def _kinds(value: Any, at: str = "") -> dict[str, set[str]]:  # noqa: ANN401 - JSON
    """The types of all values in *value* by where they are; of a list, those of all its items."""
    found: dict[str, set[str]] = defaultdict(set)
    found[at].add(type(value).__name__)
    items = value.items() if isinstance(value, dict) else ()
    inner = [(f"{at}.{key}" if at != ".pins" else ".pins.*", one) for key, one in items]
    inner += [(f"{at}[]", one) for one in (value if isinstance(value, list | tuple) else ())]
    for where, one in inner:
        for path, kinds in _kinds(one, where).items():
            found[path] |= kinds
    return found


def sent(*clusters: ClusterView, works: Iterable[WorkView] = ()) -> Json:
    """*clusters*, as clients get them."""
    return dict(to_json(ClusterList(clusters, tuple(works)), "en"))
