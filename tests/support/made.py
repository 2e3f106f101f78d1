"""Short ways to make values for the tests of the state."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

from aiserver_tray.model import (
    Container,
    Kind,
    ModuleModel,
    OperationKind,
    OperationStatus,
    ServiceModel,
    StepKind,
    StepStatus,
)
from aiserver_tray.state.facts import (
    ContainersListed,
    DesiredChanged,
    EngineUp,
    Fact,
    ModulesChanged,
)
from aiserver_tray.state.progress import with_progress
from aiserver_tray.state.reduce import State, reduce
from aiserver_tray.state.views import (
    ModuleAbilities,
    ModuleView,
    OperationView,
    StackAbilities,
    StepView,
)

ABLE: Any = dict.fromkeys(get_type_hints(ModuleAbilities))
"""Everything can be done with a module."""
STACK_ABLE: Any = dict.fromkeys(get_type_hints(StackAbilities))
"""Everything can be done with the stack."""

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
UP = EngineUp("ENGINE", "26.1.5", cpus=2, memory=1 << 30)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def container(address: str = "web/app", id: str = "", **changes: Any) -> Container:  # noqa: ANN401
    """The container of ``module/service``; it runs since the beginning and has no check."""
    module, _, service = address.partition("/")
    return Container(
        **{
            "id": id or f"id-of-{module}-{service}",
            "name": f"ai-{module}-{service}",
            "module": module,
            "service": service,
            "config_hash": "hash",
            "image": f"{service}:1",
            "image_id": "sha256:1",
            "status": "running",
            "started_at": BEGIN,
            **changes,
        }
    )


def ended(address: str = "web/app", exit_code: int = 0, **changes: Any) -> Container:  # noqa: ANN401
    return container(address, status="exited", exit_code=exit_code, **changes)


def model(
    name: str = "web",
    *services: str,
    jobs: tuple[str, ...] = (),
    kind: Kind = "feature",
    requires: tuple[str, ...] = (),
    **changes: Any,  # noqa: ANN401
) -> ModuleModel:
    """A module of *services* (``app`` if none is named) and *jobs*."""
    found = tuple(
        ServiceModel(service, f"ai-{name}-{service}", f"{service}:1", service in jobs)
        for service in (*(services or ("app",)), *jobs)
    )
    return ModuleModel(name, kind, requires, found, **changes)


def operation(
    kind: OperationKind,
    *steps: tuple[StepKind, str, StepStatus],
    id: str = "1",
    status: OperationStatus = "running",
    modules: tuple[str, ...] = ("web",),
) -> OperationView:
    """*steps*: kind, ``module/service``, status."""
    views = []
    for step, address, how in steps:
        module, _, service = address.partition("/")
        views.append(StepView(step, f"ai-{module}-{service}", module, service, status=how))
    return with_progress(OperationView(id, kind, modules, status=status, steps=tuple(views)))


def after(*facts: Fact, start: State | None = None) -> State:
    state = start or State()
    for fact in facts:
        state = reduce(state, fact)
    return state


def running_engine(
    *containers: Container,
    models: tuple[ModuleModel, ...] | None = None,
    desired: tuple[str, ...] = ("web",),
) -> State:
    """An engine that runs with *containers*; without *models*, the module ``web`` of ``app``."""
    return after(
        ContainersListed(containers),
        UP,
        ModulesChanged((model(),) if models is None else models),
        DesiredChanged(frozenset(desired)),
    )


def shown(state: State, module: str = "web") -> ModuleView:
    """What the snapshot has of *module*."""
    (view,) = (view for view in state.snapshot.modules if view.name == module)
    return view


def reason(state: State, module: str = "web") -> str:
    return str(shown(state, module).reason or "")
