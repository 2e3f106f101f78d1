"""RAGFlow's job that makes OneAPI a provider there, against a server that answers as both do."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.limits import LIMIT

SCRIPT = Path(__file__).parents[2] / "orchestration/features/ragflow/models.py"
KEY, TOKEN = "ragflow-key-of-the-account", "sk-token-of-oneapi"
PROVIDER = "OpenAI-API-Compatible"
KINDS = {
    "gpt-4o": ["chat", "vision"],
    "Qwen2.5-VL-32B-Instruct": ["chat", "vision"],
    "qwen-max": ["chat"],
    "glm-4v": ["chat", "vision"],
    "text-embedding-3-small": ["embedding"],
    "bge-m3": ["embedding"],
    "Qwen3-VL-Embedding-8B": ["embedding"],
    "bge-reranker-v2": ["rerank"],
    "gte-rerank-v2": ["rerank"],
    "whisper-1": ["asr"],
    "qwen3-asr-flash": ["asr"],
    "gpt-4o-transcribe": ["asr"],
    "tts-1-hd": ["tts"],
    "gpt-4o-mini-tts": ["tts"],
    "CosyVoice2-0.5B": ["tts"],
}
"""Name of a model -> what it is for, in RAGFlow's words."""


class Both(ThreadingHTTPServer):
    """RAGFlow and OneAPI at one address: what the account has, and all that was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.instances: dict[str, dict[str, Any]] | None = None
        self.refusal = ""
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def reply(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(f"{method} {path}")
        if self.refusal:
            return {"code": 102, "message": self.refusal}
        match method, path.removeprefix("/api/v1/providers").split("/")[1:]:
            case "PUT", []:
                return self._add(body)
            case "GET", [_, "instances"]:
                return {"code": 0, "data": [{"instance_name": n} for n in self.instances or {}]}
            case "POST", [_, "instances"]:
                (self.instances or {})[body["instance_name"]] = {}
            case "PUT", [_, "instances", name]:
                (self.instances or {})[name] = body
            case _:
                return {"code": 404, "message": f"no {method} {path}"}
        return {"code": 0, "message": "success"}

    def _add(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.instances is not None:
            return {"code": 102, "message": f"Provider {PROVIDER} already exists"}
        assert body == {"provider_name": PROVIDER}
        self.instances = {"another": {}}
        return {"code": 0, "message": "success"}


class Handler(BaseHTTPRequestHandler):
    server: Both

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        oneapi = self.path == "/v1/models"
        if self.headers["Authorization"] != f"Bearer {TOKEN if oneapi else KEY}":
            self.send_error(401)
            return
        found = {"data": [{"id": name} for name in KINDS]}
        content = found if oneapi else self.server.reply(self.command, self.path, body)
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = answer  # noqa: N815 - as http.server wants them

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def both() -> Iterator[Both]:
    with Both() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def run(both: Both, key: str = KEY, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    environment = {"RAGFLOW_URL": both.url, "ONEAPI_URL": both.url}
    environment |= {"RAGFLOW_API_KEY": key, "RAGFLOW_ONEAPI_TOKEN": token}
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def test_it_offers_each_model_under_an_instance_of_its_own(both: Both) -> None:
    done = run(both)
    assert done.returncode == 0, done.stderr
    assert both.instances is not None
    assert both.instances["another"] == {}
    instance = both.instances["oneapi"]
    assert (instance["api_key"], instance["base_url"]) == (TOKEN, f"{both.url}/v1")
    assert {m["model_name"]: m["model_type"] for m in instance["model_info"]} == KINDS


def test_a_second_run_with_a_new_token_changes_what_is_there(both: Both) -> None:
    both.instances = {"oneapi": {"api_key": "sk-old"}}
    assert run(both).returncode == 0
    assert both.instances["oneapi"]["api_key"] == TOKEN
    assert not [asked for asked in both.asked if asked.startswith("POST")]


@pytest.mark.parametrize(("key", "token"), [("", TOKEN), (KEY, "")])
def test_without_a_key_or_a_token_it_does_nothing(both: Both, key: str, token: str) -> None:
    done = run(both, key, token)
    assert (done.returncode, both.asked) == (0, [])
    assert "RAGFLOW_API_KEY" in done.stdout


def test_it_fails_with_the_reason_and_without_the_secrets(both: Both) -> None:
    both.refusal = "No providers found"
    refused, unknown = run(both), run(both, key="ragflow-of-nobody")
    assert (refused.returncode, unknown.returncode) == (1, 1)
    assert "No providers found" in refused.stderr
    assert "401" in unknown.stderr
    for done in (refused, unknown):
        assert not [word for word in (KEY, TOKEN, "nobody") if word in done.stderr + done.stdout]
        assert "Traceback" not in done.stderr
