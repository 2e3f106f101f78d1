"""The result of an operation, as text and as JSON."""

from typing import Any

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.i18n import Language, Plural, Text
from aiserver_tray.cli import units
from aiserver_tray.cli.common import failure
from aiserver_tray.state.views import ModuleView, OperationView, Snapshot
from aiserver_tray.state.words import STATES

NOTHING = Text("There is nothing to do.")


def summary(view: OperationView, snapshot: Snapshot, seconds: float) -> list[Text]:
    """The result of a successful operation."""
    time_ = units.seconds(seconds)
    if view.kind in ("up", "restart"):
        from aiserver_tray.state.order import sorted_by_name  # noqa: PLC0415 - after Ctrl-C works

        modules = [
            module for module in sorted_by_name(snapshot.modules) if module.name in view.modules
        ]
        if len(modules) == 1:
            return [Text("{what} ({time})", what=_state(modules[0]), time=time_)]
        return [*map(_state, modules), Text("Done in {time}.", time=time_)]
    if not view.steps:
        return [NOTHING]
    return [_ended(view, time_)]


def _ended(view: OperationView, time: str) -> Text:
    names, count = ", ".join(view.modules), len(view.steps)
    match view.kind:
        case "stop":
            return Text("Stopped: {names} ({time})", names=names, time=time)
        case "pull":
            return Plural(
                "{count} image pulled ({time})",
                "{count} images pulled ({time})",
                count=count,
                time=time,
            )
        case "build":
            return Plural(
                "{count} image built ({time})",
                "{count} images built ({time})",
                count=count,
                time=time,
            )
        case _:
            return Text("Removed: {names} ({time})", names=names, time=time)


def _state(module: ModuleView) -> Text:
    state = STATES[module.state]
    if module.open and module.state == "running":
        return Text("{name} is {state}: {url}", name=module.name, state=state, url=module.open)
    return Text("{name} is {state}", name=module.name, state=state)


def outcome_json(
    view: OperationView, snapshot: Snapshot, language: Language, seconds: float
) -> dict[str, Any]:
    """The operation's result as JSON: the form of every answer, and the modules' new states."""
    from aiserver_tray.cli.forms import ResultJson  # noqa: PLC0415 - after Ctrl-C works
    from aiserver_tray.state.order import sorted_by_name  # noqa: PLC0415 - after Ctrl-C works

    error = failure(view.error, language) if view.error else None
    texts = [] if error else summary(view, snapshot, seconds)
    modules = sorted_by_name(snapshot.modules)
    result: ResultJson = {
        "success": error is None,
        "code": error["code"] if error else None,
        "message": error["message"] if error else "\n".join(t.render(language) for t in texts),
        "data": error["data"] if error else {},
        "operation": view.kind,
        "status": view.status,
        "seconds": round(seconds, 3),
        "notices": view.notices,
        "modules": [module for module in modules if module.name in view.modules],
    }
    return dict(to_json(result, language, ResultJson))
