"""The Compose loader, beside ``docker compose config`` of the same file."""

import sys
import tempfile
from pathlib import Path

from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.setting import PLACEHOLDER
from tests.bench.result import Action, Results, compare
from tests.bench.sides import run

ROOT = Path(__file__).resolve().parents[2]
N8N = ROOT / "orchestration/features/n8n/compose.yaml"


def config(pairs: int) -> Results:
    """In process, as a whole process, and the list of the catalog."""
    with tempfile.TemporaryDirectory() as folder:
        env_file = Path(folder, "values.env")
        example = N8N.with_name("env.example").read_text(encoding="utf-8")
        env_file.write_text(example.replace(PLACEHOLDER, "made-up-"), encoding="utf-8")
        tray = [sys.executable, "-m", "aiserver_tray", "--home", folder, "catalog"]
        compose = _process("docker-compose", "-f", N8N, "--env-file", env_file, "config")
        ours = {
            "config-in-process": lambda: load_project(N8N, read_env_file(env_file)).to_compose(),
            "config-whole-process": _process(*tray, "config", N8N, "--env-file", env_file),
            "config-catalog-list": _process(*tray, "list"),
        }
        return {name: compare(action, compose, pairs) for name, action in ours.items()}


def _process(*command: object) -> Action:
    return lambda: run(command)
