"""What a changed setting of Dify takes along, and what of Dify stays."""

from collections.abc import Iterator

import docker
import pytest
import requests

from tests.engine.dify import AGENT, CONTAINER, EXPECTED, JOBS, SSRF, Dify, choose_usual_store, runs
from tests.support.limits import LIMIT

API = {"api", "worker", "worker_beat", "api_websocket"}


def changed(dify: Dify, before: dict[str, str]) -> set[str]:
    """Services whose container is another one than *before*, or has come or gone; no jobs."""
    return {service for service, _ in before.items() ^ dify.ids().items()} - JOBS


@pytest.mark.usefixtures("usual_store")
def test_a_new_database_password_works_and_the_data_stays(dify: Dify) -> None:
    dify.shell("api", "echo mine > storage/upload.txt")
    table = "SELECT to_regclass('public.standin_version') IS NOT NULL"
    query = ["psql", "-U", "postgres", "-d", "dify", "-Atc", table]
    before = dify.ids()
    dify.here.set("dify.DIFY_DB_PASSWORD", "another-password-of-32-characters")

    dify.here.done("up", "dify")

    runs(dify, EXPECTED)
    assert changed(dify, before) == {*API, "plugin_daemon"}
    assert dify.shell("worker", "cat storage/upload.txt") == "mine"
    server = dify.client.containers.get("ai-postgres")
    assert server.exec_run(query).output.decode().strip() == "t"


@pytest.mark.usefixtures("usual_store")
def test_down_and_up_again_keep_databases_and_uploads(dify: Dify) -> None:
    dify.shell("api", "echo mine > storage/upload.txt")
    dify.shell("plugin_daemon", "echo mine > /app/storage/plugin.txt")

    dify.here.done("down", "dify", "postgres", "redis")
    assert dify.ids() == {}
    dify.here.done("up", "dify")

    runs(dify, EXPECTED)
    assert dify.shell("worker", "cat storage/upload.txt") == "mine"
    assert dify.shell("plugin_daemon", "cat /app/storage/plugin.txt") == "mine"


@pytest.fixture
def own_addresses(dify: Dify) -> Iterator[list[str]]:
    """Addresses of two services of its own, which stand for computers of the user's network. Only
    public ones are reached in the end."""
    found = [dify.client.containers.get(CONTAINER + name) for name in ("web", "plugin_daemon")]
    yield [one.attrs["NetworkSettings"]["Networks"]["ai-dify"]["IPAddress"] for one in found]
    dify.here.app.settings.change(dify.here.app.declared, {SETTING: None})
    dify.here.done("up", "dify")


SETTING = "dify.DIFY_PRIVATE_ADDRESSES"


@pytest.mark.usefixtures("usual_store")
def test_private_addresses_are_reached_once_they_are_allowed_and_no_others(
    dify: Dify, own_addresses: list[str]
) -> None:
    allowed, other = own_addresses
    urls = [f"http://{allowed}:3000/embed.min.js", f"http://{other}:5002/health/check"]
    urls += ["http://web:3000/embed.min.js", "http://172.17.0.1/"]
    assert reached(dify, urls) == [(403, 403)] * 4
    before = dify.ids()
    dify.here.set(SETTING, f"192.0.2.0/24 {allowed}")

    dify.here.done("up", "dify")

    assert changed(dify, before) == {"ssrf_proxy", "agent_ssrf_proxy"}
    assert reached(dify, urls) == [(200, 200), *[(403, 403)] * 3]


@pytest.mark.usefixtures("usual_store")
def test_packages_reach_a_new_sandbox_and_a_limit_the_web_server(dify: Dify) -> None:
    before = dify.ids()
    dify.here.set("dify.DIFY_SANDBOX_PACKAGES", "numpy requests[socks]==2.32.3")
    dify.here.set("dify.DIFY_REQUEST_SIZE", "1")

    dify.here.done("up", "dify")

    assert changed(dify, before) == {"nginx", "sandbox"}
    wanted = dify.says("sandbox", "cat", "/dependencies/python-requirements.txt")
    assert wanted.split("\n") == ["numpy", "requests[socks]==2.32.3"]
    url, big = f"http://127.0.0.1:{dify.port}/v1/files/upload", bytes(2 * 1024**2)
    assert requests.post(url, data=big, timeout=LIMIT).status_code == 413


