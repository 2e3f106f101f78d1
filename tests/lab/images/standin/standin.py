#!/usr/bin/python3
"""A stand-in for software that the lab can't have: behaves like it from outside.

What it does is in /etc/standin.json, made from the image table:
  arguments  what the command must begin with
  require    environment variables that must be set, and their least length
  not_empty  variables that may be missing but not empty; matches: pattern of a variable
  published  values that no password, key or token may have
  files      files that must be there; volumes, writes: folders that must be writable
  needs      what it connects to before it is ready: kind postgres|mysql|dsn|redis|http with their
             credentials; a part that names no host is left out
  migrates   the first of needs holds tables: MODE=migration makes them and ends, MIGRATION_ENABLED=true
             makes them, every other mode wants them there
  ports      what it answers where: {port: {path: {status, json|text, open, checks}}}; login: what a
             path that is not open asks for; when: the port is only served with these values
LAB_READY_AFTER (seconds) sets how long it takes from its start to its first answer.
"""

import base64
import json
import os
import pathlib
import re
import signal
import sys
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import psycopg2.errors
import pymysql
import redis

TIMEOUT = 5


def fail(message):
    sys.exit(f"{os.environ.get('HOSTNAME', 'stand-in')}: {message}")


def expand(text):
    """Text with ${NAME} and ${NAME:-default} replaced from the environment."""
    return re.sub(
        r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: os.environ.get(m[1]) or m[2] or "", text
    )


def check_environment(spec):
    for name, length in spec.get("require", {}).items():
        if not os.environ.get(name):
            fail(f"{name} is not set")
        if len(os.environ[name]) < length:
            fail(f"{name} must have at least {length} characters")
    for name in spec.get("not_empty", []):
        if os.environ.get(name) == "":
            fail(f"{name} must not be empty")
    for name, pattern in spec.get("matches", {}).items():
        if not re.fullmatch(pattern, os.environ.get(name, "")):
            fail(f"{name} must match {pattern}")
    for name, value in os.environ.items():
        if re.search("PASS|SECRET|KEY|TOKEN|AUTH|URL|DSN|CONN", name) and any(
            value == known or f":{known}@" in value for known in spec["published"]
        ):
            fail(f"{name} holds a published default")


def check_files(spec):
    wanted = spec.get("arguments", [])
    if sys.argv[1 : 1 + len(wanted)] != wanted:
        fail(f"the command must begin with: {' '.join(wanted)}")
    for file in spec.get("files", {}):
        if not os.path.exists(file):
            fail(f"{file} is missing")
    for folder in spec.get("volumes", []) + spec.get("writes", []):
        probe = pathlib.Path(folder, ".stand-in")
        try:
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            fail(f"{folder} can't be written: {error.strerror}")


def from_dsn(url):
    """one-api's forms: empty (SQLite), user:password@tcp(host:port)/db, postgres://…"""
    if not url:
        return None
    mysql = re.fullmatch(r"([^:]+):(.*)@tcp\(([^:]+):(\d+)\)/([^?]*).*", url)
    if mysql:
        user, password, host, port, database = mysql.groups()
        kind = "mysql"
    else:
        parts = urllib.parse.urlsplit(url)
        kind, host, port, database = "postgres", parts.hostname, parts.port, parts.path.strip("/")
        user, password = parts.username, urllib.parse.unquote(parts.password or "")
    return {"kind": kind, "host": host, "port": port or 5432, "user": user} | {
        "password": password,
        "database": database,
    }


def postgres(need):
    try:
        return psycopg2.connect(
            host=need["host"],
            port=need["port"],
            user=need["user"],
            password=need["password"],
            dbname=need["database"],
            connect_timeout=TIMEOUT,
        )
    except psycopg2.OperationalError as error:
        if not need.get("create") or "does not exist" not in str(error):
            raise
    server = postgres(need | {"database": "postgres", "create": False})
    server.autocommit = True
    try:
        server.cursor().execute(f'CREATE DATABASE "{need["database"]}"')
    except psycopg2.errors.DuplicateDatabase:
        pass
    server.close()
    return postgres(need | {"create": False})


