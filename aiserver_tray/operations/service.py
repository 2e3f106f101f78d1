"""Operations that a user requests: starting them, and what they would do."""

import os
from dataclasses import replace
from weakref import WeakSet

from aiserver_tray.model import Actor
from aiserver_tray.operations.machine import HostPort
from aiserver_tray.operations.modules import Previews, obtainable
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.plan.effects import Effects, effects
from aiserver_tray.operations.plan.parts import Parts
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.prepare import prepare
from aiserver_tray.operations.plan.preview import Preview, preview
from aiserver_tray.operations.preflight.ports import PortUse, port_use
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.scope import first_scope
from aiserver_tray.settings.declared import Changes


class Operations:
    """Starts operations with *parts*."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._begun: WeakSet[Operation] = WeakSet()

    def close(self) -> None:
        """Cancel what waits for another operation. What runs ends by itself, as nothing keeps its
        progress any more."""
        for operation in [*self._begun]:
            if operation.view.status == "waiting":
                operation.cancel()

    def plan(self, request: Request) -> Plan:
        """The plan of *request* without secrets; see `preview`."""
        return self.preview(request).plan

    def preview(self, request: Request) -> Preview:
        """The plan of *request* and the notices for the user. Changes nothing, generates no secrets
        and takes no locks.

        Raises:
            AiServerError: all that stands against it.
        """
        parts = replace(self._parts, modules=Previews(self._parts.modules))
        return preview(request, prepare(request, first_scope(request, parts), parts))

    def effects(self, request: Request, changes: Changes) -> Effects:
        """The effects of *changes* of settings (by address, in canonical form) once *request* has
        applied them. Changes nothing.

        Raises:
            AiServerError: all that stands against it.
        """
        parts = replace(self._parts, modules=Previews(self._parts.modules, changes))
        prepared = prepare(request, first_scope(request, parts), parts)
        now = obtainable(prepared.scope.targets, self._parts.modules.preview)
        return effects(preview(request, prepared), prepared, now)

    def port_use(self, module: str, port: HostPort) -> PortUse | None:
        """The use that keeps *module* from publishing on *port*. None if the port is free, or the
        module's own.

        Raises:
            EngineDownError, EngineRequestError: the engine can't be asked.
        """
        return port_use(module, port, self._parts.engine, self._parts.settings.installation_id)

    def start(self, request: Request, actor: Actor | None = None) -> Operation:
        """Begin *request* in the background. *actor* asks for it; None: the command that this
        process runs."""
        operation = Operation(request, self._parts, actor or Actor("command", os.getpid()))
        self._begun.add(operation)
        return operation
