#!/usr/bin/python3
"""A stand-in for software that the lab can't have: behaves like it from outside.

What it does is in /etc/standin.json, made from the image table:
  arguments  what the command must begin with
  require    environment variables that must be set, and their least length
  not_empty  variables that may be missing but not empty; matches: pattern of a variable
  published  values that no password, key or token may have
  files      files that must be there; volumes, writes: folders that must be writable; owns: folders
             that its user has
  needs      what it connects to before it is ready: kind postgres|mysql|dsn|redis|http, and the
             credentials for it (http: as for login, or none); an empty url is left out; when: only
             with these values; only: start, so that no answer checks it, or answers, so that it
             starts without it
  migrates   it has a database with tables: MODE=migration makes them and ends,
             MIGRATION_ENABLED=true makes them, every other mode wants them there (migration.py)
  ports      what it answers where: {port: {path: {json|text, open, checks}}}; login: what a path
             that is not open asks for; s3: a signature is as good; checks: the answer is 500 where
             a need can't be reached; when: the port is served only with these values; accounts,
             chats, console, providers: its API (each is a file here) on the first of needs; echo:
             to any other path it says who got what: {host, path, headers}; formats: the file with
             the formats of answers; in one that is not there, ?format=json gets 403
  celery     worker or scheduler by MODE, as in celery.py
  log_dir    it logs to a file there, too, as it does without --log-dir FOLDER (empty: none)
  runs_code  it must be able to do as root what code_sandbox.py does
LAB_READY_AFTER (seconds) sets how long it takes from its start to its first answer.

Many start at once, so each loads only what it uses.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from email.message import Message
    from http.client import HTTPResponse

    import psycopg2.extensions
    import pymysql
    import redis
    import routes  # type: ignore[import-not-found]  # beside this file, in the image only

TIMEOUT = 5
Spec = Mapping[str, Any]


def fail(message: str) -> NoReturn:
    """Ends with a message on standard error and exit status 1."""
    sys.exit(f"{os.environ.get('HOSTNAME', 'stand-in')}: {message}")


def expand(text: str) -> str:
    """Text with ${NAME} and ${NAME:-default} replaced from the environment."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: os.environ.get(m[1]) or m[2] or "", text)


def check_environment(spec: Spec) -> None:
    """Fails where a variable is missing, too short or a published default."""
    for name, length in spec.get("require", {}).items():
        if not os.environ.get(name):
            fail(f"{name} is not set")
        if len(os.environ[name]) < length:
            fail(f"{name} must have at least {length} characters")
    for name in spec.get("not_empty", []):
        if os.environ.get(name) == "":
            fail(f"{name} must not be empty")
    for name, value in os.environ.items():
        if re.search("PASS|SECRET|KEY|TOKEN|AUTH|URL|DSN|CONN", name) and any(
            value == known or f":{known}@" in value for known in spec["published"]
        ):
            fail(f"{name} holds a published default")
    for name, pattern in spec.get("matches", {}).items():
        if not re.fullmatch(pattern, os.environ.get(name, "")):
            fail(f"{name} must match {pattern}")


def check_files(spec: Spec) -> None:
    """Fails where command, files or folders are not as the software wants them."""
    wanted = spec.get("arguments", [])
    if sys.argv[1 : 1 + len(wanted)] != wanted:
        fail(f"the command must begin with: {' '.join(wanted)}")
    for file in spec.get("files", {}):
        if not Path(file).exists():
            fail(f"{file} is missing")
    for folder in spec.get("volumes", []) + spec.get("writes", []):
        try:
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            fail(f"{folder} can't be written: {error.strerror}")


def log_to_file(folder: str) -> None:
    """Writes a line to a file in the folder that the command names, else in *folder*."""
    words = sys.argv[1:]
    if "--log-dir" in words:
        folder = words[words.index("--log-dir") + 1]
    if folder:
        Path(folder).mkdir(exist_ok=True)
        (Path(folder) / "standin.log").write_text("started\n")


def from_dsn(url: str) -> dict[str, Any]:
    """A need from one of one-api's forms: user:password@tcp(host:port)/db, or postgres://…"""
    if found := re.fullmatch(r"([^:]+):(.*)@tcp\(([^:]+):(\d+)\)/([^?]*).*", url):
        return {"kind": "mysql"} | dict(
            zip(("user", "password", "host", "port", "database"), found.groups(), strict=True)
        )
    parts = urllib.parse.urlsplit(url)
    return {
        "kind": "postgres",
        "host": parts.hostname,
        "port": parts.port or 5432,
        "user": parts.username,
        "password": urllib.parse.unquote(parts.password or ""),
        "database": parts.path.strip("/"),
    }


