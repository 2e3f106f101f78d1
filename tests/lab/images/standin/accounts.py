"""Accounts and tokens as one-api (v0.6.10) and new-api have them, in the database that they use.

What is asked for, answered and refused is theirs: songquanpeng/one-api and QuantumNous/new-api,
controller/{user,token,setup,channel,option,relay,model}.go, middleware/{auth,rate-limit}.go,
model/{user,token,channel}.go.

one-api makes root/123456 in an empty database; who is logged in has a cookie. new-api's first
account comes from whoever uses its setup first; a log-in gives an access token, lists show keys
masked, and a changed password wants the old one.

Questions to models go to the address of a channel that has the model. Both learn of a new channel
only after SYNC_FREQUENCY seconds; this one does so at once.
"""

import base64
import hashlib
import hmac
import json
import os
import random
import re
import secrets
import string
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class
from routes import (  # type: ignore[import-not-found]  # beside this file, in the image only
    Answer,
    Api,
    Connect,
    Request,
    Route,
)

PUBLISHED = "123456"
LOG_INS, PERIOD = 20, 1200
"""So many log-ins in so many seconds from one address, then 429."""
KEY_CHARACTERS = string.ascii_letters + string.digits

TABLES = """
CREATE TABLE IF NOT EXISTS standin_users
    (id SERIAL PRIMARY KEY, username VARCHAR(64) UNIQUE, password TEXT);
CREATE TABLE IF NOT EXISTS standin_tokens
    (id SERIAL PRIMARY KEY, user_id INTEGER, name VARCHAR(64), token_key VARCHAR(64),
     status INTEGER);
CREATE TABLE IF NOT EXISTS standin_channels
    (id SERIAL PRIMARY KEY, name TEXT, type INTEGER, channel_key TEXT, base_url TEXT,
     models TEXT, status INTEGER);
CREATE TABLE IF NOT EXISTS standin_options (name VARCHAR(64) PRIMARY KEY, value TEXT)
"""


def success(data: object = None, **headers: str) -> Answer:
    """As both say yes."""
    return Answer(200, {"success": True, "message": "", "data": data}, headers)


def refusal(message: str, status: int = 200) -> Answer:
    """As both say no: mostly with 200."""
    return Answer(status, {"success": False, "message": message})


