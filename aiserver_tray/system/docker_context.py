"""Docker's contexts: engines that the user gave a name (``docker context ls``).

Read from Docker's own files, since the SDK's reader takes its folder from the process's
environment and fails on contexts of other kinds.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiserver_tray.system.docker_config import docker_config
from aiserver_tray.system.docker_folder import docker_config_file, docker_folder

_DEFAULT = "default"


@dataclass(frozen=True)
class DockerContext:
    """``environment`` says by ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH`` how to be sure of
    the engine at ``host``."""

    name: str
    host: str
    environment: Mapping[str, str]


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


def _read(file: Path) -> dict[str, Any]:
    """The JSON object in *file*, empty if there is none."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
