"""The API of both editions of OneAPI, for access tokens and channels, which are its ways to models.

one-api v0.6.10 identifies a user by a cookie and shows keys. new-api hides keys in lists, and
identifies a user by an access token (v1.0), or by a cookie and a header with the user's number
(earlier versions). Source: songquanpeng/one-api and QuantumNous/new-api,
controller/{user,token,channel,option}.go, middleware/auth.go, relay/billing/ratio/model.go.
"""

import json
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote

from aiserver_tray.base.i18n import Text

ACCOUNT = "root"
PASSWORD = "oneapi.ONEAPI_ROOT_PASSWORD"  # the setting's address
PORT = 3000
"""Its port inside the container."""
_TIMEOUT_SECONDS = 30.0
"""Seconds for one answer."""
_OPENAI = 1
"""The type of a channel to a server with OpenAI's interface."""


class OneApiError(Exception):
    """A request failed. ``why`` has no full stop."""

    def __init__(self, why: Text) -> None:
        super().__init__(why)
        self.why = why


class OneApi:
    """OneAPI at *host* and *port*, where `ACCOUNT` is logged in with *password*.

    Raises:
        OneApiError: from every method, too: it does not answer, or says no.
    """

    def __init__(self, host: str, port: int, password: str) -> None:
        self._place = host, port
        self._headers: dict[str, str] = {}
        self._user: int | None = None
        self._log_in(password)

    def key(self, name: str) -> str | None:
        """The key of the token called *name*, if there is one."""
        found = self._named(name)
        return self._key(found[0]) if found else None

    def make(self, name: str) -> str:
        """Create a token called *name* without expiry or limit, replace an earlier one, and return
        its key."""
        self.remove(name)
        wanted = {"name": name, "expired_time": -1, "remain_quota": 0, "unlimited_quota": True}
        self._ask("POST", "/api/token/", wanted)
        if (key := self.key(name)) is None:
            raise OneApiError(Text("it did not create a token"))
        return key

    def remove(self, name: str) -> None:
        """Take every token of `ACCOUNT` called *name* away."""
        for token in self._named(name):
            self._ask("DELETE", f"/api/token/{token['id']}")

    # -- channels -------------------------------------------------------------------------------

    def add_channel(self, name: str, address: str, key: str, models: Sequence[str]) -> None:
        """Create a channel called *name* to *models* of the server at *address*, without ``/v1``,
        and replace an earlier one. The models cost nothing."""
        self.remove_channel(name)
        wanted = {
            "name": name,
            "type": _OPENAI,
            "key": key,
            "base_url": address,
            "models": ",".join(models),
            "group": "default",
            "status": 1,
        }
        # Each edition reads its own fields of this.
        self._ask("POST", "/api/channel/", {**wanted, "mode": "single", "channel": wanted})
        self._make_free(models)

    def remove_channel(self, name: str) -> None:
        """Delete every channel called *name*."""
        for channel in self._channels(name):
            self._ask("DELETE", f"/api/channel/{channel['id']}")

    def has_channel(self, name: str) -> bool:
        """Whether a channel called *name* is there and turned on."""
        return any(channel.get("status") == 1 for channel in self._channels(name))

    def _channels(self, name: str) -> list[dict[str, Any]]:
        data = self._ask("GET", f"/api/channel/search?keyword={quote(name)}&page_size=100")
        found = data.get("items", []) if isinstance(data, dict) else data
        return [one for one in found or [] if one.get("name") == name]

    def _make_free(self, models: Sequence[str]) -> None:
        """Otherwise, each answer of a model that has no price is as dear as that of a large one,
        until the account has no quota left."""
        options = self._ask("GET", "/api/option/") or []
        stored = next((one["value"] for one in options if one.get("key") == "ModelRatio"), "{}")
        try:
            ratios = dict(json.loads(stored))
        except (ValueError, TypeError):  # another edition's form
            return
        named = {f"{model}({_OPENAI})": 0 for model in models} | dict.fromkeys(models, 0)
        new = {name: ratio for name, ratio in named.items() if name not in ratios}
        if new:
            value = json.dumps(ratios | new)
            self._ask("PUT", "/api/option/", {"key": "ModelRatio", "value": value})

    # -- requests -------------------------------------------------------------------------------

    def takes(self, key: str) -> bool:
        """Whether it accepts *key*."""
        return takes(self._place, key)

    def _log_in(self, password: str) -> None:
        wanted = {"username": ACCOUNT, "password": password}
        status, response, body = _exchange(self._place, "POST", "/api/user/login", {}, wanted)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            why = Text("it received too many requests; it accepts new ones in 20 minutes")
            raise OneApiError(why)
        answer = _read(status, body)
        if not answer.get("success"):
            why = Text("{name} can't log in: {why}", name=ACCOUNT, why=_message(answer))
            raise OneApiError(why)
        data = answer.get("data") or {}
        if data.get("require_2fa"):
            raise OneApiError(Text("{name} uses two-factor authentication", name=ACCOUNT))
        self._user = data.get("user", data).get("id")
        if "access_token" in data:
            self._headers["Authorization"] = f"Bearer {data['access_token']}"
        else:
            cookies = response.headers.get_all("Set-Cookie") or []
            self._headers["Cookie"] = "; ".join(cookie.partition(";")[0] for cookie in cookies)
            self._headers["New-Api-User"] = str(self._user)

    def _named(self, name: str) -> list[dict[str, Any]]:
        # One edition searches by prefix, the other by the whole name, and there an administrator
        # also finds the tokens of other users.
        query = f"keyword={quote(name)}&user_id={self._user}"
        data = self._ask("GET", f"/api/token/search?{query}")
        found = data.get("items", []) if isinstance(data, dict) else data
        wanted = name, self._user
        return [one for one in found or [] if (one.get("name"), one.get("user_id")) == wanted]

    def _key(self, token: dict[str, Any]) -> str:
        key = str(token["key"])
        if "*" in key:
            key = str(self._ask("POST", f"/api/token/{token['id']}/key")["key"])
        return f"sk-{key.removeprefix('sk-')}"

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """The ``data`` of its answer."""
        status, _, content = _exchange(self._place, method, path, self._headers, body)
        answer = _read(status, content)
        if not answer.get("success"):
            raise OneApiError(Text("its response is: {message}", message=_message(answer)))
        return answer.get("data")


