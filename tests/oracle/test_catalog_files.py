"""The catalog's own files are Compose projects that ``docker compose`` resolves as we do."""

import json
from pathlib import Path

import pytest

from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.setting import PLACEHOLDER
from tests.support.oracle import HOME, Case, differences, oracle_config

FILES = sorted((Path(__file__).parents[2] / "orchestration").glob("*/*/compose.yaml"))


def test_there_are_catalog_files() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_oracle_takes_the_file_with_its_env_example(file: Path) -> None:
    assert oracle_config(Case(file, file.with_name("env.example")))["services"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_catalog_file_equals_the_oracle(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", HOME)
    env_file = tmp_path / "env"
    example = file.with_name("env.example").read_text(encoding="utf-8")
    env_file.write_text(example.replace(PLACEHOLDER, "made-up-"), encoding="utf-8")
    oracle = oracle_config(Case(file, env_file))
    ours = load_project(file, read_env_file(env_file)).to_compose()
    differing = list(differences(json.loads(json.dumps(ours, allow_nan=False)), oracle))
    assert not differing, "\n" + "\n".join(differing)
    assert PLACEHOLDER not in json.dumps(ours)
