"""Choosing the engine: the user's choice, Docker's context, or this machine's own engine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system import engine_place
from aiserver_tray.system.docker_files import (
    DockerContext,
    current_context,
    environment_context,
    load_context,
)

Source = Literal["--engine", "app.engine", "DOCKER_HOST", "DOCKER_CONTEXT", "context", "local"]
"""The source of an address, by priority: the user's choice for us or for Docker, the context that
``docker context use`` set, or an engine found on this machine."""


@dataclass(frozen=True)
class Address:
    """The address of an engine."""

    host: str
    """As in ``DOCKER_HOST``."""
    source: Source
    environment: Mapping[str, str]
    """``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH``."""
    notice: Text | None = None
    """Why the engine of Docker's context is not used."""

    @property
    def is_named(self) -> bool:
        """Whether the user named it, here and now."""
        return self.source not in ("context", "local")

    @property
    def is_local(self) -> bool:
        """Whether the engine is on this machine, judging by its address."""
        return engine_place.is_local(self.host)

    @property
    def is_bridged(self) -> bool:
        """Whether a program leads to it, not a socket of this machine."""
        return self.host.startswith(("ssh:", "wsl:"))

    @property
    def needs_forwarding(self) -> bool:
        """Whether this computer reaches published ports only through the program that leads to the
        engine. WSL shows those of a distribution on Windows by itself."""
        return self.host.startswith("ssh:")

    @property
    def reaches_ports(self) -> bool:
        """Whether this computer reaches published ports, itself or by forwarding."""
        return self.is_local or self.needs_forwarding

    @property
    def origin(self) -> Text:
        """Where it comes from, as a sentence."""
        if self.source == "local":
            return Text(
                "No engine is set. Looking for the engine of this machine at {host}.",
                host=self.host,
            )
        if self.source == "context":
            return Text("The engine at {host} is set by Docker's current context.", host=self.host)
        return Text("The engine at {host} is set by {source}.", host=self.host, source=self.source)


def find_address(
    option: str | None, setting: str = "", environment: Mapping[str, str] = os.environ
) -> Address:
    """The engine from *option* (``--engine``), *setting* (``app.engine``), ``DOCKER_HOST``,
    ``DOCKER_CONTEXT`` or Docker's current context, otherwise the local one. The current context is
    used only if its engine is on this machine.

    Raises:
        SettingError: that is no address of an engine.
    """
    named: tuple[tuple[Source, str | None], ...] = (
        ("--engine", option),
        ("app.engine", setting),
        ("DOCKER_HOST", environment.get("DOCKER_HOST")),
    )
    for source, host in named:
        if host:
            return _checked(Address(host, source, environment))
    if environment.get("DOCKER_CONTEXT"):
        return _of_environment(environment)
    return _of_current_context(environment)


def _checked(address: Address) -> Address:
    if why := engine_place.why_unusable(address.host):
        raise SettingError(address.source, why)
    return address


def _of_environment(environment: Mapping[str, str]) -> Address:
    if (name := environment_context(environment)) is None:
        return _local(environment)
    if (context := load_context(name, environment)) is None:
        why = Text(
            "Docker has no context {name!r} with an engine address. List the contexts with "
            "`docker context ls`",
            name=name,
        )
        raise SettingError("DOCKER_CONTEXT", why)
    return _checked(_of(context, "DOCKER_CONTEXT"))


def _of_current_context(environment: Mapping[str, str]) -> Address:
    if (name := current_context(environment)) is None:
        return _local(environment)
    context = load_context(name, environment)
    if context is None or not engine_place.is_local(context.host):
        return replace(_local(environment), notice=_why_not(name, context))
    return _of(context, "context")


def _why_not(name: str, context: DockerContext | None) -> Text:
    if context is None:
        return Text(
            "Docker's current context {name!r} has no engine address, so the engine of this "
            "machine is used. List the contexts with `docker context ls`, and change the current "
            "one with `docker context use NAME`.",
            name=name,
        )
    return Text(
        "Docker's current context {name!r} is an engine on another machine ({host}). AI-Server "
        "Tray uses it only if you set it: aiserver-tray engine use {host}",
        name=name,
        host=context.host,
    )


def _of(context: DockerContext, source: Source) -> Address:
    return Address(context.host, source, context.environment)


def _local(environment: Mapping[str, str]) -> Address:
    return Address(engine_place.default_host(), "local", environment)
