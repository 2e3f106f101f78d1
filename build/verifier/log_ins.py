"""A user's log-in at each module of the running catalog, by the program's own API or client.

What is sent is what the programs' pages send: n8n (packages/cli/src/controllers), langgenius/dify
(api/controllers/console), infiniflow/ragflow (api/apps/restful_apis/user_api.py),
open-webui/open-webui (backend/open_webui/routers/auths.py).
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import requests

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.core.core import Core
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.wiring.oneapi import PASSWORD as ONEAPI_PASSWORD
from aiserver_tray.features.wiring.oneapi import PORT as ONEAPI_PORT
from aiserver_tray.features.wiring.oneapi import OneApi, OneApiError
from aiserver_tray.state.views import ModuleView

EMAIL, NAME, PASSWORD = "verify@example.com", "verify", "Verify-1mages-of-the-catalog"
"""The account that is made in programs that have none yet."""
RAGFLOW_PASSWORD = (
    "RBJyjadViQmwXjLmGKvty5/EPE1GBZvHHLynQW2y/0h16flFexMb4ca9/TKnyLCbszFprG8MwoOyLUO22gQ262co"
    "LUk7xDFBiZUDjRAy8kBL3BKh24xny1+ywoq+nERt7J+rQ5G4C8bSc9SH+BDfnK6up2N07W3ko7sQkCEkEEz5q+Yj"
    "QMfdFEkbe5xROGiX7qEF2IJ1NqAq5P3W05/569nMiJQohD6e2rVvNx8JjaeA0avkoGlWMEoalCjksYlXecbd21P8"
    "J5Y0bhnbr3Mk/LB6I04mHicig2vWxeVBG3cwJ6KhMr3xHHQF9GdEs1JOkxB35oRZi7RCIA2c6P6vig=="
)
"""The password as RAGFlow's page sends it: encrypted with RAGFlow's published key (conf/public.pem,
api/utils/crypt.py)."""
_TIMEOUT_SECONDS = 60.0
_SHOWN = 300
"""Characters of an answer in a message."""

_POSTGRES = 'PGPASSWORD="$PASSWORD" psql -h "$(hostname)" -U postgres -Atc "SELECT 1"'
"""By the container's own address: PostgreSQL's image asks for no password on 127.0.0.1."""
_MYSQL = 'MYSQL_PWD="$PASSWORD" mysql -h 127.0.0.1 -u root -e "SELECT 1"'
_REDIS = 'REDISCLI_AUTH="$PASSWORD" redis-cli -h 127.0.0.1 set verify-images 1 2>&1'
_MINIO = """printf 'user = "minio:%s"' "$PASSWORD" |
curl -sS --fail-with-body -K - --aws-sigv4 aws:amz:us-east-1:s3 http://127.0.0.1:9000/ 2>&1"""


class LogInError(Exception):
    """The module does not accept the user, or does not respond; says why."""


class Stack:
    """The running modules of *core*. *secret* returns the value of a secret setting by address."""

    def __init__(self, core: Core, secret: Callable[[str], str]) -> None:
        self._core = core
        self.secret = secret

    def url(self, module: str, port: int) -> str:
        """Where this machine reaches *port* of a container of *module*."""
        ports = self._module(module).ports
        if not (found := [one.host for one in ports if one.container == port]):
            raise LogInError(f"it does not publish port {port}")
        return f"http://127.0.0.1:{found[0]}"

    def shell(self, module: str, script: str, password: str) -> str:
        """The output of *script* in the module's container, with ``$PASSWORD``.

        Raises:
            LogInError: its exit code is not 0.
        """
        services = self._module(module).services
        container = next(one.container for one in services if not one.is_job)
        attached = {"AttachStdout": True, "AttachStderr": True}
        body = {**attached, "Env": [f"PASSWORD={password}"], "Cmd": ["/bin/sh", "-c", script]}
        code, lines = self._core.engine.containers.run(
            container, body, seconds=_TIMEOUT_SECONDS, cancelled=Cancellation()
        )
        output = "\n".join(lines)
        if code != 0:
            raise LogInError(output[-_SHOWN:] or f"exit code {code}")
        return output

    def _module(self, name: str) -> ModuleView:
        return next(one for one in self._core.store.snapshot.modules if one.name == name)


Json = Mapping[str, str] | None
LogIn = Callable[[Stack], None]
"""Raises ``LogInError`` if the user can't log in."""


def why_refused(stack: Stack, module: str) -> str | None:
    """Why a user can't log in at *module*. None if one can."""
    try:
        LOG_INS[module](stack)
    except (LogInError, OneApiError, AiServerError, requests.RequestException) as error:
        return str(error)
    except (LookupError, TypeError, AttributeError, ValueError, StopIteration) as error:
        return f"unexpected answer: {error!r}"
    return None


class _Page:
    """A program at *url*, as one browser talks to it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for this machine's own ports

    def ask(self, method: str, path: str, body: Json = None, **options: Any) -> Any:  # noqa: ANN401
        """The answer's JSON. Raises ``LogInError`` where the program says no."""
        url = f"{self._url}{path}"
        answer = self._session.request(method, url, json=body, timeout=_TIMEOUT_SECONDS, **options)
        if not answer.ok:
            text = answer.text[:_SHOWN]
            raise LogInError(f"{method} {path}: status {answer.status_code} {text}".rstrip())
        try:
            return answer.json()
        except ValueError:
            raise LogInError(f"{method} {path}: {answer.text[:_SHOWN]}") from None


