"""Servers with OpenAI's interface, such as Ollama: finding them, and reading what they say.

Whatever answers on a port may be anything. So each request has an end, each answer a limit, and
what can't be read is a state of the server, not an error.

Ports and paths are those of the programs' documentation: docs.ollama.com, lmstudio.ai/docs,
lemonade-server.ai/docs, jan.ai/docs, github.com/ggml-org/llama.cpp (tools/server),
docs.docker.com/ai/model-runner, docs.gpt4all.io.
"""

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from socket import SHUT_RDWR
from threading import Timer
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from aiserver_tray.base.i18n import Text

ServerState = Literal["on", "off", "key", "busy", "other"]
"""on: it has answered with models; off: nothing listens there; key: it wants an API key, or another
one; busy: it does not answer in time, or loads a model; other: what answers is no such server."""
ModelKind = Literal["chat", "embedding", "rerank"]

ANSWER_SECONDS: Final = 4.0
"""Seconds in which a server must have answered completely."""
_MAX_BYTES: Final = 1 << 21
_MAX_MODELS: Final = 200
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_NAME: Final = re.compile(r"[^\s,\x00-\x1f\x7f]{1,200}")
"""A name that OneAPI can have in a list with commas."""
_KINDS: Final[Mapping[ModelKind, str]] = {
    "rerank": "rerank|colbert",
    "embedding": r"embed|bge-|m3e|gte-|minilm|mpnet|\be5-",
}


OWN: Final = "local-models"
"""The module with models of our own, and the server that it is."""
HERE_ONLY: Final = Text(
    "Models and their servers can be added and removed only on this computer itself, at its "
    "address 127.0.0.1 or ::1."
)


@dataclass(frozen=True)
class Model:
    """A model of a server."""

    name: str
    kind: ModelKind
    """as its name tells; servers do not say"""
    bytes: int | None = None
    """its size, if the server tells it"""
    context: int | None = None
    """tokens that it can take into account, if the server tells it"""


@dataclass(frozen=True)
class Server:
    """Where a server is. ``address`` ends with ``/v1``, the beginning of OpenAI's paths."""

    name: str
    title: str
    address: str
    hint: Text | None = None
    """How its user turns it on."""
    details: str = ""
    """The path of its own list of models, which tells more."""

    @property
    def host(self) -> str:
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.address)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_here(self) -> bool:
        """Whether it is on this computer, and may be only for programs of it."""
        return self.host in LOOPBACK

    @property
    def base(self) -> str:
        """Its address without ``/v1``."""
        return self.address.removesuffix("/v1")


def _here(name: str, title: str, place: str, hint: Text, details: str = "") -> Server:
    """A server of this computer at *place*, a port with a path."""
    return Server(name, title, f"http://127.0.0.1:{place}", hint, details)


_LEMONADE: Final = Text("Start Lemonade, or run: lemonade-server serve")
_MODEL_RUNNER: Final = Text("In Docker Desktop: Settings, AI, then Enable host-side TCP support")
_GPT4ALL: Final = Text("In GPT4All: Settings, Application, then Enable Local API Server")
_LM_STUDIO: Final = Text("In LM Studio: Developer, then Start server")
_JAN: Final = Text("In Jan: Settings, Local API Server, then Start Server")
KNOWN: Final = (
    _here("ollama", "Ollama", "11434/v1", Text("Start Ollama, or run: ollama serve"), "/api/tags"),
    _here("lm-studio", "LM Studio", "1234/v1", _LM_STUDIO, "/api/v0/models"),
    _here("lemonade", "Lemonade", "13305/api/v1", _LEMONADE),
    _here("lemonade-8000", "Lemonade", "8000/api/v1", _LEMONADE),
    _here("jan", "Jan", "1337/v1", _JAN),
    _here("llama-cpp", "llama.cpp", "8080/v1", Text("Run: llama-server -m MODEL.gguf --port 8080")),
    _here("model-runner", "Docker Model Runner", "12434/engines/v1", _MODEL_RUNNER),
    _here("gpt4all", "GPT4All", "4891/v1", _GPT4ALL),
)


def typed_server(address: str) -> Server:
    """The server at an *address* that a person has typed, with or without ``/v1``.

    Raises:
        ValueError: that is no address.
    """
    text = address.strip()
    parts = urlsplit(text if "://" in text else f"http://{text}")
    is_plain = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    if not is_plain or parts.query or parts.fragment or re.search(r"[\s\x00-\x1f]", text):
        raise ValueError(address)
    path = f"{parts.path.rstrip('/').removesuffix('/v1')}/v1"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = f":{parts.port}" if parts.port else ""  # also raises ValueError
    server = Server("", "", f"{parts.scheme}://{host}{port}{path}")
    for known in KNOWN:
        if server.is_here and (known.port, known.host) == (server.port, "127.0.0.1"):
            return known
    title = f"{parts.hostname}:{server.port}"
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:50]
    if not re.fullmatch(r"http://[a-z0-9.]+(:\d+)?/v1", server.address):
        # Another address may read alike, and a name stands for a stored API key.
        name += f"-{sha256(server.address.encode()).hexdigest()[:6]}"
    return replace(server, name=name, title=title)


