"""``Config`` of a container, in the engine's terms: the program and its environment.

Fields:
https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerCreate
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.service import Healthcheck, Hook, Service

SECOND = 1_000_000_000
"""In nanoseconds, the unit of all durations of Compose models and the engine."""

# The engine's own (https://docs.docker.com/reference/dockerfile/#healthcheck).
_INTERVAL = _TIMEOUT = 30 * SECOND
_RETRIES = 3


def config(service: "Service") -> dict[str, Any]:
    """``Config`` less the labels and ``Image``."""
    body: dict[str, Any] = {
        "Hostname": service.hostname,
        "Domainname": service.domainname,
        "User": service.user,
        "ExposedPorts": _exposed_ports(service),
        "Tty": service.tty,
        "OpenStdin": service.stdin_open,
        # As for `docker run --detach` and Compose; an attached client sees both.
        "AttachStdout": True,
        "AttachStderr": True,
        "Env": environment(service.environment),
        "Cmd": service.command,
        "Entrypoint": service.entrypoint,
        "WorkingDir": service.working_dir,
        "StopSignal": service.stop_signal,
    }
    if service.healthcheck is not None:
        body["Healthcheck"] = _healthcheck(service.healthcheck)
    if service.stop_grace_period is not None:
        body["StopTimeout"] = int(service.stop_grace_period / SECOND)
    if service.mac_address and not service.networks:
        body["MacAddress"] = service.mac_address
    if service.network_mode == "disabled":
        body["NetworkDisabled"] = True
    return body


def environment(variables: dict[str, str | None]) -> list[str]:
    """``NAME=value`` in the order of the names, which has no meaning; a name without a value takes
    away the image's."""
    return [n if value is None else f"{n}={value}" for n, value in sorted(variables.items())]


def _exposed_ports(service: "Service") -> dict[str, dict[str, Any]]:
    published = (f"{port.target}/{port.protocol}" for port in service.ports)
    return {port: {} for port in (*service.expose, *published)}


def _healthcheck(check: "Healthcheck") -> dict[str, Any]:
    return {
        "Test": ["NONE"] if check.disable else check.test,
        "Interval": check.interval or 0,
        "Timeout": check.timeout or 0,
        "StartPeriod": check.start_period or 0,
        "StartInterval": check.start_interval or 0,
        "Retries": check.retries or 0,
    }


_REQUESTED = re.compile(
    r"""https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?P<url>/[^\s'"`?#;|)]*)?
    | \b(?:GET|HEAD)['"]?,?\s+['"]?(?P<path>/[^\s'"`?#;|)]*)""",
    re.VERBOSE,
)


def checked_paths(test: Sequence[str] | str) -> tuple[str, ...]:
    """The paths that a health check with the command *test* requests from its own container."""
    command = test if isinstance(test, str) else " ".join(map(str, test))
    found = (match["path"] or match["url"] or "/" for match in _REQUESTED.finditer(command))
    return tuple(dict.fromkeys(found))


def longest_check(check: "Healthcheck | None") -> float:
    """Seconds until the engine calls a container unhealthy at the latest, by its check or, where
    the file gives none, by one of the image's that keeps to the defaults."""
    if check is None:
        return _RETRIES * (_INTERVAL + _TIMEOUT) / SECOND
    if check.disable or check.test[:1] == ["NONE"]:
        return 0.0
    rounds = check.retries or _RETRIES
    each = (check.interval or _INTERVAL) + (check.timeout or _TIMEOUT)
    return ((check.start_period or 0) + rounds * each) / SECOND


def hook(command: "Hook") -> dict[str, Any]:
    """The body of an exec's creation for a command of ``post_start`` or ``pre_stop``."""
    return {
        "Cmd": command.command,
        "User": command.user,
        "Privileged": command.privileged,
        "WorkingDir": command.working_dir,
        "Env": environment(command.environment),
        "AttachStdout": True,
        "AttachStderr": True,
    }
