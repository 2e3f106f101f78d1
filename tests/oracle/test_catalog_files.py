"""The catalog's own files are Compose projects that ``docker compose`` resolves as we do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.further_variables import (
    CERTIFICATE_VARIABLES,
    CERTIFICATES,
    with_certificates,
)
from aiserver_tray.catalog.modules import load_module
from aiserver_tray.catalog.resolve import ResolvedModule
from aiserver_tray.catalog.setting import PLACEHOLDER, Setting
from tests.support.oracle import HOME, Case, differences, oracle_config

FILES = sorted((Path(__file__).parents[2] / "orchestration").glob("*/*/compose.yaml"))
ANSWERS = [
    (file, name, answer)
    for file in FILES
    for name, setting in load_module(file.parent.name, file).settings.items()
    for answer in setting.choices
]
"""Each answer to each choice of each file."""


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
    same(ours, oracle)
    assert PLACEHOLDER not in json.dumps(ours)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_changed_settings_reach_containers_as_with_the_oracle(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", HOME)
    module, env = load_module(file.parent.name, file), read_env_file(file.with_name("env.example"))
    used = {n: s for n, s in module.settings.items() if n in module.variables and not s.choices}
    changed = {name: another(setting, 7001 + n) for n, (name, setting) in enumerate(used.items())}
    env_file = tmp_path / "env"
    lines = [f"{name}='{value}'\n" for name, value in {**env, **changed}.items()]
    env_file.write_text("".join(lines), encoding="utf-8")

    ours = load_project(file, {**env, **changed}).to_compose()

    same(ours, oracle_config(Case(file, env_file)))
    advanced = [name for name, setting in used.items() if setting.group or setting.type == "folder"]
    before = load_project(file, env)
    for name in advanced:
        assert load_project(file, {**env, name: changed[name]}) != before, name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_own_certificates_are_added_as_the_oracle_adds_another_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", HOME)
    env_file = file.with_name("env.example")
    module, project = (
        load_module(file.parent.name, file),
        load_project(file, read_env_file(env_file)),
    )
    ours = with_certificates(ResolvedModule(module, project, (), None), "all").project.to_compose()
    (name,) = ours["configs"].keys() - project.configs.keys()
    added = {
        "environment": dict.fromkeys(CERTIFICATE_VARIABLES, CERTIFICATES),
        "configs": [{"source": name, "target": CERTIFICATES}],
    }
    services = [key for key, one in project.services.items() if one.network_mode != "none"]
    more, whole = tmp_path / "more.yaml", tmp_path / "compose.yaml"
    configs = {name: {"content": "all"}}
    more.write_text(json.dumps({"services": dict.fromkeys(services, added), "configs": configs}))
    both = {"path": [str(file), str(more)], "env_file": str(env_file)}
    whole.write_text(json.dumps({"name": project.name, "include": [both]}))

    oracle = oracle_config(Case(whole, env_file))

    same(ours["services"], oracle["services"])
    assert ours["configs"][name]["content"] == oracle["configs"][name]["content"]


@pytest.mark.parametrize(
    ("file", "name", "answer"), ANSWERS, ids=[f"{name}={answer}" for _, name, answer in ANSWERS]
)
def test_an_answer_to_a_choice_reaches_containers_as_with_the_oracle(
    file: Path, name: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", HOME)
    module, env = load_module(file.parent.name, file), read_env_file(file.with_name("env.example"))
    env[name] = module.settings[name].in_file(answer)
    env["COMPOSE_PROFILES"] = ",".join(sorted(module.profiles_with(env)))
    env_file = tmp_path / "env"
    lines = [f"{name}='{value}'\n" for name, value in env.items()]
    env_file.write_text("".join(lines), encoding="utf-8")

    same(load_project(file, env).to_compose(), oracle_config(Case(file, env_file)))


def another(setting: Setting, number: int) -> str:
    """A value of *setting* that no other one has, except for a boolean."""
    if setting.type == "boolean":
        return "true" if setting.initial == "false" else "false"
    if setting.type == "folder":
        return f"/srv/files-{number}"
    if setting.type == "size":
        return f"{number * 1024}k"
    if setting.pattern and not re.fullmatch(setting.pattern, str(number)):
        return f"10.0.{number >> 8}.{number & 255}"  # the only such pattern is that of an address
    return str(number) if setting.type == "port" or setting.pattern else f"text-{number}"


def same(ours: dict[str, Any], oracle: dict[str, Any]) -> None:
    """See that both are the same."""
    differing = list(differences(json.loads(json.dumps(ours, allow_nan=False)), oracle))
    assert not differing, "\n" + "\n".join(differing)