class Accounts(Api):  # type: ignore[misc]  # as above
    """The API of ``edition``."""

    def __init__(self, edition: str, connect: Connect) -> None:
        super().__init__(connect, TABLES)
        self.edition = edition
        self.log_ins: dict[str, list[float]] = {}
        self.lock = threading.Lock()
        if edition == "one-api":
            with self.cursor() as cursor:
                if not user_count(cursor):
                    add_user(cursor, "root", PUBLISHED)

    def routes(self) -> list[Route]:
        """What both editions answer, and what new-api does."""
        both: list[Route] = [
            ("POST", "/api/user/login", self.log_in),
            ("GET", "/api/user/self", self.logged_in(own)),
            ("PUT", "/api/user/self", self.logged_in(self.change_own)),
            ("GET", "/api/token/search", self.logged_in(self.search)),
            ("POST", "/api/token/", self.logged_in(self.add_token)),
            ("DELETE", r"/api/token/(\d+)", self.logged_in(self.delete_token)),
            ("GET", "/api/channel/search", self.logged_in(self.channels)),
            ("POST", "/api/channel/", self.logged_in(self.add_channel)),
            ("DELETE", r"/api/channel/(\d+)", self.logged_in(delete_channel)),
            ("GET", "/api/option/", self.logged_in(options)),
            ("PUT", "/api/option/", self.logged_in(change_option)),
            ("GET", "/v1/models", models),
            ("POST", "/v1/(chat/completions|embeddings)", relay),
        ]
        if self.edition == "one-api":
            return both
        return [
            *both,
            ("GET", "/api/setup", set_up_state),
            ("POST", "/api/setup", set_up),
            ("POST", r"/api/token/(\d+)/key", self.logged_in(token_key)),
        ]

    # -- accounts ------------------------------------------------------------------------------

    def log_in(self, cursor: Cursor, request: Request) -> Answer:
        """A session, where name and password are right and it was not tried too often."""
        if self.too_often(request.client):
            return Answer(429, None)
        name, password = request.json.get("username"), request.json.get("password")
        if not name or not password:
            return refusal("无效的参数")
        cursor.execute("SELECT id, password FROM standin_users WHERE username = %s", (name,))
        row = cursor.fetchone()
        if row is None or not fits(password, row[1]):
            return refusal("用户名或密码错误，或用户已被封禁")
        user, proof = {"id": row[0], "username": name, "role": 100}, signed(row[0])
        if self.edition == "one-api":
            return success(user, **{"Set-Cookie": f"session={proof}; Path=/; Max-Age=2592000"})
        return success({"access_token": proof, "token_type": "Bearer", "user": user})

    def too_often(self, client: str) -> bool:
        """Whether one more log-in is too much."""
        now = time.monotonic()
        with self.lock:
            recent = [t for t in self.log_ins.get(client, []) if t > now - PERIOD]
            self.log_ins[client] = recent[-LOG_INS:] if len(recent) >= LOG_INS else [*recent, now]
        return len(recent) >= LOG_INS

    def logged_in(self, handle: Callable[..., Answer]) -> Callable[..., Answer]:
        """*handle* for who is logged in; it gets the user's id, too."""

        def checked(cursor: Cursor, request: Request, *more: str) -> Answer:
            if self.edition == "one-api":
                found = re.search(r"session=([^;]+)", request.headers.get("Cookie", ""))
                proof = found[1] if found else ""
            else:
                proof = request.headers.get("Authorization", "").removeprefix("Bearer ")
            user = user_of(proof)
            if user is None:
                return refusal("无权进行此操作，未登录且未提供 access token", 401)
            return handle(cursor, request, user, *more)

        return checked

    def change_own(self, cursor: Cursor, request: Request, user: int) -> Answer:
        """Another password for the user. Of 8 to 20 characters."""
        password = request.json.get("password", "")
        if not 8 <= len(password) <= 20 or len(request.json.get("username", "")) > 12:
            return refusal("输入不合法 Field validation for 'Password' failed")
        if self.edition == "new-api":
            cursor.execute("SELECT password FROM standin_users WHERE id = %s", (user,))
            if not fits(request.json.get("original_password", ""), cursor.fetchone()[0]):
                return refusal("原密码错误")
        change = "UPDATE standin_users SET password = %s WHERE id = %s"
        cursor.execute(change, (hashed(password), user))
        return success()

    # -- tokens --------------------------------------------------------------------------------

    def search(self, cursor: Cursor, request: Request, user: int) -> Answer:
        """Tokens by name, without one all: one-api takes its beginning, new-api all of it. That
        hides the keys, and shows an administrator the tokens of all users, or of one."""
        keyword = request.query.get("keyword", "")
        like = keyword if keyword and self.edition == "new-api" else f"{keyword}%"
        whose = user if self.edition == "one-api" else request.query.get("user_id")
        names = ("id", "user_id", "name", "key", "status")
        query = "SELECT id, user_id, name, token_key, status FROM standin_tokens"
        query += " WHERE name LIKE %s AND COALESCE(user_id = %s, true) ORDER BY id DESC"
        cursor.execute(query, (like, whose))
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        if self.edition == "one-api":
            return success(found)
        masked = [one | {"key": f"{one['key'][:4]}**********{one['key'][-4:]}"} for one in found]
        return success({"page": 1, "page_size": 10, "total": len(found), "items": masked})

    def add_token(self, cursor: Cursor, request: Request, user: int) -> Answer:
        """A token; only one-api tells it at once."""
        name = request.json.get("name", "")
        if len(name.encode()) > (30 if self.edition == "one-api" else 50):
            return refusal("令牌名称过长")
        if not request.json.get("unlimited_quota"):
            return refusal("the stand-in knows unlimited tokens only")
        key = "".join(secrets.choice(KEY_CHARACTERS) for _ in range(48))
        insert = "INSERT INTO standin_tokens (user_id, name, token_key, status)"
        cursor.execute(insert + " VALUES (%s, %s, %s, 1)", (user, name, key))
        return success({"name": name, "key": key} if self.edition == "one-api" else None)

    def delete_token(self, cursor: Cursor, _: Request, user: int, number: str) -> Answer:
        """The token is no more. An administrator of new-api can delete those of others, too."""
        whose = user if self.edition == "one-api" else None
        delete = "DELETE FROM standin_tokens WHERE id = %s AND COALESCE(user_id = %s, true)"
        cursor.execute(delete, (number, whose))
        return success() if cursor.rowcount else refusal("record not found")

    # -- channels ------------------------------------------------------------------------------

    def channels(self, cursor: Cursor, request: Request, _: int) -> Answer:
        """Channels by name, of which one-api takes the beginning and new-api any part. Without
        keys."""
        like = request.query.get("keyword", "") + "%"
        names = ("id", "name", "type", "base_url", "models", "status")
        query = "SELECT id, name, type, base_url, models, status FROM standin_channels"
        before = "%" if self.edition == "new-api" else ""
        cursor.execute(f"{query} WHERE name LIKE %s ORDER BY id DESC", (before + like,))
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return success(
            found if self.edition == "one-api" else {"items": found, "total": len(found)}
        )

    def add_channel(self, cursor: Cursor, request: Request, _: int) -> Answer:
        """A channel, which new-api wants within another object."""
        wanted = request.json
        if self.edition == "new-api":
            if wanted.get("mode") != "single":
                return refusal("不支持的添加模式")
            wanted = wanted.get("channel") or {}
        if not wanted.get("key"):
            return refusal("channel cannot be empty")
        fields = ("name", "type", "key", "base_url", "models", "status")
        insert = "INSERT INTO standin_channels (name, type, channel_key, base_url, models, status)"
        values = tuple(wanted.get(field) for field in fields)
        cursor.execute(insert + " VALUES (%s, %s, %s, %s, %s, %s)", values)
        return success()


