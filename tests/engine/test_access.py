"""A module is opened to the home network by the real gateway, and used from another device: a
second host in a network namespace, which has its own address, asks by multicast DNS and trusts our
certificate authority."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import run
from typing import Any

import docker
import pytest

from aiserver_tray.features.access import internet
from aiserver_tray.features.access.addresses import Addresses
from aiserver_tray.features.access.authority import make_authority, make_leaf
from aiserver_tray.features.access.config import ADMIN
from aiserver_tray.features.access.network import label
from aiserver_tray.owner.owner import Owner
from tests.engine.built_in import choose_free_ports, value_of
from tests.engine.through_owner import asked, done, ended
from tests.lab.fixtures import have_image
from tests.support import refusing_authority
from tests.support.installation import Installation, Service, script
from tests.support.observed import environment, said
from tests.support.owning import PEER, Modules, owned
from tests.support.ports import free_port, free_subnet
from tests.support.second_host import SecondHost, second_host
from tests.support.waiting import eventually

SERVER = """
mkdir -p /www/setup /www/hook /www/cgi-bin && cd /www
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
echo 'hooked' > hook/index.html
printf '#!/bin/sh\necho\necho "cookies: $HTTP_COOKIE, by $HTTP_X_FORWARDED_PROTO"\n' > cgi-bin/seen
chmod +x cgi-bin/seen
exec httpd -f -p 80 -h /www
"""
ACCESS: dict[str, Any] = {
    "port": 80,
    "variables": {"SHOP_ADDRESS": "{url}/", "SHOP_SOCKET": "{ws_url}"},
    "first_account": {"http": "/account", "key": "owned", "value": True},
    "closed": ["/setup*"],
    "open": ["/hook/*"],
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
    with second_host() as host:
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
    plain: Service = script(
        "mkdir /www && echo plain > /www/index.html && exec httpd -f -p 80 -h /www",
        ports=[f"{free_port()}:80"],
        networks=["ai-net"],
    )
    here.write("plain", {"plain": plain}, top={"networks": {"ai-net": {"external": True}}})
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

    return eventually(found, state)


def test_a_module_is_open_to_the_network_from_its_first_account_until_it_is_closed(
    here: Installation, engine: docker.DockerClient, device: SecondHost, shop: int, tmp_path: Path
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
        has_an_extra_lock(owner, device, tmp_path)
        follows_the_network(owner, engine, device, tmp_path)
        forgets_its_authority(owner, device, tmp_path)
        gets_another_name_if_a_device_has_it(owner, device)
        is_closed_while_its_address_is_taken_away(owner, device)
        stays_closed_if_its_gateway_starts_with_an_old_configuration(owner, engine, device, modules)
        opens_to_the_internet(here, owner, engine, device)


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


def follows_the_network(
    owner: Owner, engine: docker.DockerClient, device: SecondHost, tmp_path: Path
) -> None:
    """See that a new address in the same network goes on, and that another network is closed."""
    network, other = device.address.rpartition(".")[0], free_subnet()
    moved = device.move(f"{network}.9", f"{network}.10")
    eventually(lambda: _is_open_at(owner, moved.ours), "the new address")
    one = entry(owner)
    authority = tmp_path / "ca.crt"
    assert moved.curl("--cacert", str(authority), f"{one['ipUrl']}/") == "the shop\n 200"
    assert moved.resolve(one["url"].removeprefix("https://").partition(":")[0]) == moved.ours
    refuses_devices_of_another_network(engine, moved, one["ipUrl"])
    elsewhere = moved.move(f"{other}.1", f"{other}.2")
    until(owner, "paused")
    port = one["ipUrl"].rpartition(":")[2]
    url = f"https://{other}.1:{port}/"
    eventually(lambda: elsewhere.curl("-k", url) == "000", "nothing there")
    elsewhere.move(device.ours, device.address)
    until(owner, "open")
    eventually(
        lambda: device.curl("-k", f"https://{device.ours}:{port}/") == "the shop\n 200", "it"
    )


def refuses_devices_of_another_network(
    engine: docker.DockerClient, device: SecondHost, url: str
) -> None:
    """See that a device in a second network of this computer, such as a VPN, gets no answer."""
    attributes = engine.containers.get("ai-gateway").attrs["NetworkSettings"]
    inside = next(iter(attributes["Networks"].values()))["IPAddress"]
    outer = int(url.rpartition(":")[2])
    inner = next(int(name.split("/")[0]) for name, places in attributes["Ports"].items()
                 if places and int(places[0]["HostPort"]) == outer)  # fmt: skip
    asks = ("-k", "-H", f"Host: {device.ours}")
    other = free_subnet()
    ours = f"{other}.1"
    with device.also(ours, f"{other}.2"), device.translated(outer, f"{inside}:{inner}"):
        there = f"{url.replace(device.ours, ours)}/"
        eventually(lambda: device.curl(*asks, there) == "000", "no answer there")
        assert device.curl(*asks, f"{url}/") == "the shop\n 200"


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

    eventually(is_loaded, "a configuration with nothing open")
    assert device.curl("-k", f"{url}/") == "000"


def test_a_module_that_does_not_run_is_asked_for_its_account_before_it_is_opened(
    here: Installation,
    engine: docker.DockerClient,
    device: SecondHost,
    shop: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As with an engine in WSL: there is none here.
    monkeypatch.setattr(Addresses, "is_forwarding", True)
    here.set("gateway.GATEWAY_ADDRESS", "127.0.0.1")
    with owned(here) as (owner, modules):
        begun = asked(owner, "ai/access/open", module="shop", address=device.ours)
        asked(owner, "ai/operation/wait", id=begun["operationId"])
        modules.wait_for(shop="running")
        assert entry(owner)["state"] == "waiting"
        assert environment(engine, "ai-shop")["ADDRESS"] == "http://localhost"
        assert [c.name for c in engine.containers.list(all=True)] == ["ai-shop"]
        is_reached_through_the_owner(owner, engine, device)


def is_reached_through_the_owner(
    owner: Owner, engine: docker.DockerClient, device: SecondHost
) -> None:
    """See that the owner passes on what other devices send, until the module is closed."""
    said(engine, "ai-shop", "sh", "-c", """echo '{"owned": true}' > /www/account""")
    url = until(owner, "open")["ipUrl"]
    assert device.curl("-k", f"{url}/") == "the shop\n 200"
    guide = asked(owner, "ai/access/list")["certificate"]["guide"]
    assert "SHA-256" in device.curl(guide)
    host, port = url.removeprefix("https://").split(":")
    with device.started(sys.executable, "-c", KEPT_ALIVE, host, port) as kept:
        assert kept.stdout
        assert [kept.stdout.readline() for _ in range(2)] == ["the shop\n"] * 2
        asked(owner, "ai/access/close", module="shop")
        assert kept.communicate("again\n", 60)[0] == "closed\n"
    refused = device.run("curl", "-sS", "--noproxy", "*", guide)
    assert "Could not connect" in refused.stderr or "refused" in refused.stderr, refused


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
        eventually(lambda: run(asks, capture_output=True, check=False).stdout == b"", "it")
    until(owner, "open")
    url = entry(owner)["ipUrl"]
    eventually(lambda: device.curl("-k", f"{url}/") == "the shop\n 200", "it")


def is_not_held_back(owner: Owner, engine: docker.DockerClient, device: SecondHost) -> None:
    """See that an answer that comes in parts arrives so, as those of models do."""
    url = f"{entry(owner)['ipUrl']}/cgi-bin/stream"
    with device.started("curl", "-skN", "--noproxy", "*", url) as answer:
        assert answer.stdout
        assert answer.stdout.readline() == "first\n"
        said(engine, "ai-shop", "touch", "/www/go")
        assert answer.stdout.readline() == "last\n"


def has_an_extra_lock(owner: Owner, device: SecondHost, tmp_path: Path) -> None:
    """See that only devices with the key get in, but for paths that the file opens to everyone."""
    url, jar = entry(owner)["ipUrl"], tmp_path / "cookies"
    before = asked(owner, "ai/access/link", module="shop")
    assert before["ipUrl"] == url
    asked(owner, "ai/access/lock", module="shop", state="on")
    link = asked(owner, "ai/access/link", module="shop")["ipUrl"]
    assert "Open the link from the QR code first" in device.curl("-k", f"{url}/")
    assert device.curl("-k", f"{url}/?key=wrong")[-3:] == "403"
    assert device.curl("-k", f"{url}/hook/") == "hooked\n 200"
    for path in ("/hook/../", "/hook/%2e%2e/", "/hook/..%2f", "/x/hook/", "/hookx/", "//"):
        assert device.curl("-k", "--path-as-is", f"{url}{path}")[-3:] == "403", path
    assert device.curl("-k", "-c", str(jar), link)[-3:] == "303"
    known = ("-k", "-b", str(jar))
    assert device.curl(*known, f"{url}/") == "the shop\n 200"
    for path in SPELLINGS:
        for cookies in ((), known[1:]):
            answer = device.curl("-k", *cookies, "--path-as-is", f"{url}{path}")
            assert answer[-3:] in ("403", "404", "400"), (path, answer)
    key = jar.read_text().split()[-1]
    others = f"Cookie: aiserver-key-shop={key}; mine=1; aiserver-key-other=x; his=2"
    seen = device.curl("-k", "-H", others, f"{url}/cgi-bin/seen")
    assert seen == "cookies: mine=1; his=2, by https\n 200"
    checked = next(m for m in asked(owner, "ai/access/check")["modules"] if m["name"] == "shop")
    proven = {link["kind"]: link["ok"] for link in checked["links"]}
    assert (proven["module"], checked["locked"]) == (True, True), checked
    assert key not in json.dumps(asked(owner, "ai/access/list"))
    asked(owner, "ai/access/lock", module="shop", state="new")
    assert device.curl(*known, f"{url}/")[-3:] == "403"
    asked(owner, "ai/access/lock", module="shop", state="off")
    assert device.curl("-k", f"{url}/") == "the shop\n 200"


DOMAIN = "shop.lab.test"
DIRECTORIES = (
    "https://ca.lab.test/acme/local/directory https://checks.lab.test/acme/checks/directory"
)
CADDY = "caddy:2.11.4-alpine"
AUTHORITIES = """{
  admin off
  skip_install_trust
  pki {
    ca local
    ca checks
  }
}
ca.lab.test {
  tls internal
  acme_server
}
checks.lab.test {
  tls internal
  acme_server {
    ca checks
  }
}
"""
"""Two certificate authorities, of which only the first one is trusted."""
ROUTER = """
import contextlib, socket, sys, threading
def pipe(reader, writer):
    with contextlib.suppress(OSError):
        while data := reader.recv(65536):
            writer.sendall(data)
        writer.shutdown(socket.SHUT_WR)
