"""``aiserver-tray connect`` and ``disconnect``: connect modules to OneAPI and undo that."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import RemoteError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import harmless
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    UsageError,
    common_options,
    current_app,
    report,
)
from aiserver_tray.cli.config import fix_or_exit, trust_all, trust_option
from aiserver_tray.cli.core import request, shared_core
from aiserver_tray.cli.operate import NOTHING, follow_operation, summary
from aiserver_tray.protocol.message import Json

if TYPE_CHECKING:
    from aiserver_tray.cli.remote import RemoteCore
    from aiserver_tray.core.app import App


class UndoHint:
    """Collects commands that undo what the running command has done, the last one first. They are
    shown after the error unless the command reaches `end`."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._commands: list[str] = []
        click.get_current_context().call_on_close(self._show)

    def add(self, *words: str) -> None:
        """Add ``aiserver-tray`` with *words*, which undoes the last change."""
        command = " ".join(("aiserver-tray", *words))
        if command not in self._commands:
            self._commands.insert(0, command)

    def end(self) -> None:
        """The command has succeeded: show no hint."""
        self._commands.clear()

    def _show(self) -> None:
        if self._commands:
            text = Text(
                "Completed steps are kept. Run the same command again to continue. To undo them, "
                "run:"
            )
            report([text.render(self._app.language), *(f"  {line}" for line in self._commands)])


_modules = click.argument(
    "modules", nargs=-1, required=True, metavar="MODULE...", shell_complete=complete.consumers
)


@click.command()
@_modules
@trust_option
@common_options
def connect(modules: tuple[str, ...], trust: tuple[str, ...]) -> None:
    """Connect MODULEs to OneAPI.

    Creates an access token for each module, and starts the modules with it. Starts OneAPI if
    needed. Keeps a token that already exists and works.
    """
    app = current_app()
    consumers, problem = _consumers(modules)
    if problem:
        raise _no_token_error(consumers[0], problem)
    trust_all(trust)
    undo = UndoHint(app)
    with shared_core(app) as core:
        start_modules(core, [consumer["provider"] for consumer in consumers], undo)
        for consumer in consumers:
            _create_token(core, consumer)
            undo.add("disconnect", consumer["module"])
            asked = {"name": consumer["choice"], "value": consumer["answer"]}
            core.client.request("ai/config/set", asked)
        start_modules(core, [consumer["module"] for consumer in consumers])
        tried = _tried(core)
    undo.end()
    done = Text("Connected to OneAPI: {modules}", modules=_names(consumers))
    report([done.render(app.language)])
    report(consumer["help"] for consumer in consumers if consumer["help"])
    report(tried)


def _tried(core: "RemoteCore") -> list[str]:
    """Whether models answer through the new connection, if the stack uses servers with some."""
    if not any(
        s["used"] for s in core.client.request("ai/models/list", {"look": False})["servers"]
    ):
        return []
    try:
        found = core.client.request("ai/models/check", {})
    except RemoteError as error:
        return [str(error)]
    return [chain_line(result) for result in found["results"]]


def chain_line(result: Json) -> str:
    """What the check of one chain of models found."""
    if result["problem"]:
        return f"{result['title']}: {result['problem']}"
    text = Text(
        "{title}: {model} answers after {seconds} s: {answer}",
        title=result["title"],
        model=result["model"],
        seconds=f"{result['seconds']:.1f}",
        answer=harmless(result["answer"]),
    )
    return text.render(current_app().language)