def delete_channel(cursor: Cursor, request: Request, user: int, number: str) -> Answer:
    """The channel is no more."""
    cursor.execute("DELETE FROM standin_channels WHERE id = %s", (number,))
    return success()


def options(cursor: Cursor, request: Request, user: int) -> Answer:
    """What an administrator has set, and what is set at first."""
    cursor.execute("SELECT name, value FROM standin_options")
    found = {"ModelRatio": json.dumps({"gpt-4": 15})} | dict(cursor.fetchall())
    return success([{"key": key, "value": value} for key, value in found.items()])


def change_option(cursor: Cursor, request: Request, user: int) -> Answer:
    """Another value of an option."""
    name, value = request.json["key"], request.json["value"]
    cursor.execute("DELETE FROM standin_options WHERE name = %s", (name,))
    cursor.execute("INSERT INTO standin_options VALUES (%s, %s)", (name, value))
    return success()


def own(cursor: Cursor, request: Request, user: int) -> Answer:
    """Who is logged in."""
    cursor.execute("SELECT id, username FROM standin_users WHERE id = %s", (user,))
    number, name = cursor.fetchone()
    return success({"id": number, "username": name})


def token_key(cursor: Cursor, request: Request, user: int, number: str) -> Answer:
    """A token's key in the clear."""
    query = "SELECT token_key FROM standin_tokens WHERE id = %s AND user_id = %s"
    cursor.execute(query, (number, user))
    row = cursor.fetchone()
    return success({"key": row[0]}) if row else refusal("record not found")


