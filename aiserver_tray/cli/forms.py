"""The forms that commands print with ``--json``, besides those of the state (`state.views`)
and of settings (`features.configuration.forms`).

The text below a field is its meaning; documentation is generated from it.
"""

from typing import Any, TypedDict

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.monitoring.samples import LoadJson
from aiserver_tray.model import OperationKind, OperationStatus
from aiserver_tray.state.views import ModuleView


class ResultJson(TypedDict):
    """The end of an operation."""

    success: bool
    code: str | None
    """`null`, or an [error code](errors.md)"""
    message: str
    """the result, or the error"""
    data: dict[str, Any]
    """details of the error"""
    operation: OperationKind
    status: OperationStatus
    seconds: float
    """its duration"""
    notices: tuple[Text, ...]
    """notes for the user that are no failures"""
    modules: list[ModuleView]
    """its modules"""


class UseJson(LoadJson):
    """The resources in use at one moment, and the memory limit."""

    memoryLimit: int | None  # noqa: N815 - ruff knows only direct subclasses of TypedDict
    """in bytes; `null` without a limit. Of all modules: the memory of the engine's machine"""


class ServiceStatsJson(UseJson):
    """The resources that a service used at one moment."""

    name: str
    """the service's name in the Compose file"""


class ModuleStatsJson(UseJson):
    """The resources that a module used at one moment."""

    name: str
    services: list[ServiceStatsJson]
    """its running services"""


class StatsJson(TypedDict):
    """The resources that the modules used at one moment."""

    time: str
    """time of the sample"""
    cpus: int | None
    """the number of the engine's processors; `null` if it is not known"""
    total: UseJson
    """all modules together, also those that were not requested"""
    modules: list[ModuleStatsJson]
    """the running modules, or the requested ones"""
