"""Users, and providers of models by account, as RAGFlow 0.27 keeps them in the database that it
uses.

What is asked for, answered and refused is its own: infiniflow/ragflow,
api/apps/restful_apis/{user,provider}_api.py, api/apps/services/provider_api_service.py. An
account's API keys are in its table api_token. Nothing here makes one, so tests put one there. A
password is compared as it is sent: encrypted, with a key that is not here.
"""

import json
import os
from collections.abc import Callable
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class; pymysql's is alike
from routes import (  # type: ignore[import-not-found]  # beside this file, in the image only
    Answer,
    Api,
    Connect,
    Request,
    Route,
)

ALLOWED = "OpenAI-API-Compatible"
UNAUTHORIZED, REFUSED, NO_LOGIN, NO_OPERATION = 401, 102, 109, 103
INSTANCES = "/api/v1/providers/([^/]+)/instances"

TABLES = """
CREATE TABLE IF NOT EXISTS user (email VARCHAR(255), password TEXT);
CREATE TABLE IF NOT EXISTS api_token (tenant_id VARCHAR(32), token VARCHAR(255));
CREATE TABLE IF NOT EXISTS standin_providers
    (tenant_id VARCHAR(32), name VARCHAR(128), PRIMARY KEY (tenant_id, name));
CREATE TABLE IF NOT EXISTS standin_instances
    (tenant_id VARCHAR(32), provider VARCHAR(128), name VARCHAR(128), api_key TEXT, base_url TEXT,
     models TEXT)
"""


def success(data: object = None) -> Answer:
    """As it says yes."""
    return Answer(200, {"code": 0, "message": "success", "data": data})


def refusal(message: str, code: int = REFUSED) -> Answer:
    """As it says no: with 200."""
    return Answer(200, {"code": code, "message": message})


class Providers(Api):  # type: ignore[misc]  # as above
    """The API of users, providers and their instances."""

    def __init__(self, connect: Connect) -> None:
        super().__init__(connect, TABLES)

    def routes(self) -> list[Route]:
        """Who shows an account's key is let in to providers."""
        return [
            ("POST", "/api/v1/users", add_user),
            ("POST", "/api/v1/auth/login", log_in),
            ("PUT", "/api/v1/providers", with_key(add_provider)),
            ("GET", INSTANCES, with_key(instances)),
            ("POST", INSTANCES, with_key(add_instance)),
            ("PUT", f"{INSTANCES}/([^/]+)", with_key(change_instance)),
        ]


def add_user(cursor: Cursor, request: Request) -> Answer:
    """A user, once for each address, if people may register."""
    if os.environ.get("REGISTER_ENABLED", "1") == "0":
        return refusal("User registration is disabled!", NO_OPERATION)
    email = request.json["email"]
    cursor.execute("SELECT 1 FROM user WHERE email = %s", (email,))
    if cursor.fetchone() is not None:
        return refusal(f"Email: {email} has already registered!", NO_OPERATION)
    row = (email, request.json["password"])
    cursor.execute("INSERT INTO user VALUES (%s, %s)", row)
    return success({"email": email})


def log_in(cursor: Cursor, request: Request) -> Answer:
    """Whether address and password are right."""
    email = request.json["email"]
    cursor.execute("SELECT password FROM user WHERE email = %s", (email,))
    row = cursor.fetchone()
    if row is None:
        return refusal(f"Email: {email} is not registered!", NO_LOGIN)
    if row[0] != request.json["password"]:
        return refusal("Email and password do not match!", NO_LOGIN)
    return success({"email": email})


def with_key(handle: Callable[..., Answer]) -> Callable[..., Answer]:
    """*handle* for who shows an API key; it gets the account, too."""

    def checked(cursor: Cursor, request: Request, *more: str) -> Answer:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        cursor.execute("SELECT tenant_id FROM api_token WHERE token = %s", (key,))
        row = cursor.fetchone()
        if row is None:
            return Answer(UNAUTHORIZED, {"code": UNAUTHORIZED, "message": "<Unauthorized '401'>"})
        return handle(cursor, request, row[0], *more)

    return checked


def add_provider(cursor: Cursor, request: Request, account: str) -> Answer:
    """A provider for the account, once."""
    name = request.json.get("provider_name")
    if name != ALLOWED:
        return refusal(f"Provider '{name}' is not allowed")
    if has_provider(cursor, account, name):
        return refusal(f"Provider {name} already exists")
    cursor.execute("INSERT INTO standin_providers VALUES (%s, %s)", (account, name))
    return success()


def has_provider(cursor: Cursor, account: str, name: str) -> bool:
    """Whether the account has this provider."""
    query = "SELECT 1 FROM standin_providers WHERE tenant_id = %s AND name = %s"
    cursor.execute(query, (account, name))
    return cursor.fetchone() is not None


def instances(cursor: Cursor, request: Request, account: str, provider: str) -> Answer:
    """The instances of a provider, without their keys."""
    if not has_provider(cursor, account, provider):
        return refusal(f"No provider found for provider '{provider}'")
    query = "SELECT name FROM standin_instances WHERE tenant_id = %s AND provider = %s"
    cursor.execute(query, (account, provider))
    return success([{"instance_name": name, "status": "1"} for (name,) in cursor.fetchall()])


def add_instance(cursor: Cursor, request: Request, account: str, provider: str) -> Answer:
    """An instance of which only the name is known; anything more would have to be verified."""
    if request.json.keys() != {"instance_name"}:
        return refusal("the stand-in verifies no key")
    if not has_provider(cursor, account, provider):
        return refusal(f"Provider '{provider}' does not exist")
    insert = "INSERT INTO standin_instances VALUES (%s, %s, %s, '', '', '[]')"
    cursor.execute(insert, (account, provider, request.json["instance_name"]))
    return success()


def change_instance(
    cursor: Cursor, request: Request, account: str, provider: str, name: str
) -> Answer:
    """Another key, address and models, all of them."""
    wanted: dict[str, Any] = request.json
    if wanted.get("verify", True):
        return refusal("the stand-in verifies no key")
    known = "WHERE tenant_id = %s AND provider = %s AND name = %s"
    cursor.execute(f"SELECT 1 FROM standin_instances {known}", (account, provider, name))
    if cursor.fetchone() is None:
        return refusal(f"No instance found for provider '{provider}' and instance '{name}'")
    values = wanted["api_key"], wanted["base_url"], json.dumps(wanted["model_info"])
    change = f"UPDATE standin_instances SET api_key = %s, base_url = %s, models = %s {known}"
    cursor.execute(change, (*values, account, provider, name))
    return success()
