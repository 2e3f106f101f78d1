"""The gateway's configuration from what is open."""

import json
from typing import Any

from aiserver_tray.features.access.config import (
    ADMIN,
    INTERNET,
    PORTS,
    TUNNEL,
    Certificates,
    Site,
    Surroundings,
    encoded,
    free_port,
    gateway_config,
    guide,
)

HERE = Surroundings("192.168.1.20", ("10.8.0.0/24",))
CERTIFICATES = Certificates("ROOT", "LEAF", "KEY", "AI-Server Tray on <kitchen>", "4F:A1")
N8N = Site(("n8n-kitchen.local", "192.168.1.20"), 8441, "n8n:5678", ("/rest/owner/setup*",))
ABORT = [{"handler": "static_response", "abort": True}]
PLAIN = Site(("web-kitchen.local", "192.168.1.20"), 8443, "web:80", secure_cookies=False)


def config(*sites: Site) -> Any:  # noqa: ANN401 - JSON
    made = gateway_config(sites, CERTIFICATES if sites else None, HERE)
    return json.loads(encoded(made))


def test_only_sites_are_open_and_nothing_locks_people_out() -> None:
    made = config()
    assert made["admin"] == {"listen": ADMIN, "config": {"persist": False}}
    assert made["apps"]["http"]["servers"].keys() == {"ready"}
    assert "tls" not in made["apps"]
    text = encoded(config(N8N, PLAIN)).decode()
    assert "flush_interval" not in text
    assert "Strict-Transport-Security" not in text
    servers = config(N8N, PLAIN)["apps"]["http"]["servers"]
    assert all(one["automatic_https"] == {"disable": True} for one in servers.values())
    (forward,) = servers["port-8443"]["routes"][-2]["handle"][0]["routes"]
    assert "response" not in forward["handle"][0]["headers"]


def test_a_site_answers_only_near_devices_and_in_cookies_that_stay_on_https() -> None:
    """What it refuses and forwards is tested with a real gateway."""
    server = config(N8N)["apps"]["http"]["servers"]["port-8441"]
    assert server["tls_connection_policies"] == [{"default_sni": "192.168.1.20"}]
    far, other_network, site, other = server["routes"]
    near = far["match"][0]["not"][0]["remote_ip"]["ranges"]
    assert "192.168.0.0/16" in near
    assert "0.0.0.0/0" not in near
    assert other_network["match"] == [{"remote_ip": {"ranges": ["10.8.0.0/24"]}}]
    assert far["handle"] == other_network["handle"] == other["handle"] == ABORT
    proxy = site["handle"][0]["routes"][-1]["handle"][0]
    assert proxy["headers"]["response"]["replace"]["Set-Cookie"][0]["replace"] == "$1; Secure"


def test_the_internet_has_a_port_of_its_own_and_certificates_of_an_authority() -> None:
    public = Site(("n8n.example.com",), INTERNET, "n8n:5678", ("/rest/owner/setup*",))
    domains = {"n8n.example.com": "https://acme.example/directory", "new.example.com": "https://c/"}
    apps = json.loads(encoded(gateway_config([public, PLAIN], CERTIFICATES, HERE, domains)))["apps"]
    site, other = apps["http"]["servers"]["internet"]["routes"]
    assert site["match"] == [{"host": ["n8n.example.com"]}], "clients of any address"
    assert other["handle"] == ABORT
    assert apps["http"]["https_port"] == 8449, "where the authority's question is answered"
    assert apps["tls"]["certificates"]["automate"] == [*domains]
    issuers = [one["issuers"][0] for one in apps["tls"]["automation"]["policies"]]
    assert [one["ca"] for one in issuers] == [*domains.values()]
    assert all(one["challenges"] == {"http": {"disabled": True}} for one in issuers)


def test_a_tunnel_has_a_port_of_its_own_and_finds_out_where_it_leads() -> None:
    servers = config(Site(("n8n.example.com",), TUNNEL, "n8n:5678"))["apps"]["http"]["servers"]
    assert servers.keys() == {"ready", "tunnel"}
    assert "tls_connection_policies" not in servers["tunnel"]
    proxy = servers["tunnel"]["routes"][0]["handle"][0]["routes"][-1]["handle"][0]
    assert proxy["headers"]["request"]["set"] == {"X-Forwarded-Proto": ["https"]}
    site = Site(("n8n.example.com",), TUNNEL, "n8n:5678")
    made = gateway_config([site], None, HERE, nonce="abcd")
    known, *_ = made["apps"]["http"]["servers"]["tunnel"]["routes"]
    assert known["match"] == [
        {"host": ["n8n.example.com"], "path": ["/.well-known/aiserver-tray/ab"]}
    ]
    assert known["handle"][0]["body"] == "cd"


def test_the_page_about_the_certificate() -> None:
    server = config(N8N)["apps"]["http"]["servers"]["http"]
    far, other_network, file, chinese, english, rest = server["routes"]
    assert "remote_ip" in far["match"][0]["not"][0]
    assert far["handle"] == other_network["handle"] == ABORT
    assert file["handle"][0]["body"] == "ROOT"
    assert file["handle"][0]["headers"]["Content-Type"] == ["application/x-x509-ca-cert"]
    assert "Accept-Language" in json.dumps(chinese["match"])
    page = english["handle"][0]["body"]
    for part in (
        "4F:<wbr>A1",
        "AI&#8209;Server Tray on &lt;kitchen&gt;",
        "iPhone, iPad",
        "Android",
        "Mac",
    ):
        assert part in page
        assert part in chinese["handle"][0]["body"]
    assert "证书" in chinese["handle"][0]["body"]
    assert rest["handle"][0]["status_code"] == 404
    name = "{file./config/caddy/gateway.json}"
    shown = guide(Certificates("ROOT", "LEAF", "KEY", name, "4F:A1"), "en")
    assert name not in shown
    assert "&#123;file./config/caddy/gateway.json&#125;" in shown


def test_the_first_free_port_is_taken() -> None:
    assert free_port([]) == 8441
    assert free_port([8441, 8443]) == 8442
    assert free_port(PORTS) is None
