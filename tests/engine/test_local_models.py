"""Models of our own: the module ``local-models`` with llama.cpp's server, a real small model, and a
server that stands for the hub (`tests.support.model_hub`)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from aiserver_tray.base.errors import DownloadError
from aiserver_tray.features.models.hub import Hub, typed_card
from tests.engine.oneapi import OneApiStack, installed, query
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.host_process import hosted
from tests.support.limits import LIMIT
from tests.support.model_hub import COMMIT, REPOSITORY, ModelHub, model_hub
from tests.support.model_server import FILE, fetched
from tests.support.observed import said
from tests.support.ports import free_port
from tests.support.waiting import eventually

NAME = "smollm2-135m.q4_1"
GGUF = "SmolLM2-135M.Q4_1.gguf"
CONTAINER = "ai-local-models"
PORT = "open-webui.OPENWEBUI_HOST_PORT"
ACCOUNT = {"name": "evil", "email": "evil@example.com", "password": "Not-wanted-1"}


@pytest.fixture(scope="module")
def engine(lab: Place) -> Iterator[docker.DockerClient]:
    """The engine with what the tests leave there."""
    with borrowed(lab) as client:
        yield client


@pytest.fixture(scope="module")
def stack(
    lab: Place, engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> OneApiStack:
    """The installation of all tests."""
    here = installed(lab, tmp_path_factory.mktemp("local-models"))
    here.set("app.start_desired", "false")
    here.set("local-models.LOCAL_MODELS_HOST_PORT", str(free_port()))
    here.set("local-models.LOCAL_MODELS_CONTEXT", "2048")
    for name in (PORT, "searxng.SEARXNG_HOST_PORT"):
        here.set(name, str(free_port()))
    return here


@pytest.fixture
def hub(stack: OneApiStack) -> Iterator[ModelHub]:
    """The hub that the module uses."""
    with model_hub(fetched() / FILE, GGUF) as found:
        stack.set("local-models.LOCAL_MODELS_HUB", "mirror")
        stack.set("local-models.LOCAL_MODELS_MIRROR", found.address)
        yield found


def own(stack: OneApiStack, name: str = NAME) -> dict[str, Any]:
    """What ``models list`` says about the model *name*."""
    listed = json.loads(stack.cli.run("models", "list", "--json").succeeded().output)
    return next((one for one in listed["own"]["models"] if one["name"] == name), {})


def test_a_model_of_the_hub_answers_through_one_api(
    engine: docker.DockerClient, stack: OneApiStack, hub: ModelHub
) -> None:
    stack.set("local-models.LOCAL_MODELS_BACKEND", "nvidia")  # which no machine of tests has
    pulled = stack.cli.run("models", "pull", hub.source).succeeded()
    assert "LOCAL_MODELS_BACKEND is cpu now: the Docker engine gives containers no" in pulled.errors
    assert f"{NAME} is here: 98.4 MB, SHA-256 {hub.sha256}" in pulled.errors
    assert own(stack)["state"] == "asleep"
    answer = stack.cli.run("models", "run", NAME, "Write one sentence about the sea.")
    assert answer.succeeded().output.strip()  # whatever a small model says
    assert "tokens/s" in answer.errors
    found = own(stack)
    assert found["state"] == "loaded"
    assert found["usedMemory"] > 20_000_000
    with hosted(stack.cli) as (client, _):
        again = stack.cli.run("models", "pull", hub.source).succeeded()
        assert "of 98.4 MB" in again.errors, "the owner tells how far it is"
        used = stack.cli.run("models", "use", "local-models").succeeded()
        assert f"The stack uses Local models: {NAME}" in used.errors
        (checked,) = json.loads(stack.cli.run("models", "check", "--json").output)["results"]
        assert checked["broken"] is None, checked
        assert checked["answer"], "a small model says many things"
        _open_webui_chats(engine, stack)
        engine.containers.get(CONTAINER).kill()
        look = partial(client.request, "ai/models/list", {"look": False})
        eventually(lambda: look()["servers"][0]["state"] == "off", "what is off, unasked")


PLANTED = """
SET ROLE openwebui;
CREATE TABLE seen (who text);
CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    BEGIN
        EXECUTE 'RESET ROLE';
        EXECUTE 'ALTER ROLE openwebui SUPERUSER';
    EXCEPTION WHEN insufficient_privilege THEN NULL; END;
    INSERT INTO seen VALUES (session_user);
    RETURN NEW;
END $$;
CREATE TRIGGER planted BEFORE INSERT OR UPDATE ON config
    FOR EACH ROW EXECUTE FUNCTION planted();
"""
"""What Open WebUI's role, or a backup that somebody else made, may leave in its database."""