# -- what a server says ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What a server said when it was asked for its models."""

    state: ServerState
    models: tuple[Model, ...] = ()


def read_models(body: bytes) -> tuple[Model, ...]:
    """The models in an answer to ``/v1/models``, or to the list that the server has of its own.
    Entries that are none are left out.

    Raises:
        ValueError: it is no such answer.
    """
    try:
        found = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    entries = (found.get("data") or found.get("models")) if isinstance(found, dict) else None
    if not isinstance(entries, list):
        if isinstance(found, dict) and found.get("object") == "list":
            return ()  # Ollama without a model has null there
        raise ValueError("no list of models")
    models = {model.name: model for entry in entries if (model := _model(entry))}
    return tuple(models.values())[:_MAX_MODELS]


def _model(entry: object) -> Model | None:
    if not isinstance(entry, dict):
        return None
    name = entry.get("id") or entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not name.isprintable():
        return None
    meta = entry.get("meta")
    facts = {**entry, **(meta if isinstance(meta, dict) else {})}
    contexts = ("n_ctx", "loaded_context_length", "max_model_len", "max_context_length")
    context = next(filter(None, (_count(facts.get(one)) for one in contexts)), None)
    return Model(name, kind_of(name), _count(facts.get("size")), context)


def _count(value: object) -> int | None:
    """A number of bytes or tokens; None: it is none."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value < 1 << 50 else None  # type: ignore[operator, return-value]


def kind_of(name: str) -> ModelKind:
    """What the model *name* is for, as its name tells."""
    for kind, pattern in _KINDS.items():
        if re.search(pattern, name, re.IGNORECASE):
            return kind
    return "chat"


def ask_models(server: Server, key: str = "") -> Answer:
    """Ask *server* for its models, with the API *key*. Takes `ANSWER_SECONDS` at most."""
    try:
        status, body = fetch(server, "/models", key)
    except ConnectionError:
        return Answer("off")
    except OSError as error:
        return Answer("busy" if isinstance(error, TimeoutError) else "off")
    except (HTTPException, ValueError):
        return Answer("other")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Answer("key")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Answer("busy")
    try:
        models = read_models(body) if status == HTTPStatus.OK else None
    except ValueError:
        models = None
    return Answer("other") if models is None else Answer("on", _detailed(server, key, models))


def _detailed(server: Server, key: str, models: tuple[Model, ...]) -> tuple[Model, ...]:
    """*models* with what the list of the server's own tells besides."""
    if not server.details or not models:
        return models
    details: dict[str, Model] = {}
    with suppress(OSError, HTTPException, ValueError):
        own = replace(server, address=f"{server.base}{server.details}")
        details = {model.name: model for model in read_models(fetch(own, "", key)[1])}
    return tuple(
        replace(m, bytes=m.bytes or d.bytes, context=m.context or d.context)
        if (d := details.get(m.name))
        else m
        for m in models
    )


def ask_all(servers: Mapping[str, tuple[Server, str]]) -> dict[str, Answer]:
    """Ask *servers* for their models with their keys, all at once."""
    with ThreadPoolExecutor(len(servers), "model-server") as pool:
        found = pool.map(lambda one: ask_models(*one), servers.values())
        return dict(zip(servers, found, strict=True))


# -- requests --------------------------------------------------------------------------------------


def fetch(
    server: Server, path: str, key: str = "", body: object = None, seconds: float | None = None
) -> tuple[int, bytes]:
    """Status and content of an answer, which may take *seconds* at most: `ANSWER_SECONDS` if none
    are given.

    Raises:
        OSError, HTTPException: there is none.
        ValueError: it is too long.
    """
    with exchange(server, path, key, body, seconds or ANSWER_SECONDS) as response:
        content = response.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ValueError("too long")
        return response.status, content


@contextmanager
def exchange(
    server: Server, path: str, key: str, body: object, seconds: float
) -> Iterator[HTTPResponse]:
    """The answer of *server* to a request, which ends after *seconds*. Raises as `fetch` does."""
    parts, late = urlsplit(server.address), False
    connection = _connection(server, seconds)

    def end() -> None:
        nonlocal late
        late = True
        with suppress(OSError):
            connection.sock.shutdown(SHUT_RDWR)

    # The time-out of a socket begins again with each byte.
    timer = Timer(seconds, end)
    timer.daemon = True
    headers = {"Content-Type": "application/json", "Connection": "close"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    content = None if body is None else json.dumps(body)
    try:
        connection.connect()
        timer.start()
        method = "GET" if content is None else "POST"
        connection.request(method, f"{parts.path}{path}", content, headers)
        yield connection.getresponse()
        if late:  # a cut answer has no error of its own
            raise TimeoutError
    except (OSError, HTTPException, ValueError):
        if late:
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        connection.close()


def _connection(server: Server, seconds: float) -> Any:  # noqa: ANN401 - HTTPS only where needed
    if urlsplit(server.address).scheme == "https":
        from http.client import HTTPSConnection  # noqa: PLC0415 - TLS takes a while to import

        return HTTPSConnection(server.host, server.port, timeout=seconds)
    return HTTPConnection(server.host, server.port, timeout=seconds)
