"""Every module of the catalog, exported, is a project that ``docker compose`` reads as we do."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.core.app import App
from tests.support.command_line import CommandLine
from tests.support.consents import trust_all
from tests.support.oracle import HOME, Case, oracle_config

SAME = (
    "cap_add", "cap_drop", "command", "entrypoint", "environment", "extra_hosts", "healthcheck",
    "image", "mem_limit", "restart", "security_opt", "shm_size", "stop_grace_period", "sysctls",
    "tmpfs", "ulimits", "user", "working_dir",
)  # fmt: skip
"""What a service has as in its module; the rest names other things, or is written otherwise."""
NASTY = 'it\'s "one" $HOME ${X} \\n # 7'
OFF = "unix:///nonexistent/docker.sock"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Without an engine."""
    monkeypatch.setenv("HOME", HOME)
    (tmp_path / "catalog").mkdir()
    return CommandLine(tmp_path / "home", tmp_path / "catalog", OFF)


def test_the_whole_catalog_is_exported_as_it_is(cli: CommandLine, tmp_path: Path) -> None:
    cli.run("config", "set", "n8n.secret.n8n.OWN", NASTY).succeeded()
    cli.run("config", "set", "POSTGRES_HOST_PORT", "15999").succeeded()
    modules = App(tmp_path / "home", []).names
    folder = tmp_path / "out"

    written = json.loads(
        cli.run("export", *modules, "-o", str(folder), "--json").succeeded().output
    )

    assert {*written["modules"]} == {*modules} - {"gateway"}
    assert any("The gateway" in text for text in written["left"])
    assert any("vm.max_map_count=262144" in text for text in written["left"])
    oracle = oracle_config(Case(folder / "compose.yaml", None))
    found: dict[str, Any] = {}
    for name in written["modules"]:
        target, project = App(tmp_path / "home", []).targets.with_project(name)
        services = project.to_compose()["services"]
        for service in target.services:
            found[service.container] = services[service.service]
    assert found["ai-n8n"]["environment"]["OWN"] == NASTY.replace("$", "$$")
    exported = {one["container_name"]: one for one in oracle["services"].values()}
    differing = [
        (name, key, found[name].get(key), exported[name].get(key))
        for name in found
        for key in SAME
        if found[name].get(key) != exported[name].get(key)
    ]
    assert not differing
    assert exported.keys() == found.keys()
    (port,) = exported["ai-postgres"]["ports"]
    assert (port["published"], port["host_ip"]) == ("15999", "127.0.0.1")
    # Nobody knows which volumes are there, so none must be.
    assert any("Docker does not answer" in text for text in written["left"])
    assert not any(volume.get("external") for volume in oracle["volumes"].values())
    assert oracle["volumes"]["n8n-data"]["name"] == "ai-n8n-data"


def test_nothing_is_overwritten_unasked_and_placeholders_are_to_be_filled_in(
    cli: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    words = ("export", "n8n", "-o", str(folder), "--volumes", "new", "--placeholders")

    refused = cli.run(*words)
    assert refused.code == 1
    assert "is not empty" in refused.errors
    assert [path.name for path in folder.iterdir()] == ["README.md"]
    cli.run(*words, "--replace").succeeded()

    secrets = (folder / "secrets.env").read_text().split()
    assert "POSTGRES_PASSWORD=" in secrets
    assert all(line.endswith("=") for line in secrets)
    assert "external: true" not in (folder / "services.yaml").read_text()
    done = subprocess.run(
        ["docker-compose", "config"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "secrets.env" in done.stderr


def test_a_file_that_is_a_secret_is_only_in_the_file_with_secrets(
    cli: CommandLine, tmp_path: Path
) -> None:
    module = tmp_path / "catalog/keyed"
    module.mkdir()
    text = "line one $HOME\n  second"
    (module / "key.pem").write_text(text)
    (module / "compose.yaml").write_text(
        "x-aiserver: {kind: feature}\n"
        "services: {keyed: {image: i, secrets: [{source: own, target: /etc/key.pem}]}}\n"
        "secrets: {own: {file: ./key.pem}}\n"
    )
    folder = tmp_path / "out"
    trust_all(tmp_path / "home", tmp_path / "catalog")
    cli.run("export", "keyed", "-o", str(folder)).succeeded()
    with_it = [p.name for p in folder.rglob("*") if p.is_file() and "second" in p.read_text()]
    assert with_it == ["secrets.env"]
    oracle = oracle_config(Case(folder / "compose.yaml", None))
    (config,) = oracle["configs"].values()
    assert config["content"].replace("$$", "$") == text