def _n8n(stack: Stack) -> None:
    page = _Page(stack.url("n8n", 5678))
    settings = page.ask("GET", "/rest/settings")["data"]
    if settings["userManagement"]["showSetupOnFirstLoad"]:
        owner = {"email": EMAIL, "firstName": NAME, "lastName": NAME, "password": PASSWORD}
        page.ask("POST", "/rest/owner/setup", owner)
    page.ask("POST", "/rest/login", {"emailOrLdapLoginId": EMAIL, "password": PASSWORD})


def _dify(stack: Stack) -> None:
    page = _Page(stack.url("dify", 8080))
    if page.ask("GET", "/console/api/setup")["step"] == "not_started":
        if page.ask("GET", "/console/api/init")["status"] == "not_started":
            secret = stack.secret("dify.DIFY_INIT_PASSWORD")
            page.ask("POST", "/console/api/init", {"password": secret})
        account = {"email": EMAIL, "name": NAME, "password": PASSWORD}
        page.ask("POST", "/console/api/setup", account)
    encoded = base64.b64encode(PASSWORD.encode()).decode()  # as Dify's page sends it
    answer = page.ask("POST", "/console/api/login", {"email": EMAIL, "password": encoded})
    if answer.get("result") != "success":
        raise LogInError(str(answer)[:_SHOWN])


def _oneapi(stack: Stack) -> None:
    port = int(stack.url("oneapi", ONEAPI_PORT).rpartition(":")[2])
    OneApi("127.0.0.1", port, stack.secret(ONEAPI_PASSWORD))


def _open_webui(stack: Stack) -> None:
    page = _Page(stack.url("open-webui", 8080))
    password = stack.secret("open-webui.OPENWEBUI_ADMIN_PASSWORD")
    page.ask("POST", "/api/v1/auths/signin", {"email": "admin@localhost", "password": password})


def _ragflow(stack: Stack) -> None:
    page = _Page(stack.url("ragflow", 80))
    account = {"email": EMAIL, "password": RAGFLOW_PASSWORD}
    made = page.ask("POST", "/api/v1/users", {**account, "nickname": NAME})
    if made["code"] and "already registered" not in made["message"]:
        raise LogInError(made["message"])
    answer = page.ask("POST", "/api/v1/auth/login", account)
    if answer["code"]:  # with status 200
        raise LogInError(answer["message"])


def _elasticsearch(stack: Stack) -> None:
    user = ("elastic", stack.secret("elasticsearch.ELASTIC_PASSWORD"))
    _Page(stack.url("elasticsearch", 9200)).ask("GET", "/", auth=user)


def _qdrant(stack: Stack) -> None:
    key = {"api-key": stack.secret("qdrant.QDRANT_API_KEY")}
    _Page(stack.url("qdrant", 6333)).ask("GET", "/collections", headers=key)


def _meilisearch(stack: Stack) -> None:
    key = {"Authorization": f"Bearer {stack.secret('meilisearch.MEILISEARCH_MASTER_KEY')}"}
    _Page(stack.url("meilisearch", 7700)).ask("GET", "/version", headers=key)


def _local_models(stack: Stack) -> None:
    key = {"Authorization": f"Bearer {stack.secret('local-models.LOCAL_MODELS_KEY')}"}
    _Page(stack.url("local-models", 8080)).ask("GET", "/v1/models", headers=key)


def _redis(stack: Stack) -> None:
    said = stack.shell("redis", _REDIS, stack.secret("redis.REDIS_PASSWORD"))
    if said != "OK":  # redis-cli exits with 0 if it is refused
        raise LogInError(said)


def _by_shell(module: str, script: str, secret: str) -> LogIn:
    def log_in(stack: Stack) -> None:
        stack.shell(module, script, stack.secret(f"{module}.{secret}"))

    return log_in


_GATEWAY = (
    "curl -fsS http://127.0.0.1:2020/ready && caddy validate --config /config/caddy/gateway.json"
)
"""It has no users: it answers its health check, and takes the configuration that it has."""


def _gateway(stack: Stack) -> None:
    stack.shell("gateway", f"{_GATEWAY} 2>&1", "")


def _searxng(stack: Stack) -> None:
    """It has no users, but must answer in JSON. What it finds depends on the day."""
    _Page(stack.url("searxng", 8080)).ask("GET", "/search?q=tea&format=json")


LOG_INS: Mapping[str, LogIn] = {
    "gateway": _gateway,
    "dify": _dify,
    "elasticsearch": _elasticsearch,
    "local-models": _local_models,
    "meilisearch": _meilisearch,
    "minio": _by_shell("minio", _MINIO, "MINIO_ROOT_PASSWORD"),
    "mysql": _by_shell("mysql", _MYSQL, "MYSQL_ROOT_PASSWORD"),
    "n8n": _n8n,
    "oneapi": _oneapi,
    "open-webui": _open_webui,
    "postgres": _by_shell("postgres", _POSTGRES, "POSTGRES_PASSWORD"),
    "qdrant": _qdrant,
    "ragflow": _ragflow,
    "redis": _redis,
    "searxng": _searxng,
}
"""Module -> how a user logs in there."""
