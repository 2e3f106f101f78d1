"""What a backup contains, from what there is on the engine, and plans of an installation."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from aiserver_tray.base.errors import UnknownNameError
from aiserver_tray.core.app import App
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.features.backup.grouping import (
    Facts,
    ServerPlace,
    Share,
    Shares,
    plan_of,
    standstill,
)
from aiserver_tray.features.backup.index import folder_of
from aiserver_tray.features.backup.plan import BackupPlan, beside
from aiserver_tray.features.backup.planning import Planner
from aiserver_tray.features.modules.connections import known_values
from aiserver_tray.operations.survey import Found, Survey
from aiserver_tray.spec import labels
from aiserver_tray.spec.mounts import PLAIN_VOLUMES
from tests.unit.features.backup.planned import POSTGRES, Stage
from tests.unit.module_folders import write

OURS = {labels.INSTALLATION: "me"}
PLAIN = {labels.CONFIG_HASH: min(PLAIN_VOLUMES)}
SERVERS = {
    "postgres": ServerPlace("postgres", "postgres", "ai-postgres", "postgres", "postgres.P"),
    "mysql": ServerPlace("mysql", "mysql", "ai-mysql", "root", "mysql.P"),
}


def volume(module: str, key: str, **more: str) -> Found:
    given = {**OURS, labels.MODULE: module, **PLAIN, **more}
    return Found(f"ai-{module}-{key}", given)


def container(name: str, module: str, service: str, requires: str = "") -> ContainerSummary:
    given = {**OURS, labels.MODULE: module, labels.SERVICE: service, labels.REQUIRES: requires}
    return ContainerSummary(name, name, given, "running", "none", f"{service}:1.2", "", ())


def facts(
    app: App,
    volumes: list[Found],
    databases: Mapping[str, Mapping[str, int]],
    containers: tuple[ContainerSummary, ...] = (),
    learnt: Mapping[str, float] = {},
) -> Facts:
    modules = app.catalog.modules
    known = {name: known_values(app.settings, module) for name, module in modules.items()}
    shares = Shares(modules, app.catalog.built_in, known, SERVERS)
    models = {model.name: model for model in app.models}
    survey = Survey("me", containers, {}, {one.name: one for one in volumes})
    sizes = {one.name: 2**30 for one in volumes}
    return Facts(shares, models, survey, databases, sizes, {}, learnt)


def found(plan: BackupPlan) -> dict[tuple[str, ...], set[str]]:
    """The volumes and databases of each group."""
    return {
        group.names: {
            *(f"{m.name}:{part.key}" for m in group.modules for part in m.volumes),
            *(f"{m.name}={part.key}" for m in group.modules for part in m.databases),
        }
        for group in plan.groups
    }


def role(given: Facts, module: str, database: str) -> str | None:
    server = "mysql" if database == "rag_flow" else "postgres"
    return given.shares.role(module, Share(server, database))


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "home", [tmp_path / "catalog"])


EVERYTHING = [
    *(volume("n8n", key) for key in ("data", "files")),
    *(volume("dify", key) for key in ("app_storage", "sandbox_dependencies", "qdrant_snapshots")),
    *(volume("ragflow", key) for key in ("logs", "valkey")),
    *(volume(name, "data") for name in ("postgres", "mysql", "redis", "minio", "elasticsearch")),
    volume("minio", "rustfs-data"),
]
DATABASES = {
    "postgres": {"n8n": 5, "dify": 6, "dify_plugin": 7, "notes": 8, "new-api": 9}
    # An interrupted restore has left these.
    | {beside("n8n", what, "0123456789abcdef", 1): 10 for what in ("restore", "before")},
    "mysql": {"rag_flow": 10},
}


def test_users_of_a_store_are_a_group_and_servers_dump_what_is_of_nobody(app: App) -> None:
    given = facts(app, EVERYTHING, DATABASES)
    plan = plan_of(given, None)
    parts = [part for module in plan.modules for part in module.databases]
    assert {part.key: role(given, part.module, part.key) for part in parts} == {
        "n8n": "n8n",
        "dify": "dify",
        "dify_plugin": "dify",
        "rag_flow": "ragflow",
        **{one: one for one in ("notes", "new-api")},  # of nobody
    }
    assert found(plan) == {
        ("n8n",): {"n8n:data", "n8n:files", "n8n=n8n"},
        ("dify",): {"dify:app_storage", "dify=dify", "dify=dify_plugin"},
        ("ragflow", "minio", "elasticsearch"): {
            "ragflow:valkey",
            "ragflow=rag_flow",
            "minio:data",
            "minio:rustfs-data",
            "elasticsearch:data",
        },
        ("postgres",): {"postgres=new-api", "postgres=notes"},
    }
    assert plan.is_whole
    assert (plan.engine_bytes, plan.file_bytes) == (4 * 2**30, 7 * 2**30 + 45)
    (group,) = [group for group in plan.groups if len(group.modules) > 1]
    assert [module.is_store for module in group.modules] == [False, True, True]


def test_what_is_left_out_is_said_and_what_a_stopped_server_has_planned(app: App) -> None:
    share = volume("dify", "plugin_storage", **{labels.CONFIG_HASH: "of a share"})
    config = volume("dify", "api-config", **{labels.CONFIG_OF: "api"})
    nameless = volume("ragflow", "ragflow-models-ragflow-logs-687d27e3")
    plan = plan_of(facts(app, [*EVERYTHING, share, config, nameless], DATABASES), None)
    omitted = {m.name: {one.name: one.why.render() for one in m.omitted} for m in plan.modules}
    assert omitted["dify"].keys() == {
        *("plugin_storage", "qdrant_snapshots", "sandbox_dependencies"),
        *("Redis 2", "Redis 3", "Redis 4", "Redis 6"),
    }
    assert omitted["ragflow"].keys() == {"ragflow-models-ragflow-logs-687d27e3", "logs"}
    assert omitted["postgres"]["data"].startswith("The server's databases are dumped")
    (dify,) = [module for module in plan.modules if module.name == "dify"]
    assert dify.redis == (2, 3, 4, 6)
    plan = plan_of(facts(app, EVERYTHING, {"mysql": {}}), None)
    assert "n8n=n8n" in found(plan)["n8n",]
    assert ("postgres",) not in found(plan)
    assert not plan.is_whole
    # It runs, and has no database of RAGFlow.
    assert not any(part.server == "mysql" for m in plan.modules for part in m.databases)


def test_a_chosen_module_comes_with_those_of_its_stores_also_former_ones(app: App) -> None:
    given = facts(app, EVERYTHING, DATABASES)
    plan = plan_of(given, ["minio"])
    assert [{*group.names} for group in plan.groups] == [{"ragflow", "minio", "elasticsearch"}]
    assert not plan.is_whole
    assert plan_of(given, ["oneapi"]).groups == ()
    volumes = [volume("dify", "app_storage"), volume("qdrant", "storage")]
    assert len(plan_of(facts(app, volumes, DATABASES), ["dify", "qdrant"]).groups) == 2
    api = container("ai-dify-api", "dify", "api", requires="postgres,qdrant,redis")
    (group,) = plan_of(facts(app, volumes, DATABASES, (api,)), ["qdrant"]).groups
    assert group.names == ("dify", "qdrant")


HOSTILE = """\
x-aiserver:
  kind: feature
  requires: [postgres, redis]
  settings: {KEY: {type: secret, generate: hex32}, WHICH: {type: text, default: n8n}}
  databases:
    - {module: postgres, database: "${WHICH}", user: me, secret: KEY}
    - {module: postgres, database: shared, user: me, secret: KEY}
    - {module: postgres, database: cache, user: me, secret: KEY}
  backup: {databases: {postgres: ["${WHICH}", shared]}, redis: [2, 11]}