def may_ask(cursor: Cursor, request: Request) -> bool:
    """Whether the token of who asks for models is one."""
    key = request.headers.get("Authorization", "").removeprefix("Bearer ").removeprefix("sk-")
    cursor.execute("SELECT status FROM standin_tokens WHERE token_key = %s", (key.split("-")[0],))
    row = cursor.fetchone()
    return row is not None and row[0] == 1


def error(status: int, message: str) -> Answer:
    """As an OpenAI-compatible client gets it."""
    return Answer(status, {"error": {"message": message, "type": "one_api_error"}})


def models(cursor: Cursor, request: Request) -> Answer:
    """The models that a token may use: as an OpenAI-compatible client asks for them."""
    if not may_ask(cursor, request):
        return error(401, "无效的令牌")
    cursor.execute("SELECT models FROM standin_channels WHERE status = 1 ORDER BY id")
    found = [name for (names,) in cursor.fetchall() for name in names.split(",")]
    data = [{"id": name, "object": "model"} for name in [*found, "stand-in"]]
    return Answer(200, {"object": "list", "data": data})


def relay(cursor: Cursor, request: Request, path: str) -> Answer:
    """What the server of a channel with the model answers, piece by piece."""
    if not may_ask(cursor, request):
        return error(401, "无效的令牌")
    model = str(request.json.get("model", ""))
    cursor.execute("SELECT base_url, channel_key, models FROM standin_channels WHERE status = 1")
    able = [row for row in cursor.fetchall() if model in row[2].split(",")]
    if not able:
        return error(503, f"当前分组 default 下对于模型 {model} 无可用渠道")
    server, key, _ = random.choice(able)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{server}/v1/{path}", request.body, headers, method="POST")
    try:
        return Answer(200, None, stream=urllib.request.urlopen(asked, timeout=120))
    except urllib.error.HTTPError as refused:
        return Answer(refused.code, json.loads(refused.read()))
    except OSError as lost:
        return error(500, f"do request failed: {lost}")


def set_up_state(cursor: Cursor, request: Request) -> Answer:
    """Whether there is a first account."""
    done = user_count(cursor) > 0
    return success({"status": done, "root_init": done, "database_type": "postgres"})


def set_up(cursor: Cursor, request: Request) -> Answer:
    """The first account, once."""
    wanted = request.json
    if user_count(cursor):
        return refusal("系统已经初始化完成")
    if len(wanted.get("username", "")) > 12:
        return refusal("用户名长度不能超过12个字符")
    if wanted.get("password") != wanted.get("confirmPassword"):
        return refusal("两次输入的密码不一致")
    if len(wanted.get("password", "")) < 8:
        return refusal("密码长度至少为8个字符")
    add_user(cursor, wanted["username"], wanted["password"])
    return success()


def user_count(cursor: Cursor) -> int:
    """How many accounts there are."""
    cursor.execute("SELECT count(*) FROM standin_users")
    return int(cursor.fetchone()[0])


def add_user(cursor: Cursor, name: str, password: str) -> None:
    """One more account."""
    insert = "INSERT INTO standin_users (username, password) VALUES (%s, %s)"
    cursor.execute(insert, (name, hashed(password)))


def hashed(password: str, salt: bytes | None = None) -> str:
    """What is stored of a password."""
    salt = salt or os.urandom(16)
    return f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1).hex()}"


def fits(password: str, stored: str) -> bool:
    """Whether it is the password."""
    return hmac.compare_digest(hashed(password, bytes.fromhex(stored.partition(":")[0])), stored)


def signed(user: int) -> str:
    """What proves that a user has logged in."""
    return f"{user}.{base64.urlsafe_b64encode(signature(user)).decode().rstrip('=')}"


def user_of(proof: str) -> int | None:
    """The user whose proof it is."""
    number = proof.partition(".")[0]
    right = number.isdecimal() and hmac.compare_digest(signed(int(number)), proof)
    return int(number) if right else None


def signature(user: int) -> bytes:
    key = os.environ["SESSION_SECRET"].encode()
    return hmac.digest(key, str(user).encode(), "sha256")
