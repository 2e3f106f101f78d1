"""Clusters as the owner answers them."""

from collections.abc import Iterable
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
from aiserver_tray.protocol.message import Json

_NOW: Final = datetime.now(UTC)
_GB: Final = 1 << 30

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
    on_cluster="ai-n8n_n8n",
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
    state="unknown",
    label=Text("unknown"),
    why=Text("server-3 does not answer."),
    running=1,
    replicas=2,
    scalable=True,
    ports=(),
    tasks=(TASK, replace(TASK, id="t2", node="server-3", is_unknown=True)),
)
POSTGRES: Final = replace(
    SERVICE,
    name="postgres",
    state="waiting",
    label=Text("waits for its node server-3"),
    why=Text("No other node has its data."),
    running=0,
    ports=(),
    can_roll_back=False,
    tasks=(replace(TASK, id="t3", node="", state="pending", text=Text("no suitable node")),),
)
REDIS: Final = replace(
    POSTGRES,
    name="redis",
    state="failed",
    label=Text("failed"),
    why=Text("exited with code 1: can't open the append only file"),
    tasks=(replace(TASK, id="t4", state="failed", text=Text("task: non-zero exit"), exit_code=1),),
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


def sent(*clusters: ClusterView, works: Iterable[WorkView] = ()) -> Json:
    """*clusters*, as clients get them."""
    return dict(to_json(ClusterList(clusters, tuple(works)), "en"))
