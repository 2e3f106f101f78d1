"""A module is opened to the home network by the real gateway, and used from another device: a
second host in a network namespace, which has its own address, asks by multicast DNS and trusts our
certificate authority."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import run
from typing import Any

import docker
import pytest

from aiserver_tray.features.access.network import label
from aiserver_tray.owner.owner import Owner
from tests.engine.built_in import choose_free_ports
from tests.engine.through_owner import asked
from tests.support.installation import Installation, Service, script
from tests.support.observed import environment, said
from tests.support.owning import PEER, Modules, owned
from tests.support.ports import free_port
from tests.support.second_host import SecondHost, second_host
from tests.support.waiting import eventually

LIMIT = 180.0
SERVER = """
mkdir -p /www/setup /www/cgi-bin && cd /www
cat > cgi-bin/stream <<'END'
#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\nfirst\\n'
until test -e /www/go; do sleep 0.1; done
echo last
END
chmod +x cgi-bin/stream
test -e account || echo '{"owned": false}' > account
echo 'the shop' > index.html
echo 'become the owner' > setup/index.html
exec httpd -f -p 80 -h /www
"""
ACCESS: dict[str, Any] = {
    "port": 80,
    "variables": {"SHOP_ADDRESS": "{url}/", "SHOP_SOCKET": "{ws_url}"},
    "first_account": {"http": "/account", "key": "owned", "value": True},
    "closed": ["/setup*"],
}
CONFIGURATION = "/config/caddy/gateway.json"
SPELLINGS = (
    *("/setup/", "/setup/index.html", "//setup/", "/./setup/", "/x/../setup/", "/%73etup/"),
    *("/SETUP/", "/setup%2Findex.html", "/setup/?a=b", "/setup//index.html", "/setup;a=b/"),
    *(
        "/%2e/setup/",
        "/x/%2e%2e/setup/",
        "/x/%2E%2E%2Fsetup/",
        "/%2fsetup/",
        "/SeTuP%2f",
        "/.//setup/",
    ),
)
"""Of the path that creates the first account."""


@pytest.fixture
def device() -> Iterator[SecondHost]:
    with second_host("192.168.77") as host:
        yield host


@pytest.fixture
def shop(here: Installation) -> int:
    """The port of this computer at which the module answers."""
    port = free_port()
    environment = {"ADDRESS": "${SHOP_ADDRESS:-http://localhost}", "SOCKET": "${SHOP_SOCKET:-none}"}
    service: Service = script(
        SERVER,
        ports=[f"{port}:80"],
        networks=["ai-net"],
        environment=environment,
        volumes=["data:/www"],
    )
    here.write(
        "shop",
        {"shop": service},
        top={"networks": {"ai-net": {"external": True}}, "volumes": {"data": {}}},
        title={"en": "Shop", "zh": "商店"},
        access=ACCESS,
    )
    choose_free_ports(here, "gateway")
    return port


KEPT_ALIVE = """
import http.client, ssl, sys
connection = http.client.HTTPSConnection(
    sys.argv[1], int(sys.argv[2]), context=ssl._create_unverified_context(), timeout=60
)
for _ in range(2):
    connection.request("GET", "/")
    print(connection.getresponse().read().decode().strip(), flush=True)
    connection.auto_open = False
sys.stdin.readline()
try:
    connection.request("GET", "/")
    print(connection.getresponse().status)
except (OSError, http.client.HTTPException):
    print("closed")
"""
"""A device that keeps its connection, and uses it again once it is told to."""


def entry(owner: Owner) -> Any:  # noqa: ANN401 - JSON
    """What is known of the module's address."""
    listed = asked(owner, "ai/access/list")["modules"]
    return next(one for one in listed if one["name"] == "shop")


def until(owner: Owner, state: str) -> Any:  # noqa: ANN401 - JSON
    """The same, once it is in that state."""

    def found() -> Any:  # noqa: ANN401
        one = entry(owner)
        return one if one["state"] == state else None

    return eventually(found, state, LIMIT)


