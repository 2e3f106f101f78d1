"""A request over TLS in a container, to a server there with a certificate that only tests know."""

from pathlib import Path

import docker

from tests.support.observed import said

_NODE = """
const [cert, key] = process.argv.slice(1);
const server = require("https").createServer({cert, key}, (_, answer) => answer.end("trusted"));
server.listen(0, () => {
  const address = `https://localhost:${server.address().port}`;
  fetch(address).then((answer) => answer.text(), (error) => error.cause.code).then((text) => {
    console.log(text);
    process.exit();
  });
});
"""
_PYTHON = r"""
import http.server, os, ssl, sys, threading, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\ntrusted")
    def log_message(self, *_):
        pass
own = os.memfd_create("own")
os.write(own, "".join(sys.argv[1:]).encode())
server = http.server.HTTPServer(("localhost", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"/proc/self/fd/{own}")
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
try:
    print(urllib.request.urlopen(f"https://localhost:{server.server_port}").read().decode())
except OSError as error:
    print(error.reason.reason)
"""
TRUSTED = "trusted"
REFUSED = {"UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERTIFICATE_VERIFY_FAILED"}


def answers(engine: docker.DockerClient, folder: Path) -> set[str]:
    """What n8n's container (Node.js) and OneAPI's (Python) get from a server with the certificate
    in *folder*, which is for ``localhost``."""
    own = [(folder / name).read_text("utf-8") for name in ("cert.pem", "key.pem")]
    return {
        said(engine, "ai-n8n", "node", "-e", _NODE, "--", *own),
        said(engine, "ai-oneapi-one-api", "python3", "-c", _PYTHON, *own),
    }