def takes(place: tuple[str, int], key: str) -> bool:
    """Whether OneAPI at *place* accepts *key*. Needs no login, of which it takes 20 in 20 minutes.

    Raises:
        OneApiError: it does not answer.
    """
    headers = {"Authorization": f"Bearer {key}"}
    status, _, _ = _exchange(place, "GET", "/v1/models", headers)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return False
    if status != HTTPStatus.OK:
        raise OneApiError(_unexpected(status))
    return True


def _exchange(
    place: tuple[str, int], method: str, path: str, headers: dict[str, str], body: object = None
) -> tuple[int, HTTPResponse, bytes]:
    """Status, headers and body of an answer."""
    connection = HTTPConnection(*place, timeout=_TIMEOUT_SECONDS)
    content = None if body is None else json.dumps(body)
    try:
        connection.request(method, path, content, {**headers, "Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response, response.read()
    except (OSError, HTTPException) as error:
        raise OneApiError(Text("it does not respond: {error}", error=str(error))) from error
    finally:
        connection.close()


def _read(status: int, body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        raise OneApiError(_unexpected(status)) from None
    if not isinstance(answer, dict):
        raise OneApiError(_unexpected(status))
    return answer


def _message(answer: dict[str, Any]) -> str:
    return str(answer.get("message", ""))


def _unexpected(status: int) -> Text:
    return Text("its response is not valid (status {status})", status=status)