def test_a_module_is_open_to_the_network_from_its_first_account_until_it_is_closed(
    here: Installation,
    engine: docker.DockerClient,
    device: SecondHost,
    shop: int,
    tmp_path: Path,
) -> None:
    with owned(here) as (owner, modules):
        asked(owner, "ai/operation/start", kind="up", modules=["shop"], untilEnd=True)
        modules.wait_for(shop="running")
        plan = asked(owner, "ai/access/plan", module="shop", address=device.ours)
        assert (plan["account"], plan["address"], plan["startsGateway"]) == (
            "missing", device.ours, True,
        )  # fmt: skip
        assert [one["service"] for one in plan["recreated"]] == ["shop"]
        waits_for_its_first_account(owner, engine, device)
        opens_by_itself(owner, engine, modules)
        is_reached_by_another_device(owner, device, shop, tmp_path)
        is_not_held_back(owner, engine, device)
        follows_the_network(owner, device, tmp_path)
        forgets_its_authority(owner, device, tmp_path)
        gets_another_name_if_a_device_has_it(owner, device)
        is_closed_while_its_address_is_taken_away(owner, device)
        stays_closed_if_its_gateway_starts_with_an_old_configuration(owner, engine, device, modules)


def waits_for_its_first_account(
    owner: Owner, engine: docker.DockerClient, device: SecondHost
) -> None:
    """See that nothing is open before somebody owns it."""
    begun = asked(owner, "ai/access/open", module="shop", address=device.ours)
    assert begun["operationId"] is None
    assert entry(owner)["state"] == "waiting"
    assert [c.name for c in engine.containers.list(all=True)] == ["ai-shop"]


def opens_by_itself(owner: Owner, engine: docker.DockerClient, modules: Modules) -> None:
    """See that it opens once it has its first account, and knows its address."""
    said(engine, "ai-shop", "sh", "-c", """echo '{"owned": true}' > /www/account""")
    one = until(owner, "open")
    modules.wait_for(shop="running", gateway="running")
    given = environment(engine, "ai-shop")
    assert (given["ADDRESS"], given["SOCKET"]) == (
        f"{one['url']}/",
        one["url"].replace("https", "wss"),
    )
    assert {link["kind"]: link["ok"] for link in one["links"]} == dict.fromkeys(
        ("name", "certificate", "module", "ports"), True
    )


def is_reached_by_another_device(
    owner: Owner, device: SecondHost, shop: int, tmp_path: Path
) -> None:
    """See that another device finds the name, trusts the certificate and gets the module's answer,
    and nothing else."""
    one, listed = entry(owner), asked(owner, "ai/access/list")
    name, port = one["url"].removeprefix("https://").split(":")
    assert name == f"shop-{label()}.local"
    assert device.resolve(name) == device.ours
    page = asked(owner, "ai/module/open", name="shop")["url"]
    assert page in (one["url"], one["ipUrl"])
    certificate = listed["certificate"]
    authority = tmp_path / "ca.crt"
    guide = device.curl(certificate["guide"])
    assert certificate["fingerprint"] in guide.replace("<wbr>", "")
    assert certificate["name"] in guide.replace("&#8209;", "-")
    chinese = device.curl(certificate["guide"], "-H", "Accept-Language: zh-CN")
    assert "让此设备信任" in chinese
    assert device.curl(certificate["file"], "-o", str(authority)) == "200"
    trusting = ("--cacert", str(authority), "--resolve", f"{name}:{port}:{device.ours}")
    for url in (one["url"], one["ipUrl"]):
        assert device.curl(*trusting, f"{url}/") == "the shop\n 200"
        for path in SPELLINGS:
            answer = device.curl(*trusting, "--path-as-is", f"{url}{path}")
            assert "become" not in answer, path
            assert answer[-3:] in ("403", "404", "400"), (path, answer)
    distrusting = device.run("curl", "-sS", "--noproxy", "*", one["url"], *trusting[2:])
    assert "certificate problem" in distrusting.stderr
    strange = ("-k", "--resolve", f"evil.example:{port}:{device.ours}")
    assert device.curl(*strange, f"https://evil.example:{port}/") == "000"
    for closed in (shop, 2019, 2020):
        assert device.curl(f"http://{device.ours}:{closed}/") == "000"
    checked = asked(owner, "ai/access/check")["modules"]
    assert all(link["ok"] for one in checked for link in one["links"])


