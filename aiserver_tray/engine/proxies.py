"""The proxies of Docker's configuration on this machine, for builds and containers. `docker` and
Docker Compose pass them on in the same way (https://docs.docker.com/engine/cli/proxy/). Their
addresses may contain passwords."""

import os
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from aiserver_tray.catalog.guessable import why_guessable
from aiserver_tray.system.docker_files import docker_config

Proxies = Mapping[str, str]
"""Addresses by variable in capitals, and in ``NO_PROXY`` the names that are asked directly."""

NO_PROXY = "NO_PROXY"

_VARIABLES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "allProxy": "ALL_PROXY",
    "noProxy": NO_PROXY,
}
_ADDRESSES = frozenset(_VARIABLES.values()) - {NO_PROXY}
_NEAR = (
    *("localhost", "127.0.0.1", "::1"),  # the container itself
    *("host.docker.internal", "gateway.docker.internal"),  # the machine, by Docker Desktop's names
)


def configured() -> Mapping[str, Proxies]:
    """The proxies by the engine's address, as in ``DOCKER_HOST``, or ``default``.

    Raises:
        SettingError: Docker's configuration is not valid.
    """
    return {
        host: {variable: entry[key] for key, variable in _VARIABLES.items() if entry.get(key)}
        for host, entry in docker_config(os.environ).proxies.items()
    }


def of_engine(found: Mapping[str, Proxies], host: str) -> Proxies:
    """Those of *found* for the engine at *host*."""
    return found.get(host, found.get("default", {}))


def passwords(found: Mapping[str, Proxies]) -> set[str]:
    """The passwords to mask in the addresses in *found*, as `passwords_in`."""
    addresses = (a for proxies in found.values() for v, a in proxies.items() if v in _ADDRESSES)
    return passwords_in(addresses)


def passwords_in(addresses: Iterable[str]) -> set[str]:
    """The passwords to mask in *addresses* of proxies, as written and as programs may quote them:
    name with password, and the password alone unless it is too common a word."""
    logins = {a.rpartition("://")[2].partition("/")[0].rpartition("@")[0] for a in addresses}
    pairs = {login for login in logins if ":" in login}
    # A login without a colon may be a token.
    alone = {login.partition(":")[2] or login for login in logins}
    raw = pairs | {word for word in alone if not why_guessable(word)}
    return raw | set(map(unquote, raw))


def beside(own: Iterable[str], proxies: Proxies) -> dict[str, str]:
    """The variables of *proxies* to be added to those of the names *own*, each in both spellings,
    of which programs read one or the other. One that is there in either stays alone."""
    taken = {name.upper() for name in own}
    return {
        name: value
        for variable, value in proxies.items()
        if variable not in taken
        for name in (variable, variable.lower())
    }


def with_proxies(env: Iterable[str], proxies: Proxies, inside: Iterable[str]) -> list[str]:
    """The ``Env`` of a container, *env*, with *proxies*. The container itself, this machine and the
    names *inside* bypass them, because no proxy knows these names. If *env* names its own proxy, no
    proxy is added: it may protect hosts that ours would reach."""
    env = list(env)
    own = {entry.partition("=")[0] for entry in env}
    if not _ADDRESSES.isdisjoint(name.upper() for name in own):
        return env
    if not _ADDRESSES.isdisjoint(proxies):
        proxies = {**proxies, NO_PROXY: _directly(proxies.get(NO_PROXY, ""), inside)}
    added = beside(own, proxies)
    return [*(f"{name}={value}" for name, value in sorted(added.items())), *env]


def _directly(said: str, inside: Iterable[str]) -> str:
    if said == "*":
        return said  # that is all; within a list it means nothing
    names = [name.strip() for name in said.split(",")]
    return ",".join(dict.fromkeys(filter(None, [*names, *_NEAR, *sorted(inside)])))
