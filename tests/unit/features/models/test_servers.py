"""Any answer of a model server is data, and an address is read as people type it."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from threading import Thread

import pytest

from aiserver_tray.features.models import servers
from aiserver_tray.features.models.servers import (
    KNOWN,
    Answer,
    Model,
    Server,
    ask_all,
    ask_models,
    read_models,
    typed_server,
)

META = {"n_ctx": 2048, "n_ctx_train": 8192, "size": 96576768}
LLAMA = {"object": "list", "data": [{"id": "smollm2", "owned_by": "llamacpp", "meta": META}]}
OLLAMA = {"models": [{"name": "qwen3:8b", "size": 5_225_388_164}]}
LM_STUDIO = {"data": [{"id": "bge-m3", "type": "embeddings", "max_context_length": 8192}]}


@pytest.mark.parametrize(
    ("answer", "models"),
    [
        (LLAMA, [Model("smollm2", "chat", 96576768, 2048)]),
        (OLLAMA, [Model("qwen3:8b", "chat", 5_225_388_164)]),
        (LM_STUDIO, [Model("bge-m3", "embedding", None, 8192)]),
        ({"object": "list", "data": None}, []),
        ({"data": [{"id": "bge-reranker-v2-m3", "max_model_len": 512}]},
         [Model("bge-reranker-v2-m3", "rerank", None, 512)]),
    ],
)  # fmt: skip
def test_models_are_read_from_what_each_program_says(answer: object, models: list[Model]) -> None:
    assert read_models(json.dumps(answer).encode()) == tuple(models)


@pytest.mark.parametrize(
    "entry",
    [
        *(None, 7, ["id"], {}, {"id": 7}, {"id": ""}, {"id": "two,models"}, {"id": "two\nlines"}),
        *({"id": "\x1b[31mred"}, {"id": "\u202eevil"}, {"id": "x" * 201}),
    ],
)
def test_entries_that_are_no_models_or_too_many_are_left_out(entry: object) -> None:
    kept = read_models(json.dumps({"data": [entry, {"id": "good"}]}).encode())
    assert kept == (Model("good", "chat"),)
    many = {"data": [{"id": f"model-{n}"} for n in range(5000)]}
    assert len(read_models(json.dumps(many).encode())) == 200


@pytest.mark.parametrize("size", [-1, 0, True, 1.5, "7", 1 << 60, None, {"a": 1}])
def test_sizes_that_are_none_are_unknown(size: object) -> None:
    (model,) = read_models(
        json.dumps({"data": [{"id": "a", "size": size, "n_ctx": size}]}).encode()
    )
    assert (model.bytes, model.context) == (None, None)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"text"', b"{}", b'{"data": 7}', b"[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_list_of_models_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the parser says
        read_models(body)


@pytest.mark.parametrize(
    ("text", "address", "name"),
    [
        ("http://192.0.2.7:8000", "http://192.0.2.7:8000/v1", "192-0-2-7-8000"),
        ("model.example:9000/v1/", "http://model.example:9000/v1", "model-example-9000"),
        ("https://me.example/api/v1", "https://me.example/api/v1", "me-example-443-6b6696"),
        ("http://[::1]:9000", "http://[::1]:9000/v1", "1-9000-ca6ded"),
        ("http://my.host", "http://my.host/v1", "my-host-80"),
        ("http://my-host", "http://my-host/v1", "my-host-80-9f67b8"),
        ("localhost:11434", "http://127.0.0.1:11434/v1", "ollama"),
    ],
)
def test_an_address_may_be_typed_in_several_forms(text: str, address: str, name: str) -> None:
    server = typed_server(text)
    assert (server.address, server.name) == (address, name)


@pytest.mark.parametrize(
    "text",
    ["", "http://", "ftp://one.example", "http://user:secret@one.example", "http://one.example:99999",
     "http://one.example/?a=1", "http://one.example/#a", "http://one example", "http://one\n.example"],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - urlsplit has its own, too
        typed_server(text)


# -- servers that answer as they like --------------------------------------------------------------


@contextmanager
def answering(*answers: bytes) -> Iterator[Server]:
    """A server that answers each request with the next of *answers*, and then keeps the connection
    open; without answers, it says nothing."""
    kept: list[socket.socket] = []

    def serve(listener: socket.socket) -> None:
        for answer in answers or (b"",):
            try:
                near, _ = listener.accept()
            except OSError:
                return
            kept.append(near)
            near.recv(65536)
            try:
                near.sendall(answer)
            except OSError:
                return

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        Thread(target=serve, args=[listener], daemon=True).start()
        port = listener.getsockname()[1]
        yield Server("one", "One", f"http://127.0.0.1:{port}/v1")
        listener.shutdown(socket.SHUT_RDWR)
        for each in kept:
            each.close()


def http(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (http("200 OK", json.dumps(LLAMA).encode()), "on"),
        (http("401 Unauthorized", b"{}"), "key"),
        (http("503 Busy", b'{"error": {"message": "Loading model"}}'), "busy"),
        (http("404 Not Found", b"nothing"), "other"),
        (http("302 Found", b""), "other"),
        (http("200 OK", b"<html>"), "other"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "other"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000 + b"\r\n", "other"),
        (http("200 OK", b" " * (3 << 20)), "other"),
    ],
)
def test_any_answer_is_a_state_of_the_server(answer: bytes, state: str) -> None:
    with answering(answer) as server:
        assert ask_models(server).state == state


def test_a_silent_or_endless_server_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "ANSWER_SECONDS", 0.5)
    with (
        answering(b"") as silent,
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1") as slow,
    ):
        assert ask_models(silent) == Answer("busy")
        assert ask_models(slow) == Answer("busy")


def test_sizes_come_from_the_servers_own_list_also() -> None:
    names = {"object": "list", "data": [{"id": "qwen3:8b"}, {"id": "other"}]}
    first, second = (http("200 OK", json.dumps(each).encode()) for each in (names, OLLAMA))
    with answering(first, second) as server:
        found = ask_models(replace(server, details="/api/tags"))
    assert [model.bytes for model in found.models] == [5_225_388_164, None]


def test_all_servers_are_asked_at_once_also_one_that_is_off() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        off = Server("one", "One", f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
    with answering(http("401 No", b"")) as one, answering(http("404 No", b"")) as two:
        found = ask_all({"a": (one, ""), "b": (two, "key"), "c": (off, "")})
    states = {name: each.state for name, each in found.items()}
    assert states == {"a": "key", "b": "other", "c": "off"}
    assert len({one.name for one in KNOWN}) == len({one.port for one in KNOWN}) == len(KNOWN)
    assert all(one.hint and one.is_here for one in KNOWN), "each has a way to turn it on"
