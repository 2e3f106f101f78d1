"""One thread's requests to the engine."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack, cast
from urllib.parse import quote, urlencode

from urllib3 import HTTPConnectionPool, HTTPResponse, Timeout

from aiserver_tray import __version__
from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine import sockets
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.translate import refusal
from aiserver_tray.system.docker_files import docker_config

CONNECT_TIMEOUT_SECONDS = 10.0
"""Seconds until there is a connection."""
NEWEST: Final = "1.45"
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


class Client:
    """One thread's connections to the engine at *address*, never through a proxy of the
    environment.

    Raises:
        SettingError: Docker's own configuration on this machine is wrong.
        docker.errors.TLSParameterError: certificates are missing.
    """

    def __init__(self, address: Address, version: str) -> None:
        headers = docker_config(os.environ).http_headers
        self._version = version
        self._pool = _pool(address, version)
        self._common = {"User-Agent": f"aiserver-tray/{__version__}", **headers}

    def ask(self, method: str, path: str, *names: str, **payload: Unpack[Payload]) -> HTTPResponse:
        """A request to *path* with *names* filled in; its answer, whose body is not read yet.

        Raises:
            EngineRequestError and its subclasses, ResourcesError: the engine rejected the request.
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
        return f"/v{self._version}{filled}{query}"

    def connected(self) -> Any:  # noqa: ANN401 - a socket, or the SDK's pipe
        """Connect now, for the only request of this client. Returns the socket, through which
        another thread can end the request even before a response."""
        return sockets.connect(self._pool, CONNECT_TIMEOUT_SECONDS)

    def close(self) -> None:
        self._pool.close()


def _pool(address: Address, version: str) -> HTTPConnectionPool:
    if address.host.startswith("unix:"):
        return sockets.UnixPool(address.host)
    if address.is_bridged:
        return _bridged_pool(address.host)
    from aiserver_tray.engine.sdk import sdk_pool  # noqa: PLC0415 - slow, and not needed above

    return sdk_pool(address, version)


def _bridged_pool(host: str) -> HTTPConnectionPool:
    from aiserver_tray.engine.stdio import children, tunnel  # noqa: PLC0415 - few need a program

    found = tunnel(host)
    if found and found.works:
        return sockets.TunnelPool(found)
    return sockets.StdioPool(children(host))


def is_costly(address: Address) -> bool:
    """Whether each connection to the engine at *address* needs a program of its own.

    Raises:
        OSError: it can't be reached.
    """
    if not address.is_bridged:
        return False
    from aiserver_tray.engine.stdio import has_child_each  # noqa: PLC0415 - few need a program

    return has_child_each(address.host)


def renew(address: Address) -> None:
    """The connections to the engine at *address* may be dead."""
    if address.is_bridged:
        from aiserver_tray.engine import stdio  # noqa: PLC0415 - few need a program

        stdio.renew(address.host)


def drop(address: Address) -> None:
    """The engine at *address* is not used any more."""
    if address.is_bridged:
        from aiserver_tray.engine import stdio  # noqa: PLC0415 - few need a program

        stdio.drop(address.host)


def _explanation(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):  # no engine's answer
        return body.decode(errors="replace").strip()


def negotiate(address: Address) -> str:
    """The API version to use with this engine: its newest version, or ours if that is older.

    Raises:
        EngineDownError: the response is not from an engine, or the engine is not ready.
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
    return min(found, NEWEST, key=lambda version: [*map(int, version.split("."))])
