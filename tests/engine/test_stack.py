"""The whole of n8n on a real engine, from the command line."""

import json
from pathlib import Path

import docker
import requests

from tests.engine.n8n import OWNER
from tests.engine.waiting import logged
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.observed import environment, said
from tests.support.ports import free_port

JOBS = {"ai-n8n-n8n-database", "ai-n8n-n8n-files"}
RUNNERS = "n8nio/runners:2.41.3"
SERVICES = {"ai-postgres", "ai-n8n", "ai-n8n-n8n-runners", *JOBS}
FILE = "/home/node/.n8n-files/kept"
"""Where alone the nodes that read and write files may."""


def test_n8n_comes_up_with_all_it_needs_and_keeps_its_owner_and_files_over_down_and_up(
    lab: Place, engine: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    cli = CommandLine(tmp_path / "home", tmp_path / "none", lab.host)
    port = free_port()
    cli.run("config", "set", "n8n.N8N_HOST_PORT", str(port)).succeeded()
    cli.run("config", "set", "postgres.POSTGRES_HOST_PORT", str(free_port())).succeeded()
    page = f"http://127.0.0.1:{port}"

    cli.run("up", "n8n").succeeded()

    status = cli.status()
    assert (status["state"], status["engine"]["running"]) == ("running", True)
    modules = {module["name"]: module for module in status["modules"]}
    assert {n for n, m in modules.items() if m["state"] == "running"} == {"n8n", "postgres"}
    assert (modules["n8n"]["ready"], modules["n8n"]["total"]) == (4, 4)
    assert modules["postgres"]["usedBy"] == ["n8n"]
    running = {c.name for c in engine.containers.list() if c.health == "healthy"}
    assert running == SERVICES - JOBS
    overwritten = environment(engine, "ai-n8n")["CREDENTIALS_OVERWRITE_DATA"]
    assert json.loads(overwritten) == {}, "it is not connected"
    assert "<title>n8n.io" in requests.get(page, timeout=60).text
    settings = requests.get(f"{page}/rest/settings", timeout=60).json()["data"]
    assert settings["userManagement"]["showSetupOnFirstLoad"] is True
    requests.post(f"{page}/rest/owner/setup", json=OWNER, timeout=60).raise_for_status()

    said(engine, "ai-n8n", "sh", "-c", f"echo mine > {FILE}")
    logged(engine.containers.get("ai-n8n"), 'Registered runner "JS Task Runner"')
    a_stranger_is_refused(engine)

    cli.run("down").succeeded()

    assert engine.containers.list(all=True) == []
    assert [n.name for n in engine.networks.list() if n.name.startswith("ai-")] == []
    assert cli.status()["state"] == "stopped"
    cli.run("config", "set", "n8n.N8N_TIMEZONE", "Asia/Shanghai").succeeded()
    cli.run("up", "n8n").succeeded()
    ids = {c.name: c.id for c in engine.containers.list(all=True)}
    cli.run("up", "n8n").succeeded()
    assert {c.name: c.id for c in engine.containers.list(all=True)} == ids
    assert ids.keys() == SERVICES
    login = {"emailOrLdapLoginId": OWNER["email"], "password": OWNER["password"]}
    answer = requests.post(f"{page}/rest/login", json=login, timeout=60)
    answer.raise_for_status()
    assert answer.json()["data"]["email"] == OWNER["email"]
    assert said(engine, "ai-n8n", "cat", FILE) == "mine"


def a_stranger_is_refused(engine: docker.DockerClient) -> None:
    """n8n's broker takes no task runner with another token."""
    runner = engine.containers.run(
        RUNNERS,
        network="ai-n8n",
        environment={
            "N8N_RUNNERS_AUTH_TOKEN": "wrong" * 7,
            "N8N_RUNNERS_TASK_BROKER_URI": "http://n8n:5679",
        },
        detach=True,
    )
    assert runner.wait(timeout=60)["StatusCode"] == 1
    assert b"refused N8N_RUNNERS_AUTH_TOKEN" in runner.logs()
    runner.remove()