def postgres(need: Spec) -> psycopg2.extensions.connection:
    """A connection to a database, which is made where it is missing and the need says so."""
    import psycopg2.errors  # noqa: PLC0415

    server = {key: need[key] for key in ("host", "port", "user", "password")}
    server["connect_timeout"] = TIMEOUT
    try:
        return psycopg2.connect(dbname=need["database"], **server)
    except psycopg2.OperationalError:
        if not need.get("create"):
            raise
    first = psycopg2.connect(dbname="postgres", **server)
    first.autocommit = True
    with contextlib.suppress(psycopg2.errors.DuplicateDatabase):
        first.cursor().execute(f'CREATE DATABASE "{need["database"]}"')
    first.close()
    return psycopg2.connect(dbname=need["database"], **server)


def mysql(need: Spec) -> pymysql.Connection:
    """A connection to a database."""
    import pymysql  # noqa: PLC0415

    login = {key: need[key] for key in ("host", "user", "password", "database")}
    return pymysql.connect(port=int(need["port"]), connect_timeout=TIMEOUT, **login)


def http(need: Spec) -> HTTPResponse:
    """An answer to a request with the credentials of the need."""
    import urllib.request  # noqa: PLC0415

    request = urllib.request.Request(need["url"], headers=credentials(need))
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    return answer


