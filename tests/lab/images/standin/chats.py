"""The first account, log-in, configuration and models of Open WebUI, in the database that it uses.

What is asked for, answered and refused is its own: open-webui/open-webui, backend/open_webui/{main,
config,models/config,utils/auth,routers/auths,routers/openai,routers/retrieval}.py. As there, a
value comes from the environment at the first start only; from then on, it is a row of ``config``.
"""

import hmac
import json
import os
import urllib.error
import urllib.request
from typing import Any

from accounts import fits, hashed  # type: ignore[import-not-found]  # beside this file
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class
from routes import (  # type: ignore[import-not-found]  # as above
    Answer,
    Api,
    Connect,
    Request,
    Route,
)

TABLES = """
CREATE TABLE IF NOT EXISTS standin_users (email VARCHAR(255), password TEXT);
CREATE TABLE IF NOT EXISTS config (key TEXT PRIMARY KEY, value JSON NOT NULL, updated_at BIGINT)
"""

REPLACE = "UPDATE SET value = excluded.value"


def is_on(name: str, default: str) -> bool:
    return os.environ.get(name, default).lower() == "true"


def given() -> dict[str, Any]:
    """The values that the environment has for a first start."""
    urls = os.environ.get("OPENAI_API_BASE_URLS") or "https://api.openai.com/v1"
    return {
        "openai.enable": is_on("ENABLE_OPENAI_API", "true"),
        "openai.api_base_urls": urls.split(";"),
        "openai.api_keys": os.environ.get("OPENAI_API_KEYS", "").split(";"),
        "openai.api_configs": {},
        "ui.enable_signup": True,
        "webui.url": os.environ.get("WEBUI_URL", ""),
        "web.search.enable": is_on("ENABLE_WEB_SEARCH", "false"),
        "web.search.engine": os.environ.get("WEB_SEARCH_ENGINE", ""),
        "web.search.searxng_query_url": os.environ.get("SEARXNG_QUERY_URL", ""),
    }


class Chats(Api):  # type: ignore[misc]  # as above
    """Its API."""

    def __init__(self, connect: Connect) -> None:
        super().__init__(connect, TABLES)
        with self.cursor() as cursor:
            for key, value in given().items():
                put(cursor, key, value, "NOTHING")
            email = os.environ.get("WEBUI_ADMIN_EMAIL")
            if email and not has_users(cursor):
                password = hashed(os.environ["WEBUI_ADMIN_PASSWORD"])
                cursor.execute("INSERT INTO standin_users VALUES (%s, %s)", (email, password))
                put(cursor, "ui.enable_signup", value=False, otherwise=REPLACE)

    def routes(self) -> list[Route]:
        return [
            ("GET", "/ready", lambda *_: Answer(200, {"status": True})),
            ("GET", "/api/config", config),
            ("POST", "/api/v1/auths/signin", sign_in),
            ("POST", "/api/v1/auths/signup", sign_up),
            ("GET", "/api/models", models),
            ("POST", "/api/chat/completions", chat),
            ("GET", "/api/v1/retrieval/config", search),
        ]


def put(cursor: Cursor, key: str, value: object, otherwise: str) -> None:
    """One more value; *otherwise*: what happens if there is one."""
    insert = f"INSERT INTO config VALUES (%s, %s, 0) ON CONFLICT (key) DO {otherwise}"
    cursor.execute(insert, (key, json.dumps(value)))


def value_of(cursor: Cursor, key: str) -> Any:  # noqa: ANN401 - JSON
    cursor.execute("SELECT value FROM config WHERE key = %s", (key,))
    return cursor.fetchone()[0]


def has_users(cursor: Cursor) -> bool:
    cursor.execute("SELECT 1 FROM standin_users")
    return cursor.fetchone() is not None


def refusal(status: int, why: str) -> Answer:
    """As it says no."""
    return Answer(status, {"detail": why})


def proof() -> str:
    return hmac.digest(os.environ["WEBUI_SECRET_KEY"].encode(), b"admin", "sha256").hex()


def is_logged_in(request: Request) -> bool:
    return hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {proof()}")


def config(cursor: Cursor, request: Request) -> Answer:
    """What a page may know before a log-in."""
    features = {"auth": True, "enable_signup": value_of(cursor, "ui.enable_signup")}
    return Answer(200, {"status": True, "name": "Open WebUI", "features": features})


def sign_in(cursor: Cursor, request: Request) -> Answer:
    """A token, where address and password are right."""
    email = str(request.json.get("email", "")).lower()
    cursor.execute("SELECT password FROM standin_users WHERE email = %s", (email,))
    row = cursor.fetchone()
    if row is None or not fits(str(request.json.get("password", "")), row[0]):
        return refusal(400, "The email or password provided is incorrect.")
    return Answer(200, {"token": proof(), "token_type": "Bearer", "role": "admin", "email": email})


def sign_up(cursor: Cursor, request: Request) -> Answer:
    """An account, until somebody has one."""
    if not value_of(cursor, "ui.enable_signup"):
        return refusal(403, "You do not have permission to access this resource.")
    row = (request.json["email"].lower(), hashed(request.json["password"]))
    cursor.execute("INSERT INTO standin_users VALUES (%s, %s)", row)
    return Answer(200, {"token": proof(), "token_type": "Bearer"})


def connections(cursor: Cursor) -> list[tuple[str, str]]:
    """Address and key of each."""
    if not value_of(cursor, "openai.enable"):
        return []
    names = ("openai.api_base_urls", "openai.api_keys")
    urls, keys = (value_of(cursor, name) for name in names)
    return list(zip(urls, keys, strict=True))


def offered(url: str, key: str) -> list[str]:
    """The models of a connection; none of one that does not answer."""
    asked = urllib.request.Request(f"{url}/models", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return [one["id"] for one in json.load(answer)["data"]]
    except OSError:
        return []


def models(cursor: Cursor, request: Request) -> Answer:
    """The models of all connections."""
    if not is_logged_in(request):
        return refusal(401, "Not authenticated")
    found = [name for one in connections(cursor) for name in offered(*one)]
    return Answer(200, {"data": [{"id": name, "object": "model"} for name in found]})


def chat(cursor: Cursor, request: Request) -> Answer:
    """What the connection with the model answers, piece by piece."""
    if not is_logged_in(request):
        return refusal(401, "Not authenticated")
    able = [one for one in connections(cursor) if request.json.get("model") in offered(*one)]
    if not able:
        return refusal(404, "Model not found")
    url, key = able[0]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{url}/chat/completions", request.body, headers)
    try:
        return Answer(200, None, stream=urllib.request.urlopen(asked, timeout=120))
    except urllib.error.HTTPError as refused:
        return Answer(refused.code, json.loads(refused.read()))


def search(cursor: Cursor, request: Request) -> Answer:
    """How it searches the web."""
    if not is_logged_in(request):
        return refusal(401, "Not authenticated")
    names = {
        "ENABLE_WEB_SEARCH": "web.search.enable",
        "WEB_SEARCH_ENGINE": "web.search.engine",
        "SEARXNG_QUERY_URL": "web.search.searxng_query_url",
    }
    return Answer(200, {"web": {name: value_of(cursor, key) for name, key in names.items()}})