services: {main: {image: "busybox:1", volumes: ["data:/data"]}}
volumes: {data: {}}
"""


def test_what_a_built_in_module_has_is_no_other_ones(app: App, tmp_path: Path) -> None:
    """A restore would take away what the built-in module has now."""
    write(tmp_path / "catalog", "aaa", HOSTILE)
    databases = {"postgres": {"n8n": 1, "shared": 2, "cache": 3}}
    given = facts(app, [volume("aaa", "data"), volume("n8n", "data")], databases)
    plan = plan_of(given, None)
    assert (role(given, "aaa", "shared"), role(given, "aaa", "n8n")) == ("me", None)
    assert role(given, "n8n", "n8n") == "n8n"
    of_aaa, of_n8n = {"aaa:data", "aaa=shared"}, {"n8n:data", "n8n=n8n"}
    assert found(plan) == {("aaa",): of_aaa, ("n8n",): of_n8n}
    (aaa,) = [module for module in plan.modules if module.name == "aaa"]
    assert aaa.redis == (11,)
    assert [one.why.render() for one in aaa.omitted] == [
        "It belongs to n8n.",
        "It belongs to Dify.",
        "It holds queues and caches. After a restore, it is empty.",
    ]
    write(tmp_path / "catalog", "bbb", HOSTILE)
    app.refresh_catalog()
    volumes = [volume("aaa", "data"), volume("bbb", "data")]
    plan = plan_of(facts(app, volumes, {"postgres": {"shared": 2}}), ["bbb"])
    assert [{*group.names} for group in plan.groups] == [{"aaa", "bbb"}]
    assert [part.module for m in plan.modules for part in m.databases] == ["aaa"]


def test_the_standstill_is_what_starts_take_in_a_row_until_it_is_learnt(app: App) -> None:
    volumes = [volume("n8n", "data")]
    n8n = container("ai-n8n", "n8n", "n8n")
    runners = container("ai-n8n-n8n-runners", "n8n", "n8n-runners")
    times = {"n8n/n8n": 20.0, "n8n/n8n-runners": 3.0}

    def expected(
        running: tuple[ContainerSummary, ...], learnt: Mapping[str, float]
    ) -> float | None:
        (group,) = plan_of(facts(app, volumes, {"postgres": {}}, running, learnt), None).groups
        return group.seconds

    assert expected((), times) is None
    assert expected((n8n, runners), times) == 4 + 20 + 3 + 3
    assert expected((n8n,), {}) == 4 + 5 + 3
    assert expected((n8n, runners), times | {standstill(["n8n"]): 9.0}) == 4 + 9


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_plan_has_what_is_on_the_engine_and_names_the_rest(stage: Stage, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir(mode=0o777)
    files.chmod(0o777)
    stage.app.settings.change(stage.app.declared, {"n8n.N8N_FOLDER": str(files)})
    plan = stage.planner.plan(None)
    n8n, postgres = plan.modules
    assert [(part.key, part.bytes) for part in n8n.volumes] == [("data", 1000)]
    assert [(part.key, part.kind, part.bytes) for part in n8n.databases] == [("n8n", "postgres", 3)]
    assert [one.name for one in n8n.omitted] == [str(files)]
    assert [part.key for part in postgres.databases] == ["notes"]
    assert postgres.version == "17.1"
    assert stage.opened == [POSTGRES]
    assert (plan.is_whole, plan.engine_bytes, plan.file_bytes) == (True, 1000, 1008)
    with pytest.raises(UnknownNameError):
        stage.planner.plan(["m8n"])


def test_a_server_can_be_dumped_and_a_wrong_module_left_out(stage: Stage, tmp_path: Path) -> None:
    servers = {name: stage.planner.server(name) for name in ("postgres", "n8n", "redis")}
    assert servers == {"postgres": POSTGRES, "n8n": None, "redis": None}
    assert stage.planner.kept_bytes(["n8n"]) == 1000
    write(tmp_path / "catalog", "bad", "services: [")
    stage.app.refresh_catalog()
    stage.sizes["bad-data"] = 5
    plan = stage.planner.plan(None)
    assert [one.name for one in plan.left_out] == ["bad"]
    assert not plan.is_whole
    assert plan.modules


def test_what_does_not_fit_is_said_with_numbers(stage: Stage, tmp_path: Path) -> None:
    folder = folder_of(stage.app.settings)
    assert [*stage.planner.blockers(stage.planner.plan(None))] == []
    stage.sizes["n8n-data"] = 10**18
    stage.planner = Planner(stage.app, stage.planner._engine, stage._open)
    texts = [str(one) for one in stage.planner.blockers(stage.planner.plan(None))]
    # The clones and the file are on one disk.
    assert [text.partition(" in ")[0] for text in texts] == [
        "The backup needs up to 931322574.6 GB of disk space",
        "The backup needs up to 1862645149.2 GB of disk space",
    ]
    (nothing,) = stage.planner.blockers(stage.planner.plan(["dify"]))
    assert "nothing to back up" in str(nothing)
    folder.parent.mkdir(exist_ok=True)
    folder.write_bytes(b"")
    _, is_file = stage.planner.blockers(stage.planner.plan(["dify"]))
    assert "is a file" in str(is_file)
