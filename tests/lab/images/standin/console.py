"""The first account and the log-in of Dify's page, in the database that Dify uses.

What is asked for, answered and refused is its own: langgenius/dify, api/controllers/console/{setup,
init_validate,auth/login,workspace/account}.py, api/libs/{encryption,token}.py. Its cookies are
bound to HTTPS if its own addresses have that, and then have other names, which the page must know.
"""

import base64
import hmac
import os
import re

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class
from routes import (  # type: ignore[import-not-found]  # beside this file, in the image only
    Answer,
    Api,
    Connect,
    Request,
    Route,
)

# Several containers begin at once.
TABLES = """
SELECT pg_advisory_xact_lock(2);
CREATE TABLE IF NOT EXISTS standin_accounts (email VARCHAR(255), password TEXT)
"""


class Console(Api):  # type: ignore[misc]  # as above
    """Setup and log-in."""

    def __init__(self, connect: Connect) -> None:
        super().__init__(connect, TABLES)

    def routes(self) -> list[Route]:
        return [
            ("GET", "/console/api/setup", set_up_state),
            ("GET", "/console/api/init", validation_state),
            ("POST", "/console/api/init", validate),
            ("POST", "/console/api/setup", set_up),
            ("POST", "/console/api/login", log_in),
            ("GET", "/console/api/account/profile", profile),
        ]


def refusal(status: int, code: str) -> Answer:
    """As it says no."""
    return Answer(status, {"code": code, "message": code.replace("_", " "), "status": status})


def is_set_up(cursor: Cursor) -> bool:
    cursor.execute("SELECT 1 FROM standin_accounts")
    return cursor.fetchone() is not None


def set_up_state(cursor: Cursor, request: Request) -> Answer:
    """Whether there is an account."""
    return Answer(200, {"step": "finished" if is_set_up(cursor) else "not_started"})


def is_validated(request: Request) -> bool:
    """Whether the setup needs no password, or was sent the right one before."""
    cookie = request.headers.get("Cookie", "")
    return not os.environ.get("INIT_PASSWORD") or proof("init") in cookie


def validation_state(cursor: Cursor, request: Request) -> Answer:
    """Whether the setup's password is still missing."""
    is_done = is_set_up(cursor) or is_validated(request)
    return Answer(200, {"status": "finished" if is_done else "not_started"})


def validate(cursor: Cursor, request: Request) -> Answer:
    """A cookie for who knows the password of the setup."""
    if is_set_up(cursor):
        return refusal(403, "already_setup")
    if request.json.get("password") != os.environ.get("INIT_PASSWORD"):
        return refusal(401, "init_validate_failed")
    return Answer(201, {"result": "success"}, {"Set-Cookie": f"session={proof('init')}; Path=/"})


def set_up(cursor: Cursor, request: Request) -> Answer:
    """The first account, once."""
    if is_set_up(cursor):
        return refusal(403, "already_setup")
    if not is_validated(request):
        return refusal(401, "not_init_validated")
    wanted = request.json
    if not re.fullmatch(r"(?=.*[a-zA-Z])(?=.*\d).{8,}", wanted.get("password", "")):
        return refusal(400, "invalid_param")
    row = (wanted["email"], wanted["password"])
    cursor.execute("INSERT INTO standin_accounts VALUES (%s, %s)", row)
    return Answer(201, {"result": "success"})


def log_in(cursor: Cursor, request: Request) -> Answer:
    """A session, where address and password are right. The password comes in Base64."""
    asked = request.json
    password = base64.b64decode(asked.get("password", "")).decode(errors="replace")
    query = "SELECT 1 FROM standin_accounts WHERE email = %s AND password = %s"
    cursor.execute(query, (asked.get("email"), password))
    if cursor.fetchone() is None:
        return refusal(401, "authentication_failed")
    cookies = cookie(ACCESS, f"{proof('user')}; HttpOnly"), cookie(CSRF, proof("page"))
    return Answer(200, {"result": "success"}, {"Set-Cookie": cookies})


def profile(cursor: Cursor, request: Request) -> Answer:
    """The account of who is logged in, and shows that its page asks."""
    found = dict(
        one.strip().partition("=")[::2] for one in request.headers.get("Cookie", "").split(";")
    )
    # A gateway may write it in another way.
    headers = {name.lower(): value for name, value in request.headers.items()}
    shown = found.get(prefix() + CSRF), headers.get("x-csrf-token")
    if found.get(prefix() + ACCESS) != proof("user") or shown != (proof("page"),) * 2:
        return refusal(401, "unauthorized")
    cursor.execute("SELECT email FROM standin_accounts")
    return Answer(200, {"email": cursor.fetchone()[0]})


ACCESS, CSRF = "access_token", "csrf_token"


def prefix() -> str:
    """How the names of cookies begin: a browser takes `__Host-` only with HTTPS."""
    own = (os.environ.get(name, "") for name in ("CONSOLE_WEB_URL", "CONSOLE_API_URL"))
    return "__Host-" if all(url.startswith("https") for url in own) else ""


def cookie(name: str, value: str) -> str:
    """A cookie of the whole address."""
    return f"{prefix()}{name}={value}; Path=/; SameSite=Lax" + ("; Secure" if prefix() else "")


def proof(what: str) -> str:
    """What shows that this container's Dify has agreed to *what*."""
    return hmac.digest(os.environ["SECRET_KEY"].encode(), what.encode(), "sha256").hex()