def _open_webui_chats(engine: docker.DockerClient, stack: OneApiStack) -> None:
    """See that Open WebUI has the models, through OneAPI and without it, and what a person adds."""
    stack.cli.run("connect", "open-webui").succeeded()
    chats = OpenWebUI(stack)
    assert chats.models() == [NAME, "stand-in"]
    assert chats.ask("POST", "/api/v1/auths/signup", json=ACCOUNT).status_code == 403
    # A connection of a person, which has a number there.
    urls = '["https://example.com/v1", "http://oneapi:3000/v1"]'
    change = "UPDATE config SET value = '{}' WHERE key = 'openai.{}'"
    query(engine, "openwebui", change.format(urls, "api_base_urls"))
    query(engine, "openwebui", change.format('["mine", "old"]', "api_keys"))
    query(engine, "openwebui", change.format('{"0": {"prefix_id": "my"}}', "api_configs"))
    query(engine, "openwebui", PLANTED)
    # Other choices count at once, although it reads its environment at the first start only.
    stack.set("open-webui.OPENWEBUI_MODELS", "local")
    stack.set("open-webui.OPENWEBUI_SEARCH", "searxng")
    stack.cli.run("up", "open-webui").succeeded()
    assert chats.models() == [NAME]
    question = [{"role": "user", "content": "What is 2 + 2?"}]
    body = {"model": NAME, "messages": question, "max_tokens": 16, "stream": True}
    assert '"content":' in chats.ask("POST", "/api/chat/completions", json=body).text
    found = chats.ask("GET", "/api/v1/retrieval/config").json()["web"]
    assert found == {
        "ENABLE_WEB_SEARCH": True,
        "WEB_SEARCH_ENGINE": "searxng",
        "SEARXNG_QUERY_URL": "http://searxng:8080/search",
    }
    stack.set("open-webui.OPENWEBUI_SEARCH", "none")
    stack.cli.run("disconnect", "open-webui").succeeded()
    stack.set("open-webui.OPENWEBUI_MODELS", "none")
    stack.cli.run("up", "open-webui").succeeded()
    assert not chats.ask("GET", "/api/v1/retrieval/config").json()["web"]["ENABLE_WEB_SEARCH"]
    kept = "SELECT value FROM config WHERE key IN ('openai.api_base_urls', 'openai.api_configs')"
    assert {*query(engine, "openwebui", kept).split("\n")} == {
        '["https://example.com/v1"]',
        '{"0": {"prefix_id": "my"}}',
    }
    # What its own role has planted ran, and as nobody else.
    assert query(engine, "openwebui", "SELECT DISTINCT who FROM seen") == "openwebui"
    others = "SELECT rolname FROM pg_roles WHERE rolsuper"
    assert query(engine, "openwebui", others) == "postgres"
    stack.cli.run("down", "open-webui", "searxng").succeeded()


class OpenWebUI:
    """The page of Open WebUI, as its first account uses it."""

    def __init__(self, stack: OneApiStack) -> None:
        app = stack.app
        self._address = f"http://127.0.0.1:{app.settings.known(app.declared)[PORT]}"
        self._headers: dict[str, str] = {}
        password = app.settings.reveal(app.declared, "open-webui.OPENWEBUI_ADMIN_PASSWORD")
        account = {"email": "admin@localhost", "password": password}
        answer = self.ask("POST", "/api/v1/auths/signin", json=account)
        self._headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:  # noqa: ANN401
        url = f"{self._address}{path}"
        return requests.request(method, url, headers=self._headers, timeout=LIMIT, **more)

    def models(self) -> list[str]:
        """The names of all that it offers."""
        found = self.ask("GET", "/api/models")
        found.raise_for_status()
        return sorted(one["id"] for one in found.json()["data"])


def test_a_download_is_cut_wrong_too_large_cancelled_and_continued(
    engine: docker.DockerClient, stack: OneApiStack, hub: ModelHub
) -> None:
    stack.cli.run("up", "local-models").succeeded()
    stack.cli.run("models", "remove", NAME)  # of the test before

    # Other bytes than announced: nothing of them is offered, or kept.
    hub.garbles = True
    wrong = stack.cli.run("models", "pull", hub.source).failed("E_DOWNLOAD")
    assert "its SHA-256 differs" in wrong.errors
    assert own(stack) == {}
    assert _names(engine) == []
    hub.garbles = False

    # A file that is none, and one that the hub does not have.
    stack.cli.run("models", "pull", f"{REPOSITORY}/other.gguf").failed("E_DOWNLOAD", "no file")
    stack.cli.run("models", "pull", "nothing").failed("E_UNKNOWN")

    # Cancelled by Ctrl-C in the middle, then continued from there.
    hub.pauses_at, hub.begins = 40_000_000, []
    with stack.cli.started("models", "pull", hub.source) as pulling:
        assert hub.paused.wait(LIMIT)
        eventually(lambda: _part(engine) >= 39_000_000, "the first half")
        pulling.interrupt()
        pulling.wait().cancelled()
    hub.pauses_at = None
    hub.goes_on.set()
    begun = _part(engine)
    found = own(stack)
    assert (found["state"], found["begun"], found["source"]) == ("partial", begun, "")

    # Cut twice, it goes on by itself.
    hub.cuts, hub.begins = [20_000_000, 20_000_000], []
    stack.cli.run("models", "pull", hub.source).succeeded()
    assert hub.begins[0] == begun
    assert len(hub.begins) == 3
    assert hub.begins == sorted(hub.begins)
    assert own(stack)["state"] == "asleep"
    assert said(engine, CONTAINER, "sh", "-c", f"sha256sum < /models/files/{NAME}.gguf").startswith(
        hub.sha256
    )

    # Its list is in the settings, and so in backups; its file can be lost.
    said(engine, CONTAINER, "rm", f"/models/files/{NAME}.gguf")
    assert own(stack)["state"] == "lost"
    hub.begins = []
    stack.cli.run("models", "pull", NAME).succeeded()
    assert own(stack)["state"] == "asleep"
    removed = stack.cli.run("models", "remove", NAME).succeeded()
    assert "98.4 MB" in removed.errors
    assert own(stack) == {}
    assert _names(engine) == []

    # What a crash, or another list, has left is shown, and can be deleted: that alone.
    script = "cd /models && printf 1 > files/left.gguf && printf 2 > parts/left.1@ab"
    said(engine, CONTAINER, "sh", "-c", script)
    assert own(stack, "left")["state"] == "left"
    stack.cli.run("models", "remove", "left").succeeded()
    assert (own(stack, "left"), own(stack, "left.1")["state"]) == ({}, "partial")
    stack.cli.run("models", "remove", "left.1").succeeded()
    assert _part(engine) == 0


