"""Dify comes up whole, its page leads each request to the service that must answer it, and all of
its services know each other's keys."""

import docker
import pytest

from tests.engine.dify import CONTAINER, EXPECTED, Dify, until
from tests.support.observed import facts


@pytest.mark.usefixtures("usual_store")
def test_up_dify_starts_only_what_it_requires_and_all_is_healthy(dify: Dify) -> None:
    ours = {name for name in dify.started if name.startswith("ai-")}
    assert {name for name in ours if not name.startswith(CONTAINER)} == {"ai-postgres", "ai-redis"}


def test_a_second_up_does_nothing_and_runs_no_job_again(dify: Dify) -> None:
    containers = [CONTAINER + service for service in EXPECTED]
    before = facts(dify.client, *containers)

    assert dify.here.done("up", "dify") == []

    assert facts(dify.client, *containers) == before


def test_only_its_page_is_published_on_this_machine_only(dify: Dify) -> None:
    ports = {
        service: dify.client.api.inspect_container(container)["NetworkSettings"]["Ports"]
        for service, container in dify.ids().items()
    }
    published = {
        (service, port): bindings
        for service, exposed in ports.items()
        for port, bindings in exposed.items()
        if bindings
    }
    here = {"HostIp": "127.0.0.1", "HostPort": str(dify.port)}
    assert published == {("nginx", "8080/tcp"): [here]}


@pytest.mark.parametrize(
    ("path", "service"),
    [
        *((path, "api") for path in ("/console/api/apps", "/api/site", "/v1/chat-messages")),
        *((path, "api") for path in ("/openapi/v1/apps", "/files/1/preview?sign=a%2Fb")),
        *((path, "api") for path in ("/mcp/server/1/mcp", "/triggers/webhook/1", "/v1")),
        ("/socket.io/?EIO=4&transport=websocket", "api_websocket"),
        ("/e/abc123/hook?x=1", "plugin_daemon"),
        *(
            (path, "web")
            for path in ("/explore", "/explore/apps", "/reset-password", "/apis", "/v10")
        ),
    ],
)
def test_each_path_reaches_the_service_that_answers_it(dify: Dify, path: str, service: str) -> None:
    got = dify.get(path).json

    assert dify.id(service).startswith(got["host"])
    assert got["path"] == path
    assert got["headers"]["Host"] == f"127.0.0.1:{dify.port}"
    assert got["headers"]["X-Forwarded-Proto"] == "http"


def test_the_root_is_the_page(dify: Dify) -> None:
    assert "<title>Dify</title>" in dify.get("/").body


def test_a_live_connection_is_upgraded(dify: Dify) -> None:
    path = "/socket.io/?EIO=4&transport=websocket"

    headers = dify.get(path, Connection="Upgrade", Upgrade="websocket").json["headers"]

    assert headers["Upgrade"] == "websocket"
    assert headers["Connection"] == "upgrade"


def test_plugin_gets_the_address_of_its_request(dify: Dify) -> None:
    host = f"localhost:{dify.port}"

    headers = dify.get("/e/abc123/hook?x=1", Host=host).json["headers"]

    assert headers["Dify-Hook-Url"] == f"http://{host}/e/abc123/hook?x=1"


def test_every_address_that_a_browser_gets_bears_the_published_port(dify: Dify) -> None:
    lines = dify.shell("api", "env").splitlines() + dify.shell("web", "env").splitlines()
    local = [line for line in lines if "//localhost" in line]
    assert len(local) == len([line for line in local if f"//localhost:{dify.port}" in line]) == 10


@pytest.mark.parametrize(
    ("service", "url", "header", "key"),
    [
        (
            *("api", "{CODE_EXECUTION_ENDPOINT}/v1/sandbox/dependencies"),
            *("X-Api-Key", "{CODE_EXECUTION_API_KEY}"),
        ),
        (
            *("api", "{PLUGIN_DAEMON_URL}/plugin/management/list"),
            *("X-Api-Key", "{PLUGIN_DAEMON_KEY}"),
        ),
        (
            *("worker", "{AGENT_BACKEND_BASE_URL}/runs"),
            *("Authorization", "Bearer {AGENT_BACKEND_API_TOKEN}"),
        ),
        (
            *("plugin_daemon", "{DIFY_INNER_API_URL}/inner/api/invoke/llm"),
            *("X-Inner-Api-Key", "{DIFY_INNER_API_KEY}"),
        ),
        (
            *("agent_backend", "{DIFY_AGENT_PLUGIN_DAEMON_URL}/plugin/management/list"),
            *("X-Api-Key", "{DIFY_AGENT_PLUGIN_DAEMON_API_KEY}"),
        ),
        (
            *("agent_backend", "{DIFY_AGENT_INNER_API_URL}/inner/api/invoke/llm"),
            *("X-Inner-Api-Key", "{DIFY_AGENT_INNER_API_KEY}"),
        ),
        (
            *("agent_backend", "{DIFY_AGENT_LOCAL_SANDBOX_ENDPOINT}/v1/jobs"),
            *("Authorization", "Bearer {DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN}"),
        ),
    ],
)
def test_both_ends_of_a_connection_have_one_key(
    dify: Dify, service: str, url: str, header: str, key: str
) -> None:
    assert dify.ask(service, url, header, key) == 200
    assert dify.ask(service, url, header, "wrong") == 401


