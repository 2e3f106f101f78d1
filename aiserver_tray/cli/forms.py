"""The forms that commands print with ``--json``, besides those of the state (`state.forms`)
and of settings (`settings.forms`).

The text below a field is its meaning; documentation is generated from it.
"""

from typing import Any, Literal, TypedDict

from aiserver_tray.core.logs.level import Level
from aiserver_tray.model import OperationKind, OperationStatus, StepKind
from aiserver_tray.state.forms import ModuleJson


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
    notices: list[str]
    """notes for the user that are no failures"""
    modules: list[ModuleJson]
    """its modules"""


class PlannedStepJson(TypedDict):
    """A step that an operation would run."""

    id: str
    """its kind and subject"""
    kind: StepKind
    subject: str
    """as in a step of an operation"""
    module: str
    service: str | None
    """`null` for a step of the whole module"""
    needs: list[str]
    """ids of the steps that must succeed first"""


class LogLineJson(TypedDict):
    """A line of a log."""

    time: str | None
    """time of writing"""
    module: str
    service: str
    """the service's name in the Compose file"""
    stream: Literal["stdout", "stderr"]
    level: Level
    """from the line's own structure, or of the entry that the line continues"""
    continues: bool
    """whether it belongs to the service's entry above it, as a line of a stack trace does"""
    message: str
    """the line"""
