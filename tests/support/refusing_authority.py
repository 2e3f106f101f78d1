"""An ACME authority that finds no domain reachable: ``python refusing_authority.py PEM PORT``.

A fake, because Caddy's own ``acme_server`` leaves a domain that it can't reach pending for ever,
unlike public authorities. It checks nothing, and answers as RFC 8555 says for a failed challenge.
"""

import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from uuid import uuid4

WORDS = "192.0.2.7: Timeout during connect (likely firewall problem)"
PROBLEM = {"type": "urn:ietf:params:acme:error:connection", "detail": WORDS, "status": 400}


class Authority(BaseHTTPRequestHandler):
    """Answers all requests of one order."""

    protocol_version = "HTTP/1.1"
    tried: ClassVar[set[str]] = set()
    """Challenges that were asked for."""

    def do_GET(self) -> None:
        base = f"https://{self.headers['Host']}"
        names = ("newNonce", "newAccount", "newOrder", "revokeCert", "keyChange")
        self._send(200, {name: f"{base}/{name}" for name in names})

    def do_HEAD(self) -> None:
        self._send(200, {})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        base, domain = f"https://{self.headers['Host']}", "shop.lab.test"
        identifier = {"type": "dns", "value": domain}
        state = "invalid" if self.tried else "pending"
        challenge: dict[str, Any] = {
            "type": "tls-alpn-01",
            "url": f"{base}/challenge",
            "token": "t" * 43,
        }
        challenge |= {"status": state, **({"error": PROBLEM} if self.tried else {})}
        found = {"status": state, "identifier": identifier, "challenges": [challenge]}
        order: dict[str, Any] = {"status": "pending", "identifiers": [identifier]}
        order |= {"authorizations": [f"{base}/authorization"], "finalize": f"{base}/finalize"}
        answers: dict[str, tuple[int, Any]] = {
            "/newAccount": (201, {"status": "valid"}),
            "/newOrder": (201, order),
            "/authorization": (200, found),
            "/challenge": (200, {**challenge, "status": "processing"}),
        }
        if self.path == "/challenge":
            self.tried.add(domain)
        self._send(*answers[self.path])

    def _send(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Replay-Nonce", uuid4().hex)
        self.send_header("Location", f"https://{self.headers['Host']}/made{self.path}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("", int(sys.argv[2])), Authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()
