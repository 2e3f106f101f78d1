"""The folder of Docker's configuration."""

from collections.abc import Mapping
from pathlib import Path

from aiserver_tray.base.user_home import user_home


def docker_folder(environment: Mapping[str, str]) -> Path:
    """The folder of Docker's configuration."""
    return Path(environment.get("DOCKER_CONFIG") or user_home() / ".docker")


def docker_config_file(environment: Mapping[str, str]) -> Path:
    """The main file in it."""
    return docker_folder(environment) / "config.json"
