"""The gateway's configuration: Caddy's JSON from what is open. Pure.

JSON needs no quoting rules. Caddy 2.6 and 2.11 read the same. Several values here avoid faults that
were seen: without ``admin``, Caddy moves it to a TCP port that other containers reach; without
``default_sni``, no client reaches an IP address, because it sends no name; without the last route,
unknown hosts get an empty 200; with ``flush_interval``, a reload during a stream ends Caddy 2.6.
"""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.features.access.network import PRIVATE

HTTP: Final = 8080
"""Port in the container of the page about the certificate."""
PORTS: Final = range(8441, 8449)
"""Ports in the container for modules."""
INTERNET: Final = 8449
"""Port in the container for all modules that are open to the internet."""
REDIRECT: Final = 8450
"""Port in the container that leads from HTTP to HTTPS there."""
TUNNEL: Final = 8451
"""Port in the container for tunnels, on ``ai-net`` only. They bring HTTPS."""
ADMIN: Final = "unix//run/caddy/admin.sock"
_NEAR: Final = ("127.0.0.0/8", "::1/128", *PRIVATE)
"""Clients that are not on the internet. The ports are published on all addresses of the computer,
also a public one. Not every engine keeps a client's address: some show that of their own network,
which is private."""
LOCK_COOKIE: Final = "aiserver-key-"
"""How the cookie of an extra lock begins. The name of the module follows, because cookies ignore
ports, and modules may have the same IP address."""
_YEAR_SECONDS: Final = 365 * 24 * 3600
_ABORT: Final = {"handler": "static_response", "abort": True}
_NOBODY: Final = {"handle": [_ABORT]}
"""Ends requests for other hosts."""
_OWN: Final = {"disable": True}
"""Caddy makes no certificates, and no redirects, by itself."""


@dataclass(frozen=True, repr=False)
class Lock:
    """Only those get into *module* who have opened a link with *key*. Paths in *open* need none."""

    module: str
    key: str
    open: tuple[str, ...] = ()

    @property
    def cookie(self) -> str:
        """As clients send it."""
        return f"{LOCK_COOKIE}{self.module}={self.key}"


@dataclass(frozen=True)
class Site:
    """A module that is open."""

    names: tuple[str, ...]
    """The hosts under which it is reached: a name and IP addresses."""
    port: int
    """Of `PORTS`, or INTERNET or TUNNEL."""
    upstream: str
    """Host and port on ``ai-net``."""
    closed: tuple[str, ...] = ()
    """Paths that are never forwarded."""
    secure_cookies: bool = True
    lock: Lock | None = None


@dataclass(frozen=True)
class Certificates:
    """What the gateway shows: its certificate with its key, and the authority's certificate."""

    authority: str
    certificate: str
    key: str
    name: str
    fingerprint: str


@dataclass(frozen=True)
class Surroundings:
    """The network that modules are open to."""

    address: str
    """Of this computer, for clients that send no name."""
    refused: tuple[str, ...] = ()
    """Ranges of other networks, whose clients get no answer there."""


