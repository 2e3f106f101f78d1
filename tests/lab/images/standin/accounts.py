"""Accounts and tokens as one-api (v0.6.10) and new-api have them, in the database that they use.

What is asked for, answered and refused is theirs: songquanpeng/one-api and QuantumNous/new-api,
controller/{user,token,setup}.go, middleware/{auth,rate-limit}.go, model/{user,token}.go.

one-api makes root/123456 in an empty database; who is logged in has a cookie. new-api's first
account comes from whoever uses its setup first; a log-in gives an access token, lists show keys
masked, and a changed password wants the old one.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
import string
import threading
import time
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
     status INTEGER)
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
            ("GET", "/v1/models", models),
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


def models(cursor: Cursor, request: Request) -> Answer:
    """The models that a token may use: as an OpenAI-compatible client asks for them."""
    key = request.headers.get("Authorization", "").removeprefix("Bearer ").removeprefix("sk-")
    cursor.execute("SELECT status FROM standin_tokens WHERE token_key = %s", (key.split("-")[0],))
    row = cursor.fetchone()
    if row is None or row[0] != 1:
        return Answer(401, {"error": {"message": "无效的令牌", "type": "one_api_error"}})
    return Answer(200, {"object": "list", "data": [{"id": "stand-in", "object": "model"}]})


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
