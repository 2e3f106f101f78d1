"""Plans of an installation."""

from pathlib import Path

import pytest

from aiserver_tray.base.errors import UnknownNameError
from aiserver_tray.features.backup.index import folder_of
from aiserver_tray.features.backup.planning import Planner
from tests.unit.features.backup.planned import POSTGRES, Stage
from tests.unit.module_folders import write


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_plan_has_the_data_on_the_engine_and_names_what_is_elsewhere(
    stage: Stage, tmp_path: Path
) -> None:
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


def test_a_module_whose_file_is_wrong_is_left_out_by_name(stage: Stage, tmp_path: Path) -> None:
    write(tmp_path / "catalog", "bad", "services: [")
    stage.sizes["bad-data"] = 5
    plan = stage.planner.plan(None)
    assert [one.name for one in plan.left_out] == ["bad"]
    assert not plan.is_whole
    assert plan.modules


def test_a_server_is_a_module_whose_databases_can_be_dumped(stage: Stage) -> None:
    assert stage.planner.server("postgres") == POSTGRES
    assert stage.planner.server("n8n") is None
    assert stage.planner.server("redis") is None
    assert stage.planner.kept_bytes(["n8n"]) == 1000


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