def test_dify_uses_its_own_databases_of_the_shared_redis(dify: Dify) -> None:
    found = {
        service: [
            line.rpartition("/")[2] if "://" in line else line.rpartition("=")[2]
            for line in sorted(dify.shell(service, "env").splitlines())
            if line.startswith(("REDIS_DB=", "CELERY_BROKER_URL=", "DIFY_AGENT_REDIS_URL="))
        ]
        for service in ("api", "plugin_daemon", "agent_backend")
    }
    assert found == {"api": ["3", "2"], "plugin_daemon": ["6"], "agent_backend": ["4"]}


def test_plugins_use_no_mirror_that_nobody_has_chosen(dify: Dify) -> None:
    # Unset, the plugin daemon would look for one that answers faster than pypi.org.
    given = dify.shell("plugin_daemon", 'echo "<$PIP_MIRROR_URL> $PIP_MIRROR_AUTO_DETECT"')
    assert given == "<> false"


def check_of(client: docker.DockerClient, service: str) -> int:
    """How the service's own health check ends right now."""
    container = client.containers.get(CONTAINER + service)
    kind, *words = container.attrs["Config"]["Healthcheck"]["Test"]
    command = ["sh", "-c", words[0]] if kind == "CMD-SHELL" else words
    return int(container.exec_run(command).exit_code)


def test_worker_without_its_queue_is_unhealthy(dify: Dify) -> None:
    assert check_of(dify.client, "worker") == 0
    ping = "celery -A celery_healthcheck.celery inspect ping -d celery@nobody"
    container = dify.client.containers.get(CONTAINER + "worker")
    assert container.exec_run(["sh", "-c", ping]).exit_code == 69


def test_scheduler_with_an_old_schedule_is_unhealthy(dify: Dify) -> None:
    assert check_of(dify.client, "worker_beat") == 0
    dify.shell("worker_beat", "touch -d '11 minutes ago' celerybeat-schedule")
    assert check_of(dify.client, "worker_beat") != 0


def test_the_page_is_not_healthy_without_its_api(dify: Dify) -> None:
    assert check_of(dify.client, "nginx") == 0
    api = dify.client.containers.get(CONTAINER + "api")
    api.stop(timeout=5)
    try:
        assert check_of(dify.client, "nginx") != 0
        assert check_of(dify.client, "web") == 0, (
            "it serves files, and is not restarted with the API"
        )
    finally:
        api.start()
    until("the page", lambda: check_of(dify.client, "nginx"), 0)


def test_a_recreated_api_is_found_without_a_restart_of_the_page(dify: Dify) -> None:
    nginx = facts(dify.client, CONTAINER + "nginx")
    old = dify.client.containers.get(CONTAINER + "api")
    address = old.attrs["NetworkSettings"]["Networks"]["ai-dify"]["IPAddress"]
    old.remove(force=True)
    # Somebody else, so that the new one can't have the old address.
    taker = dify.client.containers.create("busybox:1.37.0", ["sleep", "600"])
    dify.client.networks.get("ai-dify").connect(taker)
    taker.start()

    dify.here.done("up", "dify")

    new = dify.client.containers.get(CONTAINER + "api")
    assert new.attrs["NetworkSettings"]["Networks"]["ai-dify"]["IPAddress"] != address
    until("who answers", lambda: who_answers(dify), new.id[:12])
    assert facts(dify.client, CONTAINER + "nginx") == nginx
    taker.remove(force=True)


def who_answers(dify: Dify) -> str | None:
    """The host that the API's paths lead to; None while the page finds none."""
    answer = dify.get("/v1/info")
    return str(answer.json["host"]) if answer.status == 200 else None