def gateway_config(
    sites: Sequence[Site],
    certificates: Certificates | None,
    network: Surroundings,
    domains: Mapping[str, str] | None = None,
    nonce: str = "",
) -> dict[str, Any]:
    """The configuration for *sites* in *network*. *domains*: those on the internet, each with the
    ACME directory that certifies it. *nonce*: by what the gateway is known through a tunnel."""
    guard = [_route({"not": [_from(_NEAR)]}, _ABORT)]
    guard += [_route(_from(network.refused), _ABORT)] if network.refused else []
    servers: dict[str, Any] = {"ready": _server(["127.0.0.1:2020"], [{"handle": [_status(200)]}])}
    tls: dict[str, Any] = {}
    near = [site for site in sites if site.port in PORTS]
    if certificates and near:
        servers["http"] = _server([f":{HTTP}"], [*guard, *_guide_routes(certificates)])
        for site in near:
            routes = [*guard, _forward(site)]
            servers[f"port-{site.port}"] = _secure_server(site.port, routes, network.address)
        pair = {"certificate": certificates.certificate, "key": certificates.key}
        tls["certificates"] = {"load_pem": [pair]}
    if domains:
        routes = [_forward(site) for site in sites if site.port == INTERNET]
        servers["internet"] = _secure_server(INTERNET, routes, "")
        servers["redirect"] = _server([f":{REDIRECT}"], [_redirect([*domains]), _NOBODY])
        tls.setdefault("certificates", {})["automate"] = [*domains]
        tls["automation"] = {"policies": [_policy(*one) for one in domains.items()]}
    if tunnelled := [site for site in sites if site.port == TUNNEL]:
        routes = [_known(site, nonce) for site in tunnelled if nonce]
        routes += map(_forward, tunnelled)
        servers["tunnel"] = _server([f":{TUNNEL}"], [*routes, _NOBODY])
    ports = {"http_port": REDIRECT, "https_port": INTERNET}
    return {
        "admin": {"listen": ADMIN, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {
            "http": {"servers": servers, "grace_period": "1s", **ports},
            **({"tls": tls} if tls else {}),
        },
    }


def nonce_of(nonce: str) -> tuple[str, str]:
    """The path at which the gateway is known through a tunnel, and its answer there. The path does
    not say the answer."""
    half = len(nonce) // 2
    return f"/.well-known/aiserver-tray/{nonce[:half]}", nonce[half:]


def _known(site: Site, nonce: str) -> dict[str, Any]:
    path, answer = nonce_of(nonce)
    return _route({"host": [*site.names], "path": [path]}, _content(answer, "text/plain"))


def _policy(domain: str, directory: str) -> dict[str, Any]:
    """How *domain* gets its certificate. The authority connects to port 443, as browsers do, so its
    yes is also the proof that they get here. With port 80, it would prove less."""
    challenges = {"http": {"disabled": True}}
    issuer = {"module": "acme", "ca": directory, "challenges": challenges}
    return {"subjects": [domain], "issuers": [issuer]}


def _redirect(domains: list[str]) -> dict[str, Any]:
    there = {"Location": ["https://{http.request.host}{http.request.uri}"]}
    return _route({"host": domains}, {**_status(308), "headers": there})


def encoded(config: Mapping[str, Any]) -> bytes:
    """*config* as Caddy reads it."""
    return json.dumps(config).encode()


def _server(listen: list[str], routes: list[Any]) -> dict[str, Any]:
    return {"listen": listen, "automatic_https": _OWN, "routes": routes}


def _forward(site: Site) -> dict[str, Any]:
    routes = {"handler": "subroute", "routes": _routes(site)}
    return _route({"host": [*site.names]}, routes)


def _from(ranges: Sequence[str]) -> dict[str, Any]:
    return {"remote_ip": {"ranges": [*ranges]}}


def _secure_server(port: int, routes: list[Any], sni: str) -> dict[str, Any]:
    return {
        **_server([f":{port}"], [*routes, _NOBODY]),
        "protocols": ["h1", "h2"],
        # A request without TLS is sent on to HTTPS.
        "listener_wrappers": [{"wrapper": "http_redirect"}, {"wrapper": "tls"}],
        "tls_connection_policies": [{"default_sni": sni} if sni else {}],
    }


def _routes(site: Site) -> list[Any]:
    proxy: dict[str, Any] = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": site.upstream}],
    }
    headers: dict[str, Any] = {}
    if site.secure_cookies:
        marked = [{"search_regexp": "^(.*)$", "replace": "$1; Secure"}]
        headers["response"] = {"replace": {"Set-Cookie": marked}}
    # The module does not see the keys of locks.
    first, other = f"^({LOCK_COOKIE}[^;]*(; ?|$))+", f"; ?{LOCK_COOKIE}[^;]*"
    hidden = [{"search_regexp": one, "replace": ""} for one in (first, other)]
    headers["request"] = {"replace": {"Cookie": hidden}}
    if site.port == TUNNEL:
        headers["request"]["set"] = {"X-Forwarded-Proto": ["https"]}
    proxy["headers"] = headers
    refuse = _route({"path": [*site.closed]}, _status(403))
    locked = _lock_routes(site.lock) if site.lock else []
    return [*([refuse] if site.closed else []), *locked, {"handle": [proxy]}]


def _lock_routes(lock: Lock) -> list[Any]:
    """The link with the key sets a cookie for a year. Without that, only open paths are forwarded.

    HTTP authentication would not do: WebKit's WebSockets can't send it (bug 80362), and modules use
    its header.
    """
    kept = f"; Path=/; Max-Age={_YEAR_SECONDS}; Secure; HttpOnly; SameSite=Lax"
    headers = {"Location": ["/"], "Set-Cookie": [lock.cookie + kept]}
    headers |= {"Referrer-Policy": ["no-referrer"], "Cache-Control": ["no-store"]}
    enter = {**_status(303), "headers": headers}
    has_it = {"header_regexp": {"Cookie": {"pattern": f"(^|; ?){lock.cookie}(;|$)"}}}
    is_open = [{"path": [*lock.open]}] if lock.open else []
    refused = {**_content(_LOCKED, "text/plain; charset=utf-8"), **_status(403)}
    return [
        _route({"path": ["/"], "query": {"key": [lock.key]}}, enter),
        _route({"not": [has_it, *is_open]}, refused),
    ]


def _route(match: Mapping[str, Any], handler: Mapping[str, Any]) -> dict[str, Any]:
    return {"match": [match], "terminal": True, "handle": [handler]}


def _status(code: int) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": code}


# -- the page about the certificate ----------------------------------------------------------------


