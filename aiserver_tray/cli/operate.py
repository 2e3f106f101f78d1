"""The commands that start operations: up, stop, down, restart, pull, build."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

import click

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.errors import OwnerEndedError
from aiserver_tray.base.i18n import Language, Listed, Plural, Text
from aiserver_tray.cli import complete, words
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    current_app,
    fail,
    failure,
    print_json,
    print_table,
    report,
)
from aiserver_tray.cli.config import fix_or_exit, trust_all, trust_option
from aiserver_tray.cli.core import connected, shared_core
from aiserver_tray.cli.terminal import is_interactive
from aiserver_tray.cli.words import STEPS
from aiserver_tray.model import OperationKind
from aiserver_tray.state.progress import STATES
from aiserver_tray.state.views import ModuleView, OperationView, Snapshot

if TYPE_CHECKING:
    from aiserver_tray.cli.progress import Item
    from aiserver_tray.cli.remote import RemoteCore, RemoteOperation, RemoteStore
    from aiserver_tray.operations.request import Request

_Command = Callable[..., None]

_modules = click.argument(
    "modules", nargs=-1, metavar="[MODULE]...", shell_complete=complete.modules
)
_some_modules = click.argument(
    "modules", nargs=-1, required=True, metavar="MODULE...", shell_complete=complete.modules
)
_cascade = click.option("--cascade", is_flag=True, help="Also stop the modules that need these.")


def _options(function: _Command) -> _Command:
    """The common options of these commands."""
    no_wait = click.option(
        "--no-wait",
        is_flag=True,
        help="Fail instead of waiting for another operation on these modules.",
    )
    return no_wait(as_json_option(common_options(function)))


@click.command()
@_modules
@click.option("--all", "all_", is_flag=True, help="Start every module of the catalog.")
@click.option("--dry-run", is_flag=True, help="Show the steps without running them.")
@click.option("--detach", is_flag=True, help="Don't wait until all modules are ready.")
@trust_option
@_options
def up(
    modules: tuple[str, ...],
    all_: bool,  # noqa: FBT001 - a command line flag
    dry_run: bool,  # noqa: FBT001
    detach: bool,  # noqa: FBT001
    trust: tuple[str, ...],
    **options: bool,
) -> None:
    """Create and start MODULEs and the modules that they require.

    Waits until all are ready. Without MODULE, start the chosen modules. Until you choose, all
    features are chosen.
    """
    if modules and all_:
        raise UsageError(Text("use either MODULE or --all, not both"))
    if dry_run and trust:
        raise UsageError(Text("use either --dry-run or --trust, not both"))
    request = _request("up", modules, options, all=all_, detach=detach)
    if dry_run:
        _print_plan(request, **options)
    else:
        trust_all(trust)
        _run(request, **options)


@click.command()
@_modules
@_cascade
@_options
def stop(modules: tuple[str, ...], cascade: bool, **options: bool) -> None:  # noqa: FBT001
    """Stop MODULEs. Their containers and logs are kept. Without MODULE, stop everything."""
    _run(_request("stop", modules, options, cascade=cascade), **options)


@click.command()
@_modules
@_cascade
@click.option(
    "--volumes", is_flag=True, help="Also remove their volumes. This deletes all their data."
)
@click.option("--logs", is_flag=True, help="Also delete their kept logs.")
@click.option("--yes", is_flag=True, help="Remove volumes without asking.")
@_options
def down(
    modules: tuple[str, ...],
    cascade: bool,  # noqa: FBT001 - a command line flag
    volumes: bool,  # noqa: FBT001
    logs: bool,  # noqa: FBT001
    yes: bool,  # noqa: FBT001
    **options: bool,
) -> None:
    """Stop MODULEs and remove their containers and networks. Without MODULE, remove everything.

    Their logs are kept, until you delete them.
    """
    request = _request("down", modules, options, cascade=cascade)
    if not volumes:
        _run(request, **options)
    elif yes or is_interactive():
        request = replace(request, volumes="all")
        _run(request, None if yes else _confirm_volumes, **options)
    else:
        raise UsageError(Text("--volumes removes data. Confirm this with --yes"))
    if logs or volumes:
        _settle_logs(modules, "delete" if logs else "keep" if yes else "ask")


@click.command()
@_some_modules
@trust_option
@_options
def restart(modules: tuple[str, ...], trust: tuple[str, ...], **options: bool) -> None:
    """Restart the services of MODULEs in order. Modules that need them keep running."""
    trust_all(trust)
    _run(_request("restart", modules, options), **options)


@click.command()
@_modules
@trust_option
@_options
def pull(modules: tuple[str, ...], trust: tuple[str, ...], **options: bool) -> None:
    """Pull the images of MODULEs, even if they exist locally.

    Without MODULE, pull those of the chosen modules and of all modules that they require.
    """
    trust_all(trust)
    _run(_request("pull", modules, options), **options)


@click.command()
@_modules
@trust_option
@_options
def build(modules: tuple[str, ...], trust: tuple[str, ...], **options: bool) -> None:
    """Build the images of MODULEs that have a Dockerfile.

    Without MODULE, build those of the chosen modules and of all modules that they require.
    """
    trust_all(trust)
    _run(_request("build", modules, options), **options)


def _request(
    kind: OperationKind,
    modules: tuple[str, ...],
    options: dict[str, bool],
    **more: Any,  # noqa: ANN401
) -> "Request":
    from aiserver_tray.operations.request import Request  # noqa: PLC0415 - after Ctrl-C works

    return Request(kind, modules, wait=not options.pop("no_wait"), **more)


def _run(
    request: "Request",
    confirm: "Callable[[Request, RemoteCore], Request] | None" = None,
    /,
    *,
    as_json: bool,
) -> None:
    app = current_app()
    if confirm:
        with shared_core(app) as core:
            request = confirm(request, core)
    if error := show(lambda core: core.operations.start(request), as_json=as_json).error:
        if as_json:
            fail(error, app.language)
        fix_or_exit(error, app)
        _run(request, as_json=as_json)


def show(start: "Callable[[RemoteCore], RemoteOperation]", *, as_json: bool) -> OperationView:
    """Show the operation that *start* returns until its end, then its result, and return that. An
    error is shown only in JSON."""
    app, begun = current_app(), time.monotonic()
    with shared_core(app) as core:
        view = follow_operation(core.store, start(core), app.language)
        seconds, snapshot = time.monotonic() - begun, core.store.snapshot
    if as_json:
        print_json(outcome_json(view, snapshot, app.language, seconds))
    report(notice.render(app.language) for notice in view.notices)
    if not view.error:
        report(text.render(app.language) for text in summary(view, snapshot, seconds))
    return view


def follow_operation(
    store: "RemoteStore", operation: "RemoteOperation", language: Language
) -> OperationView:
    """Show *operation* until it has finished, and return its result.

    Raises:
        OwnerEndedError: the owner exited before, so the result is unknown.
    """
    from aiserver_tray.cli.progress import follow  # noqa: PLC0415 - after Ctrl-C works

    views: SimpleQueue[Item] = SimpleQueue()
    last: OperationView | None = None

    def take(found: Iterable[OperationView]) -> None:
        nonlocal last
        view = next((o for o in found if o.id == operation.id), None)
        # The owner's state may be older than the result, which comes from a response.
        is_over = last is not None and last.is_over
        if view and view is not last and not is_over:
            last = view
            views.put(view)

    unsubscribe = store.observe(lambda state: take(state.operations))
    try:
        # The store may have replaced it with another operation that finished later.
        if operation.view.is_over:
            take([operation.view])
        view = follow(operation.cancel, views, language)
        if isinstance(view.error, OwnerEndedError):
            raise view.error
        return view
    finally:
        unsubscribe()


def _confirm_volumes(request: "Request", core: "RemoteCore") -> "Request":
    """Ask before volumes are removed, and limit *request* to the volumes in the question.

    Raises:
        click.Abort: the answer is no.
    """
    language = current_app().language
    plan = core.operations.plan(request)
    volumes = [step["subject"] for step in plan["steps"] if step["kind"] == "remove_volume"]
    if volumes:
        warning = Text("These volumes and all their data will be removed:")
        report([warning.render(language), *(f"  {volume}" for volume in volumes)])
        click.confirm(Text("Remove them?").render(language), abort=True, err=True)
    return replace(request, volumes=frozenset(volumes))


def _print_plan(request: "Request", *, as_json: bool) -> None:
    app = current_app()
    with shared_core(app) as core:
        plan = core.operations.plan(request)
    steps = plan["steps"]
    if as_json:
        print_json(steps)
    elif not steps:
        report([NOTHING.render(app.language)])
    else:
        print_table(
            (Text("STEP"), Text("OBJECT"), Text("MODULE")),
            [
                (STEPS[s["kind"]].planned.render(app.language), s["subject"], s["module"])
                for s in steps
            ],
            app.language,
        )
    report(plan["notices"])


_LogChoice = Literal["delete", "ask", "keep"]


def _settle_logs(modules: Sequence[str], choice: _LogChoice) -> None:
    """Delete the kept logs of *modules* (none: of all), ask for that, or report that they are kept.

    Raises:
        AiServerError: they can't be read or deleted.
    """
    from aiserver_tray.features.logs.events import JOURNAL  # noqa: PLC0415 - few need it

    app = current_app()
    with connected(app) as client:
        kept = client.request("ai/logs/kept")["modules"]
    sizes = {module["module"]: module["bytes"] for module in kept}
    found = [name for name in sizes if (name in modules if modules else name != JOURNAL)]
    if not found:
        return
    amount = words.size(sum(sizes[name] for name in found))
    if choice == "ask":
        question = Text("The logs are kept ({size}). Delete them, too?", size=amount)
        choice = "delete" if click.confirm(question.render(app.language), err=True) else "keep"
    elif choice == "keep":
        command = " ".join(["aiserver-tray down --logs", *modules])
        text = Text("The logs are kept ({size}). To delete them: {command}", size=amount,
                    command=command)  # fmt: skip
        report([text.render(app.language)])
    if choice == "delete":
        with connected(app) as client:
            for name in found:
                client.request("ai/logs/delete", {"module": name})
        report([Text("The kept logs were deleted ({size}).", size=amount).render(app.language)])


NOTHING = Text("There is nothing to do.")


def summary(view: OperationView, snapshot: Snapshot, seconds: float) -> list[Text]:
    """The result of a successful operation."""
    time_ = words.seconds(seconds)
    if view.kind in ("up", "restart", "upgrade"):
        from aiserver_tray.state.progress import sorted_by_name  # noqa: PLC0415 - after Ctrl-C works

        modules = [m for m in sorted_by_name(snapshot.modules) if m.name in view.modules]
        if len(modules) == 1:
            return [Text("{what} ({time})", what=_state(modules[0]), time=time_)]
        return [*map(_state, modules), Text("Done in {time}.", time=time_)]
    return [_ended(view, time_)] if view.steps else [NOTHING]


def _ended(view: OperationView, time: str) -> Text:
    count = len(view.steps)
    match view.kind:
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
        case kind:
            return _ENDED[kind](Listed(view.modules), time)


_ENDED: Mapping[OperationKind, Callable[[Text, str], Text]] = {
    "stop": lambda names, time: Text("Stopped: {names} ({time})", names=names, time=time),
    "down": lambda names, time: Text("Removed: {names} ({time})", names=names, time=time),
    "backup": lambda names, time: Text("Backed up: {names} ({time})", names=names, time=time),
    "move": lambda names, time: Text("Packed: {names} ({time})", names=names, time=time),
    "restore": lambda names, time: Text("Restored: {names} ({time})", names=names, time=time),
    "rehearse": lambda names, time: Text(
        "The upgrade fits: {names} ({time})", names=names, time=time
    ),
    "adopt": lambda names, time: Text("Done: {names} ({time})", names=names, time=time),
}


def _state(module: ModuleView) -> Text:
    state = STATES[module.state]
    if module.open and module.state == "running":
        return Text("{name} is {state}: {url}", name=module.name, state=state, url=module.open)
    return Text("{name} is {state}", name=module.name, state=state)


def outcome_json(
    view: OperationView, snapshot: Snapshot, language: Language, seconds: float
) -> dict[str, Any]:
    """The operation's result as JSON: the form of every response, and its modules' new states."""
    from aiserver_tray.cli.forms import ResultJson  # noqa: PLC0415 - after Ctrl-C works
    from aiserver_tray.state.progress import sorted_by_name  # noqa: PLC0415 - after Ctrl-C works

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
