"""The events of all features, for clients that get every event."""

from typing import Final

from aiserver_tray.features.access import events as access
from aiserver_tray.features.actions import events as actions
from aiserver_tray.features.activity import events as activity
from aiserver_tray.features.adopt import events as adopt
from aiserver_tray.features.alerts import events as alerts
from aiserver_tray.features.backup import events as backup
from aiserver_tray.features.cleanup import events as cleanup
from aiserver_tray.features.cluster import events as cluster
from aiserver_tray.features.engine import events as engine
from aiserver_tray.features.logs import events as logs
from aiserver_tray.features.mcp import events as mcp
from aiserver_tray.features.models import events as models
from aiserver_tray.features.monitoring import events as monitoring
from aiserver_tray.features.predecessor import events as predecessor
from aiserver_tray.features.stack import events as stack
from aiserver_tray.features.terminal import events as terminal
from aiserver_tray.features.upgrade import events as upgrade
from aiserver_tray.protocol.message import owner_events

MODULES: Final = (
    access, actions, activity, adopt, alerts, backup, cleanup, cluster, engine, logs, mcp, models,
    monitoring, predecessor, stack, terminal, upgrade,
)  # fmt: skip
"""They declare their events when they are imported."""


def every_event() -> tuple[str, ...]:
    """The names of all events of the owner."""
    return owner_events()