@click.command()
@_modules
@trust_option
@common_options
def disconnect(modules: tuple[str, ...], trust: tuple[str, ...]) -> None:
    """Disconnect MODULEs from OneAPI.

    Deletes their access tokens, and recreates the running MODULEs without OneAPI. Starts OneAPI if
    a token has to be deleted there.
    """
    app = current_app()
    chosen, problem = _consumers(modules)
    trust_all(trust)
    consumers = [consumer for consumer in chosen if consumer["connected"]]
    if not consumers:
        report([NOTHING.render(app.language)])
        return
    with shared_core(app) as core:
        snapshot = core.store.latest
        snapshot.engine.check_response()
        states = {module.name: module.state for module in snapshot.modules}
        if not problem:
            with_token = [c["provider"] for c in consumers if c["hasToken"]]
            _start(core, sorted({name for name in with_token if states[name] != "running"}))
        for consumer in consumers:
            asked = {"module": consumer["module"]}
            notice = core.client.request("ai/module/disconnect", asked)["notice"]
            report([notice] if notice else [])
        if again := [c["module"] for c in consumers if states[c["module"]] != "stopped"]:
            start_modules(core, again)
    done = Text("No longer connected to OneAPI: {modules}", modules=_names(consumers))
    report([done.render(app.language)])
    if left := _names(consumer for consumer in consumers if consumer["help"]):
        text = Text(
            "If you set up OneAPI inside {modules}, remove it there. The access token was deleted.",
            modules=left,
        )
        report([text.render(app.language)])


def _names(consumers: Iterable[Json]) -> str:
    return ", ".join(consumer["module"] for consumer in consumers)


def _consumers(modules: Iterable[str]) -> tuple[list[Json], str | None]:
    """How each of *modules* uses another module, and the reason why tokens can't be created or
    deleted; None if they can.

    Raises:
        AiServerError: there is no such module.
        UsageError: a module can't use another one.
    """
    app, names = current_app(), [*dict.fromkeys(modules)]
    found = request(app, "ai/module/consumers", modules=names)
    consumers: list[Json] = found["consumers"]
    possible = [consumer["module"] for consumer in consumers]
    if missing := [name for name in names if name not in possible]:
        able = request(app, "ai/module/consumers")["consumers"]
        raise UsageError(
            Text(
                "{name} can't be connected to OneAPI. These modules can: {names}",
                name=missing[0],
                names=_names(able),
            )
        )
    return consumers, found["problem"]


def _start(core: "RemoteCore", providers: Sequence[str]) -> None:
    """Start *providers*, so that access tokens can be deleted there."""
    for name in providers:
        text = Text("Starting {name} to delete an access token there.", name=name)
        report([text.render(current_app().language)])
    if providers:
        start_modules(core, providers)


def start_modules(core: "RemoteCore", modules: Sequence[str], undo: UndoHint | None = None) -> None:
    """Wait until *modules* are running. Exits if they can't start. *undo* gets the command that
    undoes the start."""
    from aiserver_tray.operations.request import Request  # noqa: PLC0415

    app, begun = current_app(), time.monotonic()
    operation = core.operations.start(Request("up", tuple(dict.fromkeys(modules))))
    view = follow_operation(core.store, operation, app.language)
    snapshot = core.store.snapshot
    # An operation that was blocked has changed nothing.
    wanted = {module.name for module in snapshot.modules if module.wanted}
    if undo and view.steps and {*view.modules} <= wanted:
        undo.add("down", *view.modules)
    report(notice.render(app.language) for notice in view.notices)
    if view.error:
        fix_or_exit(view.error, app)
        start_modules(core, modules, undo)
        return
    report(t.render(app.language) for t in summary(view, snapshot, time.monotonic() - begun))


def _create_token(core: "RemoteCore", consumer: Json) -> None:
    """Give *consumer* an access token, unless it has one that works.

    Raises:
        SettingError: no token can be created.
    """
    try:
        core.client.request("ai/module/connect", {"module": consumer["module"]})
    except RemoteError as error:
        if reason := error.data.get("reason"):
            raise _no_token_error(consumer, reason) from None
        raise


def _no_token_error(consumer: Json, why: str) -> SettingError:
    text = Text(
        "Can't create an access token in {provider}: {why}. Create one there yourself. Set it "
        "with: aiserver-tray config set {token} - (the command asks for the value). Then run: "
        "aiserver-tray config set {choice} {answer}",
        provider=consumer["provider"],
        why=why,
        token=consumer["token"],
        choice=consumer["choice"],
        answer=consumer["answer"],
    )
    return SettingError(consumer["token"], text)
