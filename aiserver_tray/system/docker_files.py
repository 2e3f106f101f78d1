"""The user's configuration of Docker: proxies, credentials and contexts. Read from Docker's own
files, since the SDK's reader of contexts takes its folder from the process's environment and fails
on those of other kinds."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.file_paths import user_home
from aiserver_tray.base.i18n import Text

_DEFAULT = "default"


@dataclass(frozen=True)
class DockerContext:
    """A context, and its engine."""

    name: str
    host: str
    environment: Mapping[str, str]
    """How to verify the engine: ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH``."""


def current_context(environment: Mapping[str, str]) -> str | None:
    """The name of the context that ``docker context use`` chose; None: the default.

    Raises:
        SettingError: Docker's configuration is not valid.
    """
    file = docker_config_file(environment)
    found = _read(file)
    name = found.get("currentContext", "")
    if not isinstance(name, str) or (not found and file.exists()):
        name = docker_config(environment).current_context  # says what is wrong
    return None if name == _DEFAULT else name or None


def environment_context(environment: Mapping[str, str]) -> str | None:
    """The name in ``DOCKER_CONTEXT``; None: the default, or none is named."""
    name = environment.get("DOCKER_CONTEXT")
    return None if name == _DEFAULT else name or None


def load_context(name: str, environment: Mapping[str, str]) -> DockerContext | None:
    """The context *name*. None if it does not exist or has no engine address."""
    contexts = docker_folder(environment) / "contexts"
    key = hashlib.sha256(name.encode()).hexdigest()
    try:
        endpoint = _read(contexts / "meta" / key / "meta.json")["Endpoints"]["docker"]
        host, is_checked = endpoint["Host"], not endpoint.get("SkipTLSVerify", False)
    except (KeyError, TypeError, AttributeError):
        return None
    certificates = contexts / "tls" / key / "docker"
    if not certificates.is_dir():
        return DockerContext(name, host, {})
    verify = "1" if is_checked else ""
    tls = {"DOCKER_CERT_PATH": str(certificates), "DOCKER_TLS_VERIFY": verify}
    return DockerContext(name, host, tls)


def contexts(environment: Mapping[str, str]) -> list[DockerContext]:
    """The contexts that have an engine's address, by name."""
    files = (docker_folder(environment) / "contexts" / "meta").glob("*/meta.json")
    names = sorted(name for file in files if isinstance(name := _read(file).get("Name"), str))
    return [one for name in names if (one := load_context(name, environment))]


def _read(file: Path) -> dict[str, Any]:
    """The JSON object in *file*, empty if there is none."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


Login = dict[str, str]
"""``auth``, ``identitytoken`` and ``email`` at a registry, as far as they are there. Without
``auth``, a credential helper has it."""


@dataclass(frozen=True)
class DockerConfig:
    """The parts that matter for us."""

    auths: Mapping[str, Login] = field(default_factory=dict, repr=False)
    creds_store: str = ""
    cred_helpers: Mapping[str, str] = field(default_factory=dict)
    proxies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    current_context: str = ""
    http_headers: Mapping[str, str] = field(default_factory=dict)


def docker_config(environment: Mapping[str, str]) -> DockerConfig:
    """The configuration, empty if there is none or the user may not read it (``sudo docker login``
    can make it root's).

    Raises:
        SettingError: it is not valid; names the file and the entry.
    """
    file = docker_config_file(environment)
    try:
        content = file.read_bytes()
    except OSError:
        return DockerConfig()
    try:
        return _config(_mapping(json.loads(content) if content.strip() else {}))
    except _WrongEntryError as wrong:
        raise SettingError(str(file), _why(wrong)) from None
    except (ValueError, RecursionError) as error:
        why = Text("it is not valid JSON ({why}). Correct it", why=error)
        raise SettingError(str(file), why) from None


class _WrongEntryError(Exception):
    """The entry at *path* is not what was *expected*. Never contains its value."""

    def __init__(self, path: tuple[str, ...], expected: Text) -> None:
        super().__init__(path)
        self.path = path
        self.expected = expected


def _config(found: Mapping[str, Any]) -> DockerConfig:
    auths = _mapping(found.get("auths", {}), "auths")
    proxies = _mapping(found.get("proxies", {}), "proxies")
    return DockerConfig(
        auths={name: _login(entry, "auths", name) for name, entry in auths.items()},
        creds_store=_text(found.get("credsStore", ""), "credsStore"),
        cred_helpers=_texts(found.get("credHelpers", {}), "credHelpers"),
        proxies={name: _texts(entry, "proxies", name) for name, entry in proxies.items()},
        current_context=_text(found.get("currentContext", ""), "currentContext"),
        http_headers=_texts(found.get("HttpHeaders", {}), "HttpHeaders"),
    )


def _login(value: object, *path: str) -> Login:
    entry = _mapping(value, *path)
    names = ("auth", "identitytoken", "email")
    login = {n: _text(entry[n], *path, n) for n in names if entry.get(n) is not None}
    if "auth" in login and not _has_password(login["auth"]):
        raise _WrongEntryError((*path, "auth"), Text("the Base64 form of user:password"))
    return login


def _has_password(encoded: str) -> bool:
    try:
        return ":" in base64.b64decode(encoded).decode()
    except ValueError:
        return False


def _mapping(value: object, *path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _WrongEntryError(path, Text("a mapping"))
    return value


def _texts(value: object, *path: str) -> Mapping[str, str]:
    return {name: _text(text, *path, name) for name, text in _mapping(value, *path).items()}


def _text(value: object, *path: str) -> str:
    if not isinstance(value, str):
        raise _WrongEntryError(path, Text("text"))
    return value


def _why(wrong: _WrongEntryError) -> Text:
    named = {"entry": ".".join(wrong.path), "expected": wrong.expected}
    if not wrong.path:
        return Text("expected {expected}. Correct the file", **named)
    if wrong.path[0] == "auths":
        return Text(
            "{entry}: expected {expected}. Remove this entry, then log in again with "
            "`docker login`",
            **named,
        )
    return Text("{entry}: expected {expected}. Correct the file", **named)


def docker_folder(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("DOCKER_CONFIG") or user_home() / ".docker")


def docker_config_file(environment: Mapping[str, str]) -> Path:
    """The main file in it."""
    return docker_folder(environment) / "config.json"