def connect_http(need):
    request = urllib.request.Request(need["url"])
    if need.get("user"):
        pair = f"{need['user']}:{need['password']}".encode()
        request.add_header("Authorization", "Basic " + base64.b64encode(pair).decode())
    urllib.request.urlopen(request, timeout=TIMEOUT).close()


def connect(need):
    """Opens a connection with the credentials given and closes it. Raises what the client raises."""
    need = {key: expand(value) if isinstance(value, str) else value for key, value in need.items()}
    if need["kind"] == "dsn":
        need = from_dsn(need["url"])
    if need is None or need.get("url") == "":
        return
    if need["kind"] == "postgres":
        postgres(need).close()
    elif need["kind"] == "mysql":
        pymysql.connect(
            host=need["host"],
            port=int(need["port"]),
            user=need["user"],
            password=need["password"],
            database=need["database"],
            connect_timeout=TIMEOUT,
        ).close()
    elif need["kind"] == "redis":
        redis.from_url(need["url"], socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT).ping()
    else:
        connect_http(need)


def connect_all(spec):
    for need in spec.get("needs", []):
        try:
            connect(need)
        except Exception as error:  # four client libraries, each with its own
            return f"{need['kind']}: {str(error).strip() or type(error).__name__}"
    return None


def migrate(spec):
    need = spec["needs"][0]
    database = postgres({key: expand(value) for key, value in need.items()})
    cursor = database.cursor()
    if os.environ["MODE"] == "migration" or os.environ.get("MIGRATION_ENABLED") == "true":
        cursor.execute("CREATE TABLE IF NOT EXISTS standin_version (version text)")
        database.commit()
    cursor.execute("SELECT to_regclass('standin_version')")
    migrated = cursor.fetchone()[0]
    database.close()
    if not migrated:
        fail("the database is not migrated")
    if os.environ["MODE"] == "migration":
        sys.exit(0)


def allowed(login, headers):
    if "bearer" in login:
        return headers.get("Authorization") == "Bearer " + expand(login["bearer"])
    if "header" in login:
        return headers.get(login["header"]) == expand(login["password"])
    pair = f"{expand(login['user'])}:{expand(login['password'])}".encode()
    return headers.get("Authorization") == "Basic " + base64.b64encode(pair).decode()


def handler(spec, answers):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = answers.get(self.path.split("?")[0])
            if answer is None:
                return self.answer(404, "text/plain", "not found")
            login = answers.get("login")
            if login and not answer.get("open") and not allowed(login, self.headers):
                return self.answer(401, "text/plain", "log-in required")
            if answer.get("checks") and (problem := connect_all(spec)):
                return self.answer(500, "text/plain", problem)
            if "json" in answer:
                return self.answer(200, "application/json", json.dumps(answer["json"]))
            return self.answer(200, "text/html", answer.get("text", ""))

        do_HEAD = do_GET

        def answer(self, status, kind, body):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body.encode())

    return Handler


def serve(spec):
    for port, answers in spec["ports"].items():
        wanted = answers.get("when", {})
        if all(os.environ.get(name) in values for name, values in wanted.items()):
            server = ThreadingHTTPServer(("", int(port)), handler(spec, answers))
            threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    started = time.monotonic()
    spec = json.loads(pathlib.Path("/etc/standin.json").read_text())
    check_environment(spec)
    check_files(spec)
    if problem := connect_all(spec):
        fail(problem)
    if spec.get("migrates"):
        migrate(spec)
    delay = float(os.environ.get("LAB_READY_AFTER") or 0.5)
    time.sleep(max(0, delay - (time.monotonic() - started)))
    serve(spec)
    print("ready", flush=True)
    while True:
        signal.pause()


main()