def follows_the_network(owner: Owner, device: SecondHost, tmp_path: Path) -> None:
    """See that a new address in the same network goes on, and that another network is closed."""
    moved = device.move("192.168.77.9", "192.168.77.10")
    eventually(lambda: _is_open_at(owner, moved.ours), "the new address", LIMIT)
    one = entry(owner)
    authority = tmp_path / "ca.crt"
    assert moved.curl("--cacert", str(authority), f"{one['ipUrl']}/") == "the shop\n 200"
    assert moved.resolve(one["url"].removeprefix("https://").partition(":")[0]) == moved.ours
    elsewhere = moved.move("192.168.78.1", "192.168.78.2")
    until(owner, "paused")
    port = one["ipUrl"].rpartition(":")[2]
    url = f"https://192.168.78.1:{port}/"
    eventually(lambda: elsewhere.curl("-k", url) == "000", "nothing there", LIMIT)
    elsewhere.move(device.ours, device.address)
    until(owner, "open")
    eventually(
        lambda: device.curl("-k", f"https://{device.ours}:{port}/") == "the shop\n 200", "it", LIMIT
    )


def _is_open_at(owner: Owner, address: str) -> bool:
    """Whether it is open there, and its name too."""
    one = entry(owner)
    is_there = one["ipUrl"].startswith(f"https://{address}:") and one["state"] == "open"
    return is_there and address in one["links"][0]["text"]


def is_closed_at_once(
    owner: Owner, engine: docker.DockerClient, device: SecondHost, modules: Modules
) -> None:
    """See that no request reaches it any more when closing has answered."""
    url = entry(owner)["ipUrl"]
    guide = asked(owner, "ai/access/list")["certificate"]["guide"]
    host, port = url.removeprefix("https://").split(":")
    with device.started(sys.executable, "-c", KEPT_ALIVE, host, port) as kept:
        assert kept.stdout
        assert [kept.stdout.readline() for _ in range(2)] == ["the shop\n"] * 2
        closing = asked(owner, "ai/access/close", module="shop")
        assert kept.communicate("again\n", 60)[0] == "closed\n"
    assert device.curl("-k", f"{url}/") == "000"
    assert device.curl(guide) == "000"
    assert entry(owner)["state"] == "closed"
    asked(owner, "ai/operation/wait", id=closing["operationId"])
    modules.wait_for(shop="running", gateway="stopped")
    for number in (port, guide.split(":")[2].strip("/")):
        refused = device.run("curl", "-sS", "--noproxy", "*", f"http://{host}:{number}/")
        assert "Could not connect" in refused.stderr or "refused" in refused.stderr, refused
    assert environment(engine, "ai-shop")["ADDRESS"] == "http://localhost"
    again = owner.api.invoke("ai/access/close", {"module": "shop"}, PEER)
    assert again["code"] == "E_ADDRESS"
    assert json.dumps(asked(owner, "ai/config/form", module="shop")).count("SHOP_ADDRESS") == 0
    not_set = owner.api.invoke(
        "ai/config/set", {"name": "shop.SHOP_ADDRESS", "value": "https://evil"}, PEER
    )
    assert not_set["code"] == "E_SETTING"


def stays_closed_if_its_gateway_starts_with_an_old_configuration(
    owner: Owner, engine: docker.DockerClient, device: SecondHost, modules: Modules
) -> None:
    """See that the owner loads again what is open when the gateway starts, as after a restore."""
    url = entry(owner)["ipUrl"]
    gateway = engine.containers.get("ai-gateway")
    old, _ = gateway.get_archive(CONFIGURATION)
    archive = b"".join(old)
    is_closed_at_once(owner, engine, device, modules)
    gateway.put_archive(str(Path(CONFIGURATION).parent), archive)
    gateway.start()

    def is_loaded() -> bool:
        return "port-844" not in said(engine, "ai-gateway", "cat", CONFIGURATION)

    eventually(is_loaded, "a configuration with nothing open", LIMIT)
    assert device.curl("-k", f"{url}/") == "000"


