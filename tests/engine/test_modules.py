"""The catalog's modules on a real engine, started by ``docker compose`` as any person could."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
import requests

from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.setting import PLACEHOLDER
from tests.lab.place import Place
from tests.support.limits import LIMIT
from tests.support.ports import free_port

ORCHESTRATION = Path(__file__).parents[2] / "orchestration"
Compose = Callable[..., str]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def compose(lab: Place, engine: docker.DockerClient, port: int, tmp_path: Path) -> Compose:
    """Runs ``docker compose`` on a module's folder, with made-up secrets and free ports."""
    engine.networks.create("ai-net")

    def run(module: str, *words: str) -> str:
        folder = ORCHESTRATION / module
        values = tmp_path / f"{folder.name}.env"
        example = read_env_file(folder / "env.example").items()
        lines = (f"{name}={value_of(name, value)}" for name, value in example)
        values.write_text("\n".join(lines), encoding="utf-8")
        command = ["docker-compose", "--project-name", f"aiserver-{folder.name}"]
        command += ["--file", str(folder / "compose.yaml"), "--env-file", str(values), *words]
        done = subprocess.run(
            command,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOCKER_HOST": lab.host},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def value_of(name: str, value: str) -> str:
        if name == "N8N_HOST_PORT":
            return str(port)
        if name.endswith("_HOST_PORT"):
            return str(free_port())
        return value.replace(PLACEHOLDER, "made-up-")

    return run


def test_redis_gets_healthy_but_not_with_another_password(
    compose: Compose, engine: docker.DockerClient
) -> None:
    compose("basic/redis", "up", "--detach", "--wait")
    container = engine.containers.get("aiserver-redis-redis-1")
    test = container.attrs["Config"]["Healthcheck"]["Test"]
    assert container.exec_run(["sh", "-c", test[1]]).exit_code == 0
    wrong = container.exec_run(["sh", "-c", test[1]], environment={"REDISCLI_AUTH": "wrong"})
    assert wrong.exit_code != 0


def test_postgres_and_n8n_get_healthy_and_the_job_runs_any_number_of_times(
    compose: Compose, port: int
) -> None:
    compose("basic/postgres", "up", "--detach", "--wait")
    compose("features/n8n", "up", "--detach", "--wait")
    page = f"http://127.0.0.1:{port}/rest"
    data = requests.get(f"{page}/settings", timeout=LIMIT).json()["data"]
    assert data["userManagement"]["showSetupOnFirstLoad"] is True
    assert "ERROR" not in compose("features/n8n", "run", "--rm", "n8n-database")
