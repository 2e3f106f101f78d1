"""Checks of an engine's address, as in ``DOCKER_HOST``, without contacting it."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from aiserver_tray.base.i18n import Text

_SCHEMES = ("unix", "npipe", "tcp", "http", "https")
_LOCAL_PIPES = "//./pipe/"


def is_local(host: str) -> bool:
    """Whether the engine at *host* is on this machine, judging by its address."""
    parts = urlsplit(host)
    if parts.scheme == "unix":
        return True
    if parts.scheme == "npipe":  # else it names another machine
        return parts.path.lower().startswith(_LOCAL_PIPES)
    name = parts.hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def why_unusable(host: str) -> Text | None:
    """The reason why *host* is not a valid address. None if it is valid."""
    try:
        parts = urlsplit(host)
    except ValueError:  # of brackets that don't match
        return _no_address(host)
    if "@" in parts.netloc and parts.scheme != "ssh":
        return Text(
            "the address of an engine can't contain a user or password. Use TLS certificates "
            "instead"
        )
    if parts.scheme == "ssh":
        return Text(
            "{host}: SSH addresses are not supported. Forward the engine's socket (ssh -NL "
            "/tmp/docker.sock:/var/run/docker.sock USER@MACHINE), then use "
            "unix:///tmp/docker.sock",
            host=host,
        )
    if "://" not in host or parts.scheme not in _SCHEMES or not _is_complete(parts):
        return _no_address(host)
    return None


def _no_address(host: str) -> Text:
    return Text(
        "expected an engine address such as unix:///PATH, npipe:////./pipe/NAME or "
        "tcp://MACHINE:PORT, found {host!r}",
        host=host,
    )


def _is_complete(parts: SplitResult) -> bool:
    if parts.scheme in ("unix", "npipe"):
        return bool(parts.netloc or parts.path.strip("/"))
    try:
        return bool(parts.hostname and parts.port)
    except ValueError:  # no number
        return False