def test_a_module_that_does_not_run_is_asked_for_its_account_before_it_is_opened(
    here: Installation, engine: docker.DockerClient, device: SecondHost, shop: int
) -> None:
    with owned(here) as (owner, modules):
        begun = asked(owner, "ai/access/open", module="shop", address=device.ours)
        asked(owner, "ai/operation/wait", id=begun["operationId"])
        modules.wait_for(shop="running")
        assert entry(owner)["state"] == "waiting"
        assert environment(engine, "ai-shop")["ADDRESS"] == "http://localhost"
        assert [c.name for c in engine.containers.list(all=True)] == ["ai-shop"]
        asked(owner, "ai/access/close", module="shop")


def forgets_its_authority(owner: Owner, device: SecondHost, tmp_path: Path) -> None:
    """See that a device that trusts the old authority is refused, and stays open for one that
    trusts the new one."""
    one, before = entry(owner), asked(owner, "ai/access/list")["certificate"]
    asked(owner, "ai/access/forget")
    after = asked(owner, "ai/access/list")["certificate"]
    assert after["fingerprint"] != before["fingerprint"]
    refused = device.run(
        *("curl", "-sS", "--noproxy", "*", "--cacert", str(tmp_path / "ca.crt"), one["ipUrl"])
    )
    assert "certificate problem" in refused.stderr
    assert device.curl(after["file"], "-o", str(tmp_path / "new.crt")) == "200"
    assert device.curl("--cacert", str(tmp_path / "new.crt"), one["ipUrl"]) == "the shop\n 200"
    assert entry(owner)["state"] == "open"


def gets_another_name_if_a_device_has_it(owner: Owner, device: SecondHost) -> None:
    """See that the module takes nobody's name, and is open at another one."""
    closing = asked(owner, "ai/access/close", module="shop")
    asked(owner, "ai/operation/wait", id=closing["operationId"])
    taken = f"shop-{label()}.local"
    with device.named(taken):
        begun = asked(owner, "ai/access/open", module="shop", address=device.ours)
        asked(owner, "ai/operation/wait", id=begun["operationId"])
        name = f"shop-{label()}-2.local"
        one = entry(owner)
        assert (one["state"], name in one["url"]) == ("open", True), one
        assert device.resolve(name) == device.ours
    assert all(link["ok"] for link in one["links"]), "also the certificate for that name"


def is_closed_while_its_address_is_taken_away(owner: Owner, device: SecondHost) -> None:
    """See that it waits for the network to come back, such as after a failed renewal by DHCP."""
    with device.lost():
        until(owner, "paused")
        # The gateway listens on what this computer still has.
        port = entry(owner)["ipUrl"].rpartition(":")[2]
        here = f"https://127.0.0.1:{port}/"
        asks = ("curl", "-sSk", "--noproxy", "*", "-H", f"Host: {device.ours}", here)
        eventually(lambda: run(asks, capture_output=True, check=False).stdout == b"", "it", LIMIT)
    until(owner, "open")
    url = entry(owner)["ipUrl"]
    eventually(lambda: device.curl("-k", f"{url}/") == "the shop\n 200", "it", LIMIT)


def is_not_held_back(owner: Owner, engine: docker.DockerClient, device: SecondHost) -> None:
    """See that an answer that comes in parts arrives so, as those of models do."""
    url = f"{entry(owner)['ipUrl']}/cgi-bin/stream"
    with device.started("curl", "-skN", "--noproxy", "*", url) as answer:
        assert answer.stdout
        assert answer.stdout.readline() == "first\n"
        said(engine, "ai-shop", "touch", "/www/go")
        assert answer.stdout.readline() == "last\n"