def _names(engine: docker.DockerClient) -> list[str]:
    """The files below the module's folders."""
    return said(
        engine, CONTAINER, "sh", "-c", "cd /models && ls files parts | grep gguf || true"
    ).split()


def _part(engine: docker.DockerClient) -> int:
    """The bytes of the begun download."""
    script = "cat /models/parts/* 2>/dev/null | wc -c"
    return int(said(engine, CONTAINER, "sh", "-c", script))


def test_a_full_disk_is_told_and_a_file_of_this_computer_is_copied(
    engine: docker.DockerClient, stack: OneApiStack, hub: ModelHub, tmp_path: Path
) -> None:
    stack.cli.run("up", "local-models").succeeded()
    hub.size = 1 << 50
    full = stack.cli.run("models", "pull", hub.source).failed("E_DOWNLOAD")
    assert "Free some disk" in full.errors
    _a_disk_that_fills_meanwhile(engine, stack, hub)
    fake = tmp_path / "Fake Model.gguf"
    fake.write_bytes(b"no model" * 1000)
    stack.cli.run("models", "pull", str(fake)).failed("E_DOWNLOAD", "no model in the format GGUF")
    real = tmp_path / "From a file.gguf"
    real.symlink_to(fetched() / FILE)
    stack.cli.run("models", "pull", str(real)).succeeded()
    assert own(stack, "from-a-file")["origin"] == "From a file.gguf"
    answer = stack.cli.run("models", "run", "from-a-file", "Write one sentence about the sea.")
    assert answer.succeeded().output.strip()  # whatever a small model says
    assert "tokens/s" in answer.errors
    stack.cli.run("models", "remove", "from-a-file").succeeded()


def _a_disk_that_fills_meanwhile(
    engine: docker.DockerClient, stack: OneApiStack, hub: ModelHub
) -> None:
    """See that nothing half-done is offered, and that it goes on once there is room. What has come
    is on a file system of 64 MB, which no look at the volume shows."""
    sh = partial(said, engine, CONTAINER, "sh", "-c")
    hub.size = (fetched() / FILE).stat().st_size
    sh("rm -rf /models/parts && ln -s /dev/shm /models/parts")
    full = stack.cli.run("models", "pull", hub.source).failed("E_DOWNLOAD")
    assert "No space left on device. Free some disk, then pull it again" in full.errors
    assert own(stack)["state"] == "partial"
    assert not [name for name in _names(engine) if name.endswith(".gguf")]
    stack.cli.run("models", "run", NAME, "Hello").failed("E_REQUEST", "not found")
    begun = _part(engine)
    sh("rm /models/parts && mkdir /models/parts && mv /dev/shm/* /models/parts")
    hub.begins = []
    stack.cli.run("models", "pull", hub.source).succeeded()
    assert (hub.begins, own(stack)["state"]) == ([begun], "asleep")
    stack.cli.run("models", "remove", NAME).succeeded()


def test_modelscope_says_the_same_of_a_file(hub: ModelHub) -> None:
    card = typed_card(hub.source)
    assert card is not None
    facts = Hub("modelscope", hub.address).facts(card)
    assert (facts.size, facts.sha256, facts.commit) == (hub.size, hub.sha256, COMMIT)
    with Hub("modelscope", hub.address).pieces(facts, hub.size - 9) as pieces:
        assert len(b"".join(pieces)) == 9
    known = replace(card, sha256="0" * 64)
    with pytest.raises(DownloadError, match="another file"):
        Hub("mirror", hub.address).facts(known)
