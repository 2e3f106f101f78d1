"""The SDK's client, with a short way for our requests."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack, cast
from urllib.parse import quote, urlencode

from docker.api.client import APIClient
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import InvalidConfigFile
from docker.transport import UnixHTTPAdapter
from docker.utils.utils import kwargs_from_env, version_lt
from requests import PreparedRequest
from urllib3 import HTTPConnectionPool, HTTPResponse, Timeout

from aiserver_tray import __version__
from aiserver_tray.base.errors import EngineDownError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine import sockets
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.translate import refusal
from aiserver_tray.system.docker_config import docker_config

CONNECT_TIMEOUT_SECONDS = 10.0
"""Seconds until there is a connection."""

NEWEST = DEFAULT_DOCKER_API_VERSION
"""The newest version of the API that we and the SDK speak; our bodies are written in it."""

READ_TIMEOUT_SECONDS = 60.0
"""Seconds for the answer to a question."""

CHANGE_TIMEOUT_SECONDS = 300.0
"""Seconds for the answer to a request that changes something: a busy disk takes its time."""


class Payload(TypedDict, total=False):
    """The parts of a request: its query; JSON that is sent unchanged, or other data (bytes or a
    file); headers; and the timeout in seconds between two bytes of the response (None: no
    timeout)."""

    params: Mapping[str, Any]
    body: object
    data: Any
    headers: Mapping[str, str]
    timeout: float | None


class Client(APIClient):  # type: ignore[misc]  # the SDK has no types
    """One thread's client. Engines are never asked through a proxy of the environment.

    Raises:
        SettingError: Docker's own configuration on this machine is wrong.
        docker.errors.TLSParameterError: certificates are missing.
    """

    def __init__(self, address: Address, version: str) -> None:
        tls = {}
        if address.host.startswith(("tcp:", "http:", "https:")):
            tls = kwargs_from_env({**address.environment, "DOCKER_HOST": address.host})
        headers = docker_config(os.environ).http_headers  # checks what the SDK reads without care
        try:
            super().__init__(**{**tls, "base_url": address.host}, version=version)
        except (InvalidConfigFile, ValueError, AttributeError, TypeError) as error:
            # docker-py also searches the home folder if DOCKER_CONFIG has no file.
            why = Text(
                "it can't be read ({why}). Fix it, or log in again with `docker login`", why=error
            )
            raise SettingError("Docker's config.json", why) from error
        self._pool = self._own_pool()
        self._common = {
            "User-Agent": f"aiserver-tray/{__version__}",
            **headers,
        }

    def _own_pool(self) -> HTTPConnectionPool:
        """The SDK's connections. By default, the SDK has a pool per URL and connects for almost
        every request, and requests' own overhead triples the cost of a request."""
        adapter = self.get_adapter(self.base_url)
        if isinstance(adapter, UnixHTTPAdapter):
            return sockets.UnixPool(self.base_url, adapter.socket_path)
        request = PreparedRequest()
        request.prepare_url(self.base_url, None)
        pool: HTTPConnectionPool = adapter.get_connection_with_tls_context(
            request, self.verify, cert=self.cert
        )
        adapter.cert_verify(pool, self.base_url, self.verify, self.cert)
        if self.base_url.startswith(("http:", "https:")):
            sockets.keep_alive(pool)
        return pool

    def ask(self, method: str, path: str, *names: str, **payload: Unpack[Payload]) -> HTTPResponse:
        """A request to *path* with *names* filled in; its answer, the body yet to be read.

        Raises:
            EngineRequestError and its subclasses, ResourcesError: it refused.
        """
        headers = {**self._common, **payload.get("headers", {})}
        data = payload.get("data")
        if "body" in payload:
            headers["Content-Type"] = "application/json"
            data = json.dumps(payload["body"]).encode()
        response = self._pool.urlopen(
            method,
            self._path(path, names, payload.get("params")),
            body=data,
            headers=headers,
            timeout=Timeout(
                connect=CONNECT_TIMEOUT_SECONDS, read=payload.get("timeout", CHANGE_TIMEOUT_SECONDS)
            ),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        if response.status >= 400:
            raise refusal(response.status, _explanation(response.data))
        return cast("HTTPResponse", response)

    def _path(self, path: str, names: Sequence[str], params: Mapping[str, Any] | None) -> str:
        filled = path.format(*(quote(name, safe="/:") for name in names))
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        return f"/v{self.api_version}{filled}{query}"

    def connected(self) -> Any:  # noqa: ANN401 - a socket, or the SDK's pipe
        """Connect now, for the only request of this client. Returns the socket, through which
        another thread can end the request even before a response."""
        return sockets.connect(self._pool, CONNECT_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close its connections."""
        self._pool.close()
        super().close()


def _explanation(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):  # no engine's answer
        return body.decode(errors="replace").strip()


def negotiate(address: Address) -> str:
    """The API version to use with this engine: its newest version, or ours if that is older.

    Raises:
        EngineDownError: what answers there is no engine, or one that is not ready.
    """
    client = Client(address, NEWEST)
    try:
        timeout = Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS)
        answer = client._pool.request("GET", "/_ping", timeout=timeout, retries=False)
        found = str(answer.headers.get("Api-Version", ""))
        if answer.status != 200:
            raise EngineDownError(address.host, _explanation(answer.data) or answer.status)
    finally:
        client.close()
    if not re.fullmatch(r"\d+\.\d+", found):
        raise EngineDownError(address.host, Text("the response is not from a Docker engine"))
    return found if version_lt(found, NEWEST) else str(NEWEST)