def serve(server, inner):
    while True:
        one = server.accept()[0]
        other = socket.create_connection((sys.argv[1], inner))
        for pair in ((one, other), (other, one)):
            threading.Thread(target=pipe, args=pair, daemon=True).start()
for outer, inner in ((443, int(sys.argv[2])), (80, int(sys.argv[3]))):
    server = socket.create_server(("", outer))
    threading.Thread(target=serve, args=(server, inner), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""
"""A router that forwards ports."""


def opens_to_the_internet(
    here: Installation, owner: Owner, engine: docker.DockerClient, device: SecondHost
) -> None:
    """See that it gets a certificate, which is renewed, once the port is forwarded; and otherwise
    the words of the authority."""
    with authorities(here, engine, device) as root, pytest.MonkeyPatch.context() as patch:
        asked(owner, "ai/config/set", name="app.ca_certificates", value=str(root))
        # The lab has no DNS of its own.
        patch.setattr(internet, "resolved", lambda _: ["9.9.9.7"])
        is_refused_with_the_words_of_the_authority(owner, engine, device, here, root)
        asked(owner, "ai/config/set", name="app.acme_directory", value=DIRECTORIES)
        ports = [value_of(here, f"gateway.GATEWAY_{n}_PORT") for n in ("INTERNET", "REDIRECT")]
        with device.started(sys.executable, "-c", ROUTER, device.ours, *ports) as router:
            assert router.stdout
            assert router.stdout.readline() == "ready\n"
            is_reached_from_the_internet(owner, engine, device, root)
            is_renewed(owner, engine, device)
            is_proven_with_the_key_of_its_lock(owner, device)
            another_needs_the_lock_because_nobody_checked_it(owner, device)
            asked(owner, "ai/access/close", module="shop")
            assert device.curl("-k", *at(device), f"https://{DOMAIN}/") == "000"


@contextmanager
def authorities(
    here: Installation, engine: docker.DockerClient, device: SecondHost
) -> Iterator[Path]:
    """While they run, the certificate of the authority that counts."""
    have_image(engine, CADDY)
    aliases = engine.api.create_endpoint_config(aliases=["ca.lab.test", "checks.lab.test"])
    container = engine.containers.create(
        CADDY,
        [
            "sh",
            "-c",
            f"echo '{AUTHORITIES}' > /tmp/Caddyfile && exec caddy run --config /tmp/Caddyfile",
        ],
        network="ai-net",
        networking_config={"ai-net": aliases},
        extra_hosts={DOMAIN: device.address},
    )
    kept = "/data/caddy/pki/authorities/local/root.crt"
    try:
        container.start()
        eventually(lambda: container.exec_run(["test", "-s", kept]).exit_code == 0, "a root")
        root = here.home.parent / "root.crt"
        root.write_bytes(container.exec_run(["cat", kept]).output)
        yield root
    finally:
        container.remove(force=True, v=True)


def at(device: SecondHost) -> tuple[str, ...]:
    """Where curl finds the domain."""
    return (
        "--resolve",
        f"{DOMAIN}:443:{device.address}",
        "--resolve",
        f"{DOMAIN}:80:{device.address}",
    )


def is_refused_with_the_words_of_the_authority(
    owner: Owner, engine: docker.DockerClient, device: SecondHost, here: Installation, root: Path
) -> None:
    """See that nothing is open if the authority can't reach the domain, that its reason is said,
    and that all is as before."""
    authority = make_authority("refuses")
    pair, file = make_leaf(authority, [device.address]), here.home.parent / "refuses.pem"
    file.write_text(pair.certificate + pair.key, encoding="utf-8")
    root.write_text(root.read_text() + authority.certificate, encoding="utf-8")
    directory = f"https://{device.address}:8443/directory"
    asked(owner, "ai/config/set", name="app.acme_directory", value=directory)
    request = {"module": "shop", "way": "internet", "domain": f"https://{DOMAIN}/"}
    plan = asked(owner, "ai/access/plan", **request)
    assert plan["url"] == f"https://{DOMAIN}"
    told = {one["kind"]: one for one in plan["checks"]}
    assert told["name"]["ok"]
    assert f"port {value_of(here, 'gateway.GATEWAY_INTERNET_PORT')}" in told["forward"]["text"]
    with device.started(sys.executable, refusing_authority.__file__, str(file), "8443") as other:
        assert other.stdout
        assert other.stdout.readline() == "ready\n"
        end = ended(owner, "ai/access/open", **request)
    assert end.status == "failed"
    assert refusing_authority.WORDS in str(end.error and end.error.text), end
    assert entry(owner)["state"] == "closed"
    assert environment(engine, "ai-shop")["ADDRESS"] == "http://localhost"
    assert engine.containers.get("ai-gateway").status == "exited"


def is_reached_from_the_internet(
    owner: Owner, engine: docker.DockerClient, device: SecondHost, root: Path
) -> None:
    """See that a client that trusts the authority gets the module's answer, and no set-up path."""
    done(owner, "ai/access/open", module="shop", way="internet", domain=DOMAIN)
    one = entry(owner)
    assert (one["state"], one["way"], one["url"]) == ("open", "internet", f"https://{DOMAIN}"), one
    assert {link["kind"]: link["ok"] for link in one["links"]} == dict.fromkeys(
        ("name", "certificate", "module", "ports"), True
    )
    assert environment(engine, "ai-shop")["ADDRESS"] == f"https://{DOMAIN}/"
    trusting = ("--cacert", str(root), *at(device))
    assert device.curl(*trusting, f"{one['url']}/") == "the shop\n 200"
    assert device.curl(*trusting, f"http://{DOMAIN}/")[-3:] == "308"
    for path in SPELLINGS:
        answer = device.curl(*trusting, "--path-as-is", f"{one['url']}{path}")
        assert answer[-3:] in ("403", "404", "400"), (path, answer)


def is_renewed(owner: Owner, engine: docker.DockerClient, device: SecondHost) -> None:
    """See that the gateway gets another certificate with our configuration, in which the test only
    changes when: at once, instead of after two thirds of its time."""
    print_ = ["-k", *at(device), f"https://{DOMAIN}/", "-o", "/dev/null", "-w", "%{certs}"]
    first = device.run("curl", "-sS", *print_).stdout
    made = json.loads(said(engine, "ai-gateway", "cat", CONFIGURATION))
    made["apps"]["tls"]["automation"]["policies"][0]["renewal_window_ratio"] = 0.9995
    load = f"cat > /run/caddy/now.json <<'EOF'\n{json.dumps(made)}\nEOF\n"
    load += f"caddy reload --config /run/caddy/now.json --address {ADMIN}"
    said(engine, "ai-gateway", "sh", "-c", load)
    eventually(lambda: device.run("curl", "-sS", *print_).stdout != first, "another one")
    asked(owner, "ai/access/check", modules=["shop"])
    assert entry(owner)["state"] == "open", entry(owner)


def is_proven_with_the_key_of_its_lock(owner: Owner, device: SecondHost) -> None:
    """See that the gateway itself has the key when it asks for the address, and nobody else."""
    asked(owner, "ai/access/lock", module="shop", state="on")
    checked = asked(owner, "ai/access/check", modules=["shop"])["modules"]
    shop = next(one for one in checked if one["name"] == "shop")
    assert [one for one in shop["links"] if not one["ok"]] == []
    assert device.curl("-k", *at(device), f"https://{DOMAIN}/")[-3:] == "403"
    asked(owner, "ai/access/lock", module="shop", state="off")


def another_needs_the_lock_because_nobody_checked_it(owner: Owner, device: SecondHost) -> None:
    """See that a module whose file says nothing opens only with the lock and a yes, to the network
    while the other one is open to the internet."""
    asked(owner, "ai/operation/start", kind="up", modules=["plain"], untilEnd=True)
    request = {"module": "plain", "address": device.ours, "lock": True}
    refused = owner.api.invoke("ai/access/open", request, PEER)
    assert (refused["code"], "Nobody has checked" in refused["message"]) == ("E_ADDRESS", True)
    done(owner, "ai/access/open", **request, unchecked=True)
    found = {one["name"]: one for one in asked(owner, "ai/access/list")["modules"]}
    plain = found["plain"]
    assert (plain["checked"], plain["locked"]) == (False, True)
    assert all(link["ok"] for link in plain["links"][1:]), plain  # a busy machine loses names
    assert (found["shop"]["state"], found["shop"]["way"]) == ("open", "internet")
    link = asked(owner, "ai/access/link", module="plain")["ipUrl"]
    assert device.curl("-k", f"{plain['ipUrl']}/")[-3:] == "403"
    assert device.curl("-k", "-L", "-c", "-", link).startswith("plain\n")
    assert device.curl("-k", *at(device), f"https://{DOMAIN}/") == "the shop\n 200"
    unlocked = owner.api.invoke("ai/access/lock", {"module": "plain", "state": "off"}, PEER)
    assert unlocked["code"] == "E_ADDRESS"
    asked(owner, "ai/access/close", module="plain")
