"""The names of our objects on the engine."""

import hashlib
import re
from typing import Final

from aiserver_tray import model
from aiserver_tray.base.strings import OWN_IMAGES, image_tag

SHARED_NETWORK: Final = model.SHARED_NETWORK

DEFAULT_NETWORK = "default"

_UNIQUE_DIGITS = 32
"""Digits of a digest for which no one can find another text."""


def container_name(module: str, service: str) -> str:
    """``ai-<module>-<service>``, or ``ai-<module>`` for the service named like its module."""
    return f"ai-{module}" if service == module else f"ai-{module}-{service}"


def network_name(module: str, network: str) -> str:
    """``ai-<module>-<network>``, or ``ai-<module>`` for the default one."""
    return f"ai-{module}" if network == DEFAULT_NETWORK else f"ai-{module}-{network}"


def volume_name(module: str, volume: str) -> str:
    """``ai-<module>-<volume>``."""
    return f"ai-{module}-{volume}"


def anonymous_volume_name(module: str, service: str, target: str) -> str:
    """The name of a volume without a name in the file; *target* is its mount point.

    Unique for each target: a digest distinguishes ``/a/b`` from ``/a-b``.
    """
    return volume_name(module, f"{service}-{_slug(target)}-{_digest(target)}")


def config_volume_name(module: str, service: str, number: int) -> str:
    """The volume of a read-only service's config files; *number* counts their folders from 1."""
    name = volume_name(module, f"{service}-config")
    return name if number == 1 else f"{name}-{number}"


def project_name(module: str) -> str:
    """The Compose project that Docker Desktop and ``docker compose ls`` show."""
    return f"aiserver-{module}"


def local_tag(module: str, service: str, image: str) -> str:
    """The name of a local build: ``aiserver/<module>/<service>:<tag>`` with the tag of *image*.

    Unique for each service of each module: module and service are components of their own, and a
    digest distinguishes ``my_app`` from ``my-app``.
    """
    return f"{OWN_IMAGES}{_component(module)}/{_component(service)}:{_local_version(image)}"


def former_local_tag(module: str, service: str, image: str) -> str:
    """As `former_repository`, with the tag of *image*."""
    return f"{former_repository(module, service)}:{_local_version(image)}"


def former_repository(module: str, service: str) -> str:
    """The name of a local build in earlier versions: ``aiserver/<module>-<service>``. Services
    of several modules can have the same, so an image with this name proves nothing."""
    name = f"{module}-{service}"
    slug = _image_slug(name)
    return OWN_IMAGES + (slug if slug == name else f"{slug}-{_digest(name)}")


def _local_version(image: str) -> str:
    return image_tag(image) or "local"


def _component(name: str) -> str:
    """*name* as a part of an image's path. The dot is in no slug, so no other name has the same."""
    slug = _image_slug(name)
    return slug if slug == name else f"{slug or '0'}.{_digest(name, _UNIQUE_DIGITS)}"


def _image_slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _digest(text: str, digits: int = 8) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _slug(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")
