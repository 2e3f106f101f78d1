"""A real model on 127.0.0.1 of this computer answers modules: through a relay of the owner and
OneAPI; and each link that breaks is told as itself.

The model server is llama.cpp's own (`tests.support.model_server`), OneAPI is the lab's stand-in.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import mul
from threading import Thread
from typing import Any

import docker
import pytest
import requests

from aiserver_tray.carriers.local.client import Client
from tests.engine.oneapi import OneApiStack, installed
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.host_process import hosted
from tests.support.installation import idle
from tests.support.limits import LIMIT
from tests.support.model_server import MODEL, model_server
from tests.support.observed import said
from tests.support.ports import free_port, own_number
from tests.support.waiting import eventually

QUESTION: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "What is 2 + 2? Answer with one number."}],
    "max_tokens": 12,
    "temperature": 0,
}
ABOUT = (
    "A cat sleeps on the sofa.",
    "A kitten sleeps on the couch.",
    "The database stores tables of numbers.",
)
READER = {
    "READER_MODELS": {
        "type": "choice",
        "default": "none",
        "choices": {"none": {}, "other": {"requires": ["oneapi"]}},
    },
    "READER_TOKEN": {"type": "secret", "token_of": "oneapi"},
}
OTHER = f"198.18.{own_number()}"
"""A network for tests of networks (RFC 2544)."""


@pytest.fixture(scope="module")
def engine(lab: Place) -> Iterator[docker.DockerClient]:
    """The engine with what the tests leave there."""
    with borrowed(lab) as client:
        yield client


@pytest.fixture(scope="module")
def stack(
    lab: Place, engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> OneApiStack:
    """The installation of all tests. The first one starts OneAPI."""
    here = installed(lab, tmp_path_factory.mktemp("models"))
    here.set("app.start_desired", "false")
    return here


def checked(stack: OneApiStack) -> dict[str, Any]:
    """What ``models check`` says about the only server."""
    found = json.loads(stack.cli.run("models", "check", "--json").output)
    (result,) = found["results"]
    return {**result, "rest": {one["name"]: one["outcome"] for one in found["rest"]}}


def alerts(client: Client) -> list[str]:
    """What the active alerts about models say."""
    found = client.request("ai/rules/list", {})["alerts"]
    return [one["text"] for one in found if one["kind"] == "models" and one["ended"] is None]


def told(stack: OneApiStack, token: str) -> tuple[int, str]:
    """How many pieces OneAPI streams, and the words in them."""
    answer = requests.post(
        f"{stack.address}/v1/chat/completions",
        json=QUESTION | {"stream": True},
        headers={"Authorization": f"Bearer {token}"},
        stream=True,
        timeout=LIMIT,
    )
    answer.raise_for_status()
    lines = [line[6:] for line in answer.iter_lines() if line.startswith(b"data: {")]
    pieces = [json.loads(line)["choices"] for line in lines]
    words = [one[0]["delta"].get("content") or "" for one in pieces if one]
    return len(words), "".join(words)


def nearness(stack: OneApiStack, token: str, *sentences: str) -> list[float]:
    """How near each of *sentences* is to the first, by the embeddings that OneAPI gives."""
    answer = requests.post(
        f"{stack.address}/v1/embeddings",
        json={"model": MODEL, "input": sentences},
        headers={"Authorization": f"Bearer {token}"},
        timeout=LIMIT,
    )
    answer.raise_for_status()
    first, *_ = vectors = [one["embedding"] for one in answer.json()["data"]]
    return [sum(map(mul, first, one)) for one in vectors]


@contextmanager
def another_network(gateway: str) -> Iterator[Sequence[str]]:
    """The words before a command that runs on another machine of a network of this one, which
    leads what is for *gateway* here."""
    name = f"ailab-{os.getpid()}"

    def ip(words: str) -> None:
        subprocess.run(["ip", *words.split()], check=True, timeout=LIMIT)

    inside = ["ip", "netns", "exec", name]
    with ExitStack() as ends:
        ip(f"netns add {name}")
        ends.callback(ip, f"netns del {name}")
        ip(f"link add {name[:13]}a type veth peer name eth9 netns {name}")
        ip(f"addr add {OTHER}.1/30 dev {name[:13]}a")
        ip(f"link set {name[:13]}a up")
        ip(f"-n {name} addr add {OTHER}.2/30 dev eth9")
        ip(f"-n {name} link set eth9 up")
        ip(f"-n {name} route add {gateway}/32 via {OTHER}.1")
        yield inside


class _Forgetful(BaseHTTPRequestHandler):
    """A server from which a model was removed. llama.cpp's answers to any name, with one model."""

    def do_GET(self) -> None:
        self._answer(200, {"object": "list", "data": [{"id": "another"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(404, {"error": {"message": "model not found"}})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def forgetful_server(port: int) -> Iterator[None]:
    """A server on *port* that no longer has the model."""
    with ThreadingHTTPServer(("127.0.0.1", port), _Forgetful) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


ASK = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) as near:
        key = b"Authorization: Bearer " + sys.argv[3].encode()
        near.sendall(b"GET /v1/models HTTP/1.1\\r\\n" + key + b"\\r\\n\\r\\n")
        print(near.recv(100))
except OSError as error:
    print(type(error).__name__)
"""


def _token(stack: OneApiStack) -> str:
    """An access token of OneAPI."""
    stack.ask("POST", "/api/token/", stack.password, {"name": "test", "unlimited_quota": True})
    found = stack.ask("GET", "/api/token/search?keyword=test", stack.password)
    return f"sk-{found[0]['key']}"


def _channels(stack: OneApiStack) -> list[str]:
    data = stack.ask("GET", "/api/channel/search?keyword=aiserver-", stack.password)
    found = data["items"] if isinstance(data, dict) else data
    return [one["name"] for one in found]


def _gateway(engine: docker.DockerClient) -> str:
    """What containers have for this computer."""
    hosts = said(engine, "ai-oneapi-one-api", "cat", "/etc/hosts").splitlines()
    return next(line.split()[0] for line in hosts if "host.docker.internal" in line)


def _used(stack: OneApiStack) -> dict[str, Any]:
    listed = json.loads(stack.cli.run("models", "list", "--json").succeeded().output)
    (used,) = [one for one in listed["servers"] if one["used"]]
    return dict(used)


def _check_answers(stack: OneApiStack, token: str) -> None:
    """OneAPI streams an answer, and gives embeddings that know what sentences are about."""
    pieces, words = told(stack, token)
    assert pieces > 1
    assert "4" in words
    same, kitten, database = nearness(stack, token, *ABOUT)
    assert same > kitten > database


def _check_activity(stack: OneApiStack) -> None:
    """Activity has each use of a server, and its removal as the last."""
    noted = json.loads(stack.cli.run("activity", "--json").succeeded().output)["activities"]
    entries = [one["models"] for one in noted if one["kind"] == "models"]
    assert [one["used"] for one in entries] == [True, True, True, False]
    assert [one["models"] for one in entries[1:]] == [[MODEL], ["another-embed"], ["another-embed"]]


def _check_other_networks(engine: docker.DockerClient, relay: int, token: str) -> None:
    """Nobody from outside of the engine's networks is answered, not even with the token."""
    gateway = _gateway(engine)
    with another_network(gateway) as words:
        for address in (f"{OTHER}.1", gateway):
            command = [*words, sys.executable, "-c", ASK, address, str(relay), token]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LIMIT, check=True
            )
            assert "HTTP" not in done.stdout, address
            assert done.stdout.strip() in {
                "b''",
                "ConnectionRefusedError",
                "ConnectionResetError",
                "TimeoutError",
            }


def _check_server_off(client: Client, stack: OneApiStack, port: int) -> dict[str, Any]:
    """A server that is off is the broken link, an alert, and in the list of servers, which is
    returned."""
    broken = checked(stack)
    assert (
        broken["broken"],
        f"nothing answers at http://127.0.0.1:{port}" in broken["problem"],
    ) == ("server", True)
    listed = client.request("ai/models/list", {"look": False})
    assert [one["broken"] for one in listed["checked"]["results"]] == ["server"]
    eventually(lambda: alerts(client) == [listed["checked"]["results"][0]["problem"]], "alert")
    return listed


def test_a_model_answers_and_each_broken_link_is_told_as_itself(
    engine: docker.DockerClient, stack: OneApiStack
) -> None:
    port = free_port()
    stack.write("reader", {"reader": idle()}, settings=READER)
    with model_server(port):
        used = stack.cli.run("models", "use", f"http://127.0.0.1:{port}").succeeded()
        assert f"The stack uses 127.0.0.1:{port}: {MODEL}" in used.errors
        assert "through AI-Server Tray, which does not run now" in used.errors
        assert checked(stack)["broken"] == "way"

        with hosted(stack.cli):
            result = checked(stack)
            assert (result["broken"], result["model"], result["problem"]) == (None, MODEL, None)
            rest = result["rest"]
            assert (rest["clock"], rest["embedding"], rest["webhook"]) == (
                "works",
                *["untried"] * 2,
            )
            assert "4" in result["answer"]
            _check_answers(stack, _token(stack))

            server = _used(stack)
            assert (server["state"], server["problem"]) == ("on", None)
            assert server["models"][0]["context"] == 2048
            secrets = stack.app.settings.secrets
            token = secrets.values([f"app.model_token.{server['name']}"]).popitem()[1]
            _check_other_networks(engine, server["relay"], token)

            stack.cli.run("connect", "reader").succeeded()
            stack.ask("DELETE", f"/api/token/{stack.tokens()['aiserver-reader']}", stack.password)
            assert checked(stack)["broken"] == "key"
            stack.cli.run("connect", "reader").succeeded()
            assert checked(stack)["broken"] is None
            (channel,) = stack.ask("GET", "/api/channel/search?keyword=", stack.password)
            stack.ask("DELETE", f"/api/channel/{channel['id']}", stack.password)
            assert checked(stack)["broken"] == "channel"
            stack.cli.run("models", "use", server["name"]).succeeded()
            assert checked(stack)["broken"] is None

    with hosted(stack.cli) as (client, _):
        listed = _check_server_off(client, stack, port)
        assert listed["waiting"] == ["reader"]
        assert "Nothing answers at" in listed["servers"][0]["problem"]
        with forgetful_server(port):
            assert checked(stack)["broken"] == "model"
        with model_server(port, "another-embed"):
            stack.cli.run("models", "use", server["name"]).succeeded()
            found = checked(stack)
            assert (found["broken"], found["model"]) == (None, "another-embed")
            assert found["rest"]["embedding"] == "works"
            eventually(lambda: alerts(client) == [], "the end of the alert")
        stack.cli.run("models", "remove", server["name"]).succeeded()
        assert _channels(stack) == []
        _check_activity(stack)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((_gateway(engine), server["relay"]), LIMIT)
    none = stack.cli.run("models", "check").failed("E_REQUEST")
    assert "uses no model server yet" in none.errors


def test_new_api_has_the_models_also_and_loses_them(stack: OneApiStack) -> None:
    stack.set("oneapi.ONEAPI_EDITION", "new-api")
    port = free_port()
    with model_server(port), hosted(stack.cli):
        stack.cli.run("models", "use", f"127.0.0.1:{port}").succeeded()
        assert "4" in checked(stack)["answer"]
        assert _channels(stack) == [f"aiserver-127-0-0-1-{port}"]
        stack.cli.run("models", "remove", f"127-0-0-1-{port}").succeeded()
        assert _channels(stack) == []
