"""The user's logins at registries, as ``docker login`` keeps them."""

import os
import shutil
from collections.abc import Callable
from typing import Any

from docker import auth
from docker.credentials.errors import StoreError
from docker.errors import DockerException

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.docker_files import docker_config

Headers = dict[str, str]


def pull_auth(repository: str) -> tuple[Headers, Text | None]:
    """Headers for pulling *repository*, and the error if stored credentials can't be read: the pull
    is then tried without them."""
    return _read(lambda: _for_one(repository))


def build_auth() -> tuple[Headers, Text | None]:
    """Headers for a build. Its Dockerfile may name any registry."""
    return _read(_for_all)


def _read(read: Callable[[], Headers]) -> tuple[Headers, Text | None]:
    try:
        return read(), None
    except (DockerException, StoreError, SettingError, OSError, ValueError, KeyError) as error:
        # A broken file, or a credential helper that is missing or locked.
        why = error.text if isinstance(error, SettingError) else error
        return {}, Text("can't read the credentials of `docker login`: {why}", why=why)


def _for_one(repository: str) -> Headers:
    registry, _ = auth.resolve_repository_name(repository)
    logins = _logins()
    _find_helper(logins.get_credential_store(registry))
    return _header("X-Registry-Auth", logins.resolve_authconfig(registry))


def _for_all() -> Headers:
    logins = _logins()
    for helper in (logins.creds_store, *logins.cred_helpers.values()):
        _find_helper(helper)
    found = logins.get_all_credentials()
    if auth.INDEX_NAME in found:  # the engine knows Docker Hub by its old address
        found.setdefault(auth.INDEX_URL, found[auth.INDEX_NAME])
    return _header("X-Registry-Config", found)


def _logins() -> Any:  # noqa: ANN401 - the SDK's
    config = docker_config(os.environ)
    helpers = {"credsStore": config.creds_store, "credHelpers": config.cred_helpers}
    return auth.AuthConfig({"auths": auth.AuthConfig.parse_auth(config.auths), **helpers})


def _find_helper(name: str | None) -> None:
    """The SDK would warn on our standard error about one that is not there."""
    if name and shutil.which(f"docker-credential-{name}") is None:
        raise FileNotFoundError(f"docker-credential-{name} is not installed")


def _header(name: str, content: Any) -> Headers:  # noqa: ANN401 - the SDK's
    return {name: auth.encode_header(content).decode()} if content else {}
