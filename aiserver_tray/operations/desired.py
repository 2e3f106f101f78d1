"""What an operation changes of the desired modules, and of the services that were stopped alone."""

from aiserver_tray.operations.plan.down import running_modules
from aiserver_tray.operations.plan.prepare import Prepared
from aiserver_tray.operations.request import Request
from aiserver_tray.settings.content import EngineState

_STOPS = ("stop", "down")


def remember(request: Request, prepared: Prepared, state: EngineState) -> None:
    """Change *state* as *request* says. Modules that were only required, and are restarted, were
    not requested. Neither is a module of which the request names only services."""
    scope = prepared.scope
    named = [f"{module}/{name}" for module in request.modules for name in request.services]
    whole = scope.modules
    if named:
        others = [address for address in state.stopped if address not in named]
        state.stopped = [*others, *(named if request.kind in _STOPS else ())]
        # Only modules that need them are stopped as a whole.
        whole = tuple(name for name in scope.modules if name not in request.modules)
    else:
        concerned = {*scope.modules, *scope.targets}
        state.stopped = [one for one in state.stopped if one.partition("/")[0] not in concerned]
    asked = () if request.revives else whole
    if request.kind == "restart":
        running = running_modules(prepared.observed.containers.values())
        asked = tuple(name for name in asked if name not in running)
    if request.kind in _STOPS:
        state.desired = [name for name in state.desired if name not in asked]
    else:
        state.desired = list(dict.fromkeys((*state.desired, *asked)))
