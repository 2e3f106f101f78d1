"""Addresses of modules as the owner answers them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.access.views import (
    AccessList,
    AccessPlan,
    CertificateView,
    CodeView,
    LinkView,
    ModuleAccessView,
    NetworkView,
)
from aiserver_tray.operations.preview import ServiceEffect
from aiserver_tray.protocol.message import Envelope, Json, answer

SINCE: Final = datetime.now(UTC) - timedelta(hours=3)
URL, IP_URL = "https://n8n-kitchen.local:18441", "https://192.168.1.20:18441"
CLOSED: Final = ModuleAccessView("n8n", {"en": "n8n"}, "closed", URL, IP_URL, None, "exists")
FINE: Final = (
    LinkView("name", ok=True, text=Text("n8n-kitchen.local is 192.168.1.20")),
    LinkView(
        "certificate",
        ok=True,
        text=Text("The certificate is valid for the name and the IP address"),
    ),
    LinkView("module", ok=True, text=Text("It answers at its address")),
    LinkView("ports", ok=True, text=Text("No other port of a module answers at this address")),
)
OPEN: Final = replace(CLOSED, state="open", since=SINCE, links=FINE, checked_at=SINCE)
PUBLIC_URL: Final = "https://n8n.example.com"
CHECKED: Final = (
    LinkView("name", ok=True, text=Text("n8n.example.com is 203.0.113.7")),
    LinkView(
        "router",
        ok=False,
        text=Text(
            "Your provider shares the address of your router (100.64.3.7) among customers. Nobody "
            "can reach you there. Use a tunnel, or ask for a public address"
        ),
    ),
    LinkView(
        "forward",
        ok=None,
        text=Text(
            "Port 443 must lead to 192.168.1.20, port 18449: forward it in the router. For "
            "http:// addresses, also port 80 to port 18450"
        ),
    ),
)
PUBLIC: Final = replace(
    OPEN,
    way="internet",
    locked=True,
    url=PUBLIC_URL,
    ip_url=PUBLIC_URL,
    links=(
        CHECKED[0],
        LinkView(
            "certificate",
            ok=True,
            text=Text("From Let's Encrypt until 2027-02-27, renewed by itself"),
        ),
        *FINE[2:],
    ),
)
NO_NAME: Final = LinkView(
    "name", ok=False, text=Text("n8n-kitchen.local is 192.168.1.7, another device")
)
GUIDE: Final = "http://192.168.1.20:18440/"
CERTIFICATE: Final = CertificateView(
    "AI-Server Tray on kitchen", ":".join(["4F"] * 32), SINCE, GUIDE, f"{GUIDE}ca.crt"
)
NETWORKS: Final = (
    NetworkView("192.168.1.20", "wlan0", chosen=True),
    NetworkView("10.0.0.4", "eth0", chosen=False),
)
PLAN: Final = AccessPlan(
    URL,
    "192.168.1.20",
    "exists",
    starts_gateway=True,
    recreated=(ServiceEffect("n8n", "recreate", is_job=False, seconds=17.0),),
    seconds=17.0,
)


FIREWALL: Final = "sudo ufw allow 18440:18450/tcp"
CODE: Final = CodeView(21, "M0 0h1v1h-1zM20 20h1v1h-1z")


def listed(one: ModuleAccessView, problem: Text | None = None) -> Envelope:
    """The answer of ``ai/access/list``."""
    found = AccessList((one,), NETWORKS, CERTIFICATE, problem, firewall=(FIREWALL,))
    return answer(to_json(found, "en", AccessList))


def answers(one: ModuleAccessView, plan: AccessPlan = PLAN) -> dict[str, Envelope]:
    """What an owner answers that knows *one*."""
    return {
        "ai/access/list": listed(one),
        "ai/access/plan": answer(to_json(plan, "en", AccessPlan)),
        "ai/access/open": answer({"operationId": "op-1"}),
        "ai/access/link": answer({"url": f"{PUBLIC_URL}/?key=k", "ipUrl": f"{PUBLIC_URL}/?key=k"}),
        "ai/access/lock": answer({}),
        "ai/access/close": answer({"operationId": "op-1"}),
        "ai/access/check": listed(one),
        "ai/access/code": answer(to_json(CODE, "en", CodeView)),
    }


def told(one: ModuleAccessView) -> Json:
    """What its event says of *one*."""
    since = (one.since or SINCE).isoformat()
    known = {"name": one.name, "state": one.state, "url": one.url, "page": one.url, "since": since}
    known["way"] = one.way
    return {"modules": [] if one.state == "closed" else [known]}
