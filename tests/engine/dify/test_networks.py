"""What Dify's code and agents reach: the internet and the sibling modules by their proxies, and
nothing in any other way."""

from collections.abc import Iterator

import docker
import pytest
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from tests.engine.dify import AGENT, CONTAINER, SSRF, Dify, until

SIBLINGS = {"n8n": (5678,), "oneapi": (3000,), "ragflow": (80, 9380)}
PORTS = sorted(port for ports in SIBLINGS.values() for port in ports)
SERVER = f"""
import http.server, threading
for port in {PORTS}:
    server = http.server.ThreadingHTTPServer(("", port), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever).start()
"""
OUTSIDE = "198.51.100.0/24"
"""Addresses for examples (RFC 5737): no private ones, and nobody's."""

PRIVATE = [
    "http://127.0.0.1:3128/",
    "http://localhost:3128/",
    "http://2130706433/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://0.0.0.0:3128/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://10.0.0.1/",
    "http://172.17.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://postgres:5432/",
    "http://redis:6379/",
    "http://plugin_daemon:5002/health/check",
    "http://sandbox:8194/health",
    "http://nginx:8080/",
]


@pytest.fixture(scope="module")
def server(dify: Dify) -> Iterator[Container]:
    """Stands for all siblings, for a module that is none, and for a server on the internet."""
    client = dify.client
    outside = client.networks.create(
        "outside", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=OUTSIDE)])
    )
    proxies = [CONTAINER + name for name in ("ssrf_proxy", "agent_ssrf_proxy")]
    for proxy in proxies:
        outside.connect(proxy)
    found = client.containers.create(
        "langgenius/dify-web:1.17.1",
        entrypoint=["python3", "-c", SERVER],
        user="0:0",
        network="outside",
    )
    client.networks.get("ai-net").connect(found, aliases=[*SIBLINGS, "other"])
    found.start()
    found.reload()
    # It listens at this port last.
    until("the server", lambda: dify.fetch("sandbox", f"http://ragflow:{PORTS[-1]}/", *SSRF), 200)
    yield found
    found.remove(force=True)
    for proxy in proxies:
        outside.disconnect(proxy)
    outside.remove()


def test_plugins_reach_models_of_a_sibling_directly(dify: Dify, server: Container) -> None:
    assert dify.fetch("plugin_daemon", "http://oneapi:3000/") == 200


def address(container: Container, network: str) -> str:
    return str(container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"])


@pytest.mark.parametrize("service", ["sandbox", "api", "plugin_daemon"])
@pytest.mark.parametrize(
    ("name", "port"), [(name, port) for name, ports in SIBLINGS.items() for port in ports]
)
def test_sibling_modules_are_reached_by_the_proxy(
    dify: Dify, server: Container, service: str, name: str, port: int
) -> None:
    assert dify.fetch(service, f"http://{name}:{port}/", *SSRF) == 200


@pytest.mark.parametrize(
    "url",
    [
        *("http://n8n:3000/", "http://oneapi:5678/", "http://ragflow:3000/"),
        *("http://other:5678/", "http://N8N.other:5678/"),
    ],
)
def test_another_port_or_module_is_not_reached_by_the_proxy(
    dify: Dify, server: Container, url: str
) -> None:
    assert dify.fetch("sandbox", url, *SSRF) in {403, 503}


def test_sibling_module_is_not_reached_by_its_address(dify: Dify, server: Container) -> None:
    url = f"http://{address(server, 'ai-net')}:5678/"
    assert dify.fetch("sandbox", url, *SSRF) == 403
    assert dify.fetch("sandbox", url, *SSRF, "-H", "Host: n8n:5678") == 403


def test_a_tunnel_leads_to_https_only(dify: Dify, server: Container) -> None:
    assert dify.fetch("sandbox", "http://n8n:5678/", *SSRF, "--proxytunnel") == 0
    script = "curl -s -p -x http://ssrf_proxy:3128 -w '%{http_connect}' http://n8n:5678/; true"
    assert dify.shell("sandbox", script) == "403"


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_refused(dify: Dify, server: Container, url: str) -> None:
    assert dify.fetch("sandbox", url, *SSRF) == 403


@pytest.mark.parametrize("url", PRIVATE[:12])
def test_agents_reach_no_private_address(dify: Dify, server: Container, url: str) -> None:
    assert dify.fetch("local_sandbox", url, *AGENT) == 403


@pytest.mark.parametrize("url", ["http://n8n:5678/", "http://oneapi:3000/"])
def test_agents_reach_no_sibling(dify: Dify, server: Container, url: str) -> None:
    # Its proxy is not on the siblings' network, so it does not even know their names.
    assert dify.fetch("local_sandbox", url, *AGENT) == 503


def test_both_proxies_lead_to_the_internet(dify: Dify, server: Container) -> None:
    url = f"http://{address(server, 'outside')}:5678/"
    assert dify.fetch("sandbox", url, *SSRF) == 200
    assert dify.fetch("local_sandbox", url, *AGENT) == 200


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://api:5001/files/tools/1.png", 200),
        ("http://api:5001/console/api/setup", 403),
        ("http://api:5001/inner/api/invoke/llm", 403),
        ("http://api:5001/v1/info", 403),
        ("http://agent_backend:5050/agent-stub/files", 404),
        ("http://agent_backend:5050/", 403),
    ],
)
def test_agents_reach_only_the_services_that_their_tools_call(
    dify: Dify, url: str, status: int
) -> None:
    assert dify.fetch("local_sandbox", url, *AGENT) == status


@pytest.mark.parametrize("service", ["sandbox", "local_sandbox"])
def test_there_is_no_other_way_out(dify: Dify, server: Container, service: str) -> None:
    hosts = [address(server, "ai-net"), address(server, "outside"), "n8n"]
    urls = [f"http://{host}:5678/" for host in hosts] + ["http://web:3000/", "http://nginx:8080/"]
    assert dify.fetch("api", urls[0]) == 200
    assert [dify.fetch(service, url) for url in urls] == [0] * len(urls)
    routes = dify.shell(service, "cat /proc/net/route").splitlines()[1:]
    assert [line for line in routes if line.split()[1] == "00000000"] == []


def test_shells_of_agents_reach_the_api_only_by_their_proxy(dify: Dify) -> None:
    assert dify.fetch("local_sandbox", "http://api:5001/health") == 0
    assert dify.fetch("api", "http://local_sandbox:5004/healthz") == 0


def test_the_internal_networks_are_just_these(dify: Dify) -> None:
    found = {n.name: n.attrs["Internal"] for n in networks(dify.client)}
    internal = {"ai-dify-ssrf", "ai-dify-agent_sandbox", "ai-dify-local_sandbox_proxy"}
    assert found == dict.fromkeys(internal, True) | {"ai-dify": False}


def networks(client: docker.DockerClient) -> list[docker.models.networks.Network]:
    return [n for n in client.networks.list() if n.name.startswith("ai-dify")]