def reached(dify: Dify, urls: list[str]) -> list[tuple[int, int]]:
    """The status that workflows' code and agents' shells get by their proxies, of each URL."""
    return [
        (dify.fetch("sandbox", url, *SSRF), dify.fetch("local_sandbox", url, *AGENT))
        for url in urls
    ]


@pytest.mark.usefixtures("usual_store")
def test_a_chosen_vector_store_takes_the_place_of_the_one_before(dify: Dify) -> None:
    """After the others that want the usual one: each way back recreates what uses it."""
    before = dify.ids()
    dify.here.set("dify.DIFY_VECTOR_STORE", "weaviate")

    dify.here.done("up", "dify")

    wanted = EXPECTED | {"dify-weaviate": "healthy"}
    del wanted["dify-qdrant"]
    runs(dify, wanted)
    stores = {"dify-qdrant", "dify-weaviate"}
    assert changed(dify, before) == {*API, *stores}
    assert dify.shell("api", "echo $VECTOR_STORE $WEAVIATE_ENDPOINT $QDRANT_URL").split() == [
        "weaviate",
        "http://dify-weaviate:8080",
    ]

    before = dify.ids()
    dify.here.set("dify.DIFY_WEAVIATE_API_KEY", "another-key-of-32-characters-now")
    dify.here.done("up", "dify")
    runs(dify, wanted)
    assert changed(dify, before) == {*API, "dify-weaviate"}
    keys = dify.shell("api", "echo $WEAVIATE_API_KEY"), dify.shell("dify-weaviate", "env")
    assert keys[0] == "another-key-of-32-characters-now"
    assert f"AUTHENTICATION_APIKEY_ALLOWED_KEYS={keys[0]}" in keys[1].splitlines()

    before = dify.ids()
    dify.here.set("dify.DIFY_VECTOR_STORE", "qdrant-shared")

    dify.here.done("up", "dify")

    del wanted["dify-weaviate"]
    runs(dify, wanted)
    assert changed(dify, before) == {*API, "dify-weaviate"}
    assert dify.ask("api", "{QDRANT_URL}/collections", "api-key", "{QDRANT_API_KEY}") == 200
    assert dify.ask("api", "{QDRANT_URL}/collections", "api-key", "wrong") == 401
    assert dify.shell("api", "echo $VECTOR_STORE $QDRANT_URL") == "qdrant http://qdrant:6333"


@pytest.fixture
def nothing_built(dify: Dify) -> Iterator[None]:
    """A build of an earlier test would be used, and this one's by a later test."""
    forget(dify.client)
    yield
    forget(dify.client)
    dify.here.done("up", "dify")


def forget(client: docker.DockerClient) -> None:
    for image in client.images.list():
        for tag in image.tags:
            if tag.startswith("aiserver/dify/"):
                client.images.remove(tag, force=True, noprune=True)


@pytest.mark.usefixtures("nothing_built")
def test_its_dockerfiles_build_and_all_that_share_an_image_run_the_built_one(dify: Dify) -> None:
    choose_usual_store(dify)
    dify.here.cli.run("build", "dify").succeeded()

    dify.here.done("up", "dify")

    runs(dify, EXPECTED)
    images = {s: image_of(dify.client, c) for s, c in dify.ids().items()}
    ours = {s: image for s, image in images.items() if image.startswith("aiserver/")}
    shared = dict.fromkeys({*API, "dify-migration"}, "aiserver/dify/worker:1.17.1")
    assert ours == {**shared, "web": "aiserver/dify/web:1.17.1"}


def image_of(client: docker.DockerClient, container: str) -> str:
    return str(client.api.inspect_container(container)["Config"]["Image"])