def redis_server(need: Spec) -> redis.Redis:
    """A client whose credentials the server has taken."""
    import redis  # noqa: PLC0415

    client = redis.from_url(need["url"], socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
    client.ping()
    return client


CONNECT = {"postgres": postgres, "mysql": mysql, "http": http, "redis": redis_server}


def filled(need: Spec) -> dict[str, Any]:
    """A need with the environment's values in it."""
    need = {key: expand(value) if isinstance(value, str) else value for key, value in need.items()}
    return from_dsn(need["url"]) if need["kind"] == "dsn" and need["url"] else need


def holds(conditions: Spec) -> bool:
    """Whether the environment has one of the values that each variable is to have."""
    return all(os.environ.get(name) in values for name, values in conditions.items())


def problem(spec: Spec, moment: str) -> str | None:
    """What keeps it from one of its needs at this moment, ``start`` or ``answers``; None where it
    reaches all of them."""
    for need in map(filled, spec.get("needs", [])):
        is_asked = need.get("only", moment) == moment and holds(need.get("when", {}))
        if need.get("url") == "" or not is_asked:
            continue
        try:
            CONNECT[need["kind"]](need).close()
        except Exception as error:  # noqa: BLE001 - four client libraries, each with its own
            return f"{need['kind']}: {str(error).strip() or type(error).__name__}"
    return None


def migrate(delay: float) -> None:
    """Makes the tables or wants them there, by the mode."""
    import migration  # type: ignore[import-not-found]  # noqa: PLC0415 - beside this file

    mode = os.environ["MODE"]
    if mode == "migration" or os.environ.get("MIGRATION_ENABLED") == "true":
        migration.migrate(delay if mode == "migration" else 0)
    if mode == "migration":
        sys.exit(0)
    if not migration.is_current():
        fail("the database is not migrated")


def credentials(login: Spec) -> dict[str, str]:
    """The header that shows who asks: one of its own, a bearer's, or user and password."""
    if not login.keys() & {"header", "bearer", "user"}:
        return {}
    if "header" in login:
        return {login["header"]: expand(login["password"])}
    if "bearer" in login:
        return {"Authorization": f"Bearer {expand(login['bearer'])}"}
    pair = f"{expand(login['user'])}:{expand(login['password'])}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def allowed(login: Spec, headers: Message) -> bool:
    """Whether a request shows the credentials that a port asks for."""
    return all(headers[name] == value for name, value in credentials(login).items())


def is_signed(login: Spec, target: str, headers: Message) -> bool:
    """Whether a request has the signature that a port with S3 accepts."""
    import s3  # type: ignore[import-not-found]  # noqa: PLC0415 - beside this file

    user, password = expand(login["user"]), expand(login["password"])
    return bool(s3.is_signed(user, password, target, headers))


def may_ask(port: Spec, target: str, headers: Message) -> bool:
    """Whether a request may ask for what is not open."""
    if "login" not in port or allowed(port["login"], headers):
        return True
    return "s3" in port and is_signed(port["login"], target, headers)


def response(spec: Spec, port: Spec, target: str, headers: Message) -> tuple[int, str, str]:
    """Status, media type and body of the answer to a request."""
    answer = port.get(target.partition("?")[0])
    if answer is None and port.get("echo"):
        got = {"host": socket.gethostname(), "path": target, "headers": dict(headers)}
        return 200, "application/json", json.dumps(got)
    if answer is None:
        return 404, "text/plain", "not found"
    if refused := refusal(spec, port, target, headers):
        return refused
    if "json" in answer:
        return 200, "application/json", json.dumps(answer["json"])
    return 200, "text/html", expand(answer.get("text", ""))


def refusal(spec: Spec, port: Spec, target: str, headers: Message) -> tuple[int, str, str] | None:
    """Why a path that is there gives no answer; None: it does."""
    answer = port[target.partition("?")[0]]
    if not answer.get("open") and not may_ask(port, target, headers):
        return 401, "text/plain", "log-in required"
    if answer.get("checks") and (found := problem(spec, "answers")):
        return 500, "text/plain", found
    if "formats" in port and "format=json" in target and not has_json(port["formats"]):
        return 403, "text/plain", "this format is not allowed"
    return None


def has_json(path: str) -> bool:
    """Whether the settings in the file at *path* allow answers in JSON."""
    formats = re.search(r"formats: \[([^]]*)\]", Path(expand(path)).read_text(encoding="utf-8"))
    return formats is not None and "json" in formats[1]


def handler(spec: Spec, port: Spec) -> type[BaseHTTPRequestHandler]:
    """The request handler of one port."""

    api = api_of(spec, port)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if api is None or not api.answered(self):
                self.send_error(404)

        do_PUT = do_DELETE = do_POST  # noqa: N815 - the base class's names

        def do_GET(self) -> None:
            if api is not None and api.answered(self):
                return
            status, kind, body = response(spec, port, self.path, self.headers)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

    return Handler


def api_of(spec: Spec, port: Spec) -> routes.Api | None:
    """The API over a database of a port that has one."""
    if not port.keys() & {"accounts", "chats", "console", "providers"}:
        return None
    need = filled(spec["needs"][0])
    connect = partial(CONNECT[need["kind"]], need)
    if edition := port.get("accounts"):
        import accounts  # type: ignore[import-not-found]  # noqa: PLC0415 - beside this file

        return accounts.Accounts(edition, connect)
    if "chats" in port:
        import chats  # type: ignore[import-not-found]  # noqa: PLC0415 - likewise

        return chats.Chats(connect)
    if "console" in port:
        import console  # type: ignore[import-not-found]  # noqa: PLC0415 - likewise

        return console.Console(connect)
    import providers  # type: ignore[import-not-found]  # noqa: PLC0415 - likewise

    return providers.Providers(connect)


def serve(spec: Spec) -> None:
    """Listens on every port, each in a thread of its own."""
    for number, port in spec["ports"].items():
        if holds(port.get("when", {})):
            server = ThreadingHTTPServer(("", int(number)), handler(spec, port))
            threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Checks, connects, waits out its delay and serves until SIGTERM."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    spec = json.loads(Path("/etc/standin.json").read_text())
    check_environment(spec)
    check_files(spec)
    if "log_dir" in spec:
        log_to_file(spec["log_dir"])
    if found := problem(spec, "start"):
        fail(found)
    if spec.get("runs_code"):
        import code_sandbox  # type: ignore[import-not-found]  # noqa: PLC0415 - beside this file

        if found := code_sandbox.problem():
            fail(found)
    delay = float(os.environ.get("LAB_READY_AFTER") or 0.5)
    if spec.get("migrates"):
        migrate(delay)
    time.sleep(max(0.0, delay - (time.monotonic() - started)))
    if spec.get("celery"):
        import celery  # type: ignore[import-not-found]  # noqa: PLC0415 - likewise

        celery.take_part(os.environ["MODE"])
    serve(spec)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        signal.pause()


main()
