"""Which engine: what the user names, or this machine's own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiserver_tray.errors import SettingError
from aiserver_tray.host.engine_place import default_host
from aiserver_tray.i18n import Text

_SCHEMES = ("unix", "npipe", "tcp", "http", "https")


@dataclass(frozen=True)
class Address:
    """``host`` as in ``DOCKER_HOST``. ``is_default``: nobody named it. ``environment`` is where
    ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH`` are looked up."""

    host: str
    is_default: bool
    environment: Mapping[str, str]

    @property
    def is_local(self) -> bool:
        """Whether the engine is on this machine, as far as its address tells."""
        parts = urlsplit(self.host)
        if parts.scheme in ("unix", "npipe"):
            return True
        name = parts.hostname or ""
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"


def find_address(option: str | None, environment: Mapping[str, str] = os.environ) -> Address:
    """The engine that *option* (``--host``) or ``DOCKER_HOST`` names, else the local one.

    Raises:
        SettingError: that is no address of an engine.
    """
    named = option or environment.get("DOCKER_HOST")
    if not named:
        return Address(default_host(), is_default=True, environment=environment)
    _check("--host" if option else "DOCKER_HOST", named)
    return Address(named, is_default=False, environment=environment)


def _check(source: str, host: str) -> None:
    scheme = urlsplit(host).scheme
    if scheme == "ssh":
        why = Text(
            "{host}: an engine behind ssh can't be used directly. Forward its socket "
            "(ssh -NL /tmp/docker.sock:/var/run/docker.sock USER@MACHINE), then use "
            "unix:///tmp/docker.sock",
            host=host,
        )
        raise SettingError(source, why)
    if "://" not in host or scheme not in _SCHEMES or not _is_complete(host):
        why = Text(
            "{host!r} is no address of an engine. Expected unix:///PATH, npipe:////./pipe/NAME or "
            "tcp://MACHINE:PORT",
            host=host,
        )
        raise SettingError(source, why)


def _is_complete(host: str) -> bool:
    parts = urlsplit(host)
    if parts.scheme in ("unix", "npipe"):
        return bool(parts.netloc or parts.path.strip("/"))
    try:
        return bool(parts.hostname and parts.port)
    except ValueError:  # no number
        return False
