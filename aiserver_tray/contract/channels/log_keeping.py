"""Channels that show how much of the logs is kept, and delete it."""

from pydantic import Field

from aiserver_tray.contract.channel import Payload, channel
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.contract import Caller
from aiserver_tray.core.logs.forms import KeptLogsJson, KeptModule
from aiserver_tray.core.logs.kept import KeptLogs


class LogDeletion(Payload):
    """The lines of a module."""

    module: str = Field(min_length=1, max_length=200)
    """its name, also of one that is gone; `AI-Server` for the journal"""


class LogKeepingChannels(Part):
    """``ai/logs/kept`` and ``delete``."""

    def __init__(self, logs: KeptLogs) -> None:
        self._logs = logs

    @channel("ai/logs/kept")
    def _kept(self, caller: Caller) -> KeptLogsJson:
        """Get how much of the logs is kept."""
        logs = self._logs
        modules: list[KeptModule] = [
            {
                "module": name,
                "services": [*size.services],
                "lines": size.lines,
                "bytes": size.bytes,
                "first": size.first / 1e9,
            }
            for name, size in sorted(logs.sizes().items())
        ]
        problem = logs.problem.render(caller.language) if logs.problem else None
        return {
            "modules": modules,
            "bytes": sum(module["bytes"] for module in modules),
            "problem": problem,
            "unreadable": [
                {"module": found.module, "service": found.service} for found in logs.unreadable
            ],
        }

    @channel("ai/logs/delete")
    def _delete(self, asked: LogDeletion) -> None:
        """Delete the kept lines of a module. Lines that its containers write from now on are
        kept."""
        self._logs.delete(asked.module)
