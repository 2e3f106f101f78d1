"""Words and signs for states and operations that every front shows."""

from collections.abc import Mapping

from aiserver_tray.base.i18n import Text
from aiserver_tray.model import OperationKind, State

STATES: Mapping[State, Text] = {
    "stopped": Text("stopped"),
    "starting": Text("starting"),
    "running": Text("running"),
    "degraded": Text("partly running"),
    "error": Text("failed"),
    "stopping": Text("stopping"),
    "engine_down": Text("Docker is off"),
}

CONDITIONS: Mapping[State, Text] = {
    "stopped": Text("Stopped"),
    "starting": Text("Starting"),
    "running": Text("Running"),
    "degraded": Text("Partly running"),
    "error": Text("Failed"),
    "stopping": Text("Stopping"),
    "engine_down": Text("Docker is off"),
}
"""The same words at the beginning of a line."""

SIGNS: Mapping[State, str] = {
    "stopped": "○",
    "starting": "◐",
    "running": "●",
    "degraded": "▲",
    "error": "✗",
    "stopping": "◑",
    "engine_down": "⊘",
}
"""Each state has its own shape: colour is never the only sign."""

HEADS: Mapping[OperationKind, Text] = {
    "up": Text("Starting"),
    "stop": Text("Stopping"),
    "down": Text("Removing"),
    "restart": Text("Restarting"),
    "pull": Text("Pulling"),
    "build": Text("Building"),
}
