"""OneAPI as tests use it: an installation with free ports, and its API as a browser calls it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from tests.lab.place import Place
from tests.support.installation import Installation
from tests.support.limits import LIMIT
from tests.support.observed import said
from tests.support.ports import free_port

EDITIONS = ["one-api", "new-api"]
PUBLISHED = "123456"


@dataclass(frozen=True)
class OneApiStack(Installation):
    """An installation whose OneAPI is published on ``port``."""

    port: int

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """The one that was generated for its first account."""
        app = self.app
        return app.settings.reveal(app.declared, "oneapi.ONEAPI_ROOT_PASSWORD")

    def log_in(self, password: str) -> requests.Response:
        """The answer to the first account's log-in."""
        wanted = {"username": "root", "password": password}
        return requests.post(f"{self.address}/api/user/login", json=wanted, timeout=LIMIT)

    def is_let_in(self, password: str) -> bool:
        """Whether the first account has this password."""
        answer = self.log_in(password)
        answer.raise_for_status()
        return bool(answer.json()["success"])

    def ask(
        self, method: str, path: str, password: str, body: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        """The data of an answer to the first account. Raises ``AssertionError`` where it is no."""
        entry = self.log_in(password)
        data = entry.json()["data"]
        token = data.get("access_token")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.request(
            method,
            self.address + path,
            json=body,
            headers=headers,
            cookies=entry.cookies,
            timeout=LIMIT,
        ).json()
        assert answer["success"], answer
        return answer["data"]

    def tokens(self) -> dict[str, int]:
        """Names and numbers of the tokens that are ours."""
        own = self.ask("GET", "/api/user/self", self.password)["id"]
        data = self.ask("GET", f"/api/token/search?keyword=&user_id={own}", self.password)
        found = data["items"] if isinstance(data, dict) else data
        return {token["name"]: token["id"] for token in found}

    def models(self, token: str) -> int:
        """The status of the answer to who asks for models with *token*."""
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.address}/v1/models"
        return requests.get(url, headers=headers, timeout=LIMIT).status_code


def query(client: docker.DockerClient, database: str, statement: str) -> str:
    """What PostgreSQL answers in an edition's *database*."""
    return said(client, "ai-postgres", "psql", "-At", "-d", database, "-c", statement)


def installed(lab: Place, folder: Path) -> OneApiStack:
    """A new installation in *folder* with free ports, not yet started."""
    (folder / "catalog").mkdir()
    stack = OneApiStack(folder / "home", folder / "catalog", lab.host, free_port())
    stack.set("oneapi.ONEAPI_HOST_PORT", str(stack.port))
    for name in ("postgres.POSTGRES_HOST_PORT", "redis.REDIS_HOST_PORT", "n8n.N8N_HOST_PORT"):
        stack.set(name, str(free_port()))
    return stack


@pytest.fixture
def oneapi(lab: Place, engine: docker.DockerClient, tmp_path: Path) -> OneApiStack:
    """A new installation with free ports."""
    return installed(lab, tmp_path)