def _guide_routes(certificates: Certificates) -> list[Any]:
    plain = "text/html; charset=utf-8"
    file = _content(certificates.authority, "application/x-x509-ca-cert")
    file["headers"]["Content-Disposition"] = ['attachment; filename="aiserver-tray.crt"']
    chinese = {"header_regexp": {"Accept-Language": {"pattern": "^zh"}}, "path": ["/"]}
    in_chinese, in_english = (_content(guide(certificates, one), plain) for one in ("zh", "en"))
    return [
        _route({"path": ["/ca.crt"]}, file),
        _route(chinese, in_chinese),
        _route({"path": ["/"]}, in_english),
        {"handle": [_status(404)]},
    ]


_LOCKED: Final = "\n".join(
    Text("Open the link from the QR code first. The owner of this address has it.").render(one)
    for one in get_args(Language)
)


def _content(body: str, kind: str) -> dict[str, Any]:
    headers = {"Content-Type": [kind], "Cache-Control": ["no-store"]}
    return {**_status(200), "headers": headers, "body": body}


STEPS: Final[Mapping[str, tuple[Text, ...]]] = {
    "iPhone, iPad": (
        Text("Open the file and choose Allow."),
        Text("Open Settings, then Profile Downloaded, and install it."),
        Text("Go to General › About › Certificate Trust Settings, and switch on {name}."),
    ),
    "Android": (
        Text("Download the file."),
        Text("Open Settings, search for “CA certificate”, and choose Install anyway."),
        Text("Choose the file. Firefox and some apps don't use it."),
    ),
    "Windows": (
        Text("Download and open the file, and choose Install Certificate."),
        Text("Choose Current User, then “Place all certificates in the following store”."),
        Text("Choose Trusted Root Certification Authorities, and confirm."),
    ),
    "Mac": (
        Text("Download and open the file. Keychain Access shows it."),
        Text("Open {name} there, and the section Trust."),
        Text("Choose Always Trust, and close the window."),
    ),
    "Linux": (
        Text("In Firefox and Chrome: open the settings of certificates, then Authorities."),
        Text("Choose Import and the file, and trust it for web sites."),
    ),
}
"""Device -> how it is made to trust the authority {name}."""

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto;
 padding: 1.5rem 1rem 3rem; color: #15171c; background: #f6f7fa }
h1 { font-size: 1.5rem; margin: 0 0 .5rem } h2 { font-size: 1.05rem; margin: 0 }
.file { display: inline-block; margin: 1rem 0; padding: .7rem 1.2rem; border-radius: 8px;
 background: #4f56d3; color: #fff; text-decoration: none; font-weight: 600 }
section { background: #fff; border: 1px solid #d9dce3; border-radius: 10px; padding: 1rem;
 margin: .8rem 0 }
ol { margin: .5rem 0 0; padding-left: 1.3rem } code { overflow-wrap: anywhere; font-size: .85rem }
@media (prefers-color-scheme: dark) { body { color: #eceef3; background: #14161b }
 section { background: #1c1f26; border-color: #333843 } }
"""
_TITLE: Final = Text("Let this device trust AI-Server Tray")
_ONCE: Final = Text(
    "Once for each phone or computer. Afterwards, it opens the modules without a warning."
)
_DOWNLOAD: Final = Text("Download the certificate")
_COMPARE: Final = Text("Compare: the device shows the name {name} and this SHA-256 fingerprint:")
_LIMIT: Final = Text(
    "It can only vouch for .local names and private addresses, never for other web sites."
)


def guide(certificates: Certificates, language: Language) -> str:
    """The page that explains how a device gets to trust the authority."""

    def say(text: Text) -> str:
        shown = html.escape(text.with_values({"name": certificates.name}).render(language))
        shown = shown.replace("{", "&#123;").replace("}", "&#125;")  # Caddy would replace that
        return shown.replace("AI-Server", "AI&#8209;Server")  # in one line

    def section(device: str, steps: Iterable[Text]) -> str:
        items = "".join(f"<li>{say(step)}</li>" for step in steps)
        return f"<section><h2>{device}</h2><ol>{items}</ol></section>"

    pairs = certificates.fingerprint.replace(":", ":<wbr>")
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>AI-Server Tray</title><style>{_STYLE}</style><h1>{say(_TITLE)}</h1>"
        f'<p>{say(_ONCE)}</p><a class="file" href="/ca.crt">{say(_DOWNLOAD)}</a>'
        f"<p>{say(_COMPARE)}<br><code>{pairs}</code></p><p>{say(_LIMIT)}</p>"
        f"{''.join(section(*one) for one in STEPS.items())}</html>"
    )


def free_port(taken: Iterable[int]) -> int | None:
    """The first port for modules that is not *taken*. None: there is none left."""
    return next(iter(sorted({*PORTS} - {*taken})), None)
