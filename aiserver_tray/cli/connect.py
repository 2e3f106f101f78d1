"""``aiserver-tray connect`` and ``disconnect``: connect modules to OneAPI and undo that."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import UsageError, common_options, current_app, report
from aiserver_tray.cli.config import fix_or_exit, trust_all, trust_option
from aiserver_tray.cli.core import require_engine, set_setting, shared_core, whole_snapshot
from aiserver_tray.cli.operate import NOTHING, summary
from aiserver_tray.state.views import Snapshot

if TYPE_CHECKING:
    from aiserver_tray.core.app import App
    from aiserver_tray.features.wiring.wiring import Consumer


# -- commands that undo a failed command ----------------------------------------------------------


class UndoHint:
    """Collects commands that undo what the running command has done, the last one first. They are
    shown after the error unless the command reaches `end`."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._commands: list[str] = []
        click.get_current_context().call_on_close(self._tell)

    def add(self, *words: str) -> None:
        """Add ``aiserver-tray`` with *words*, which undoes the last change."""
        command = " ".join(("aiserver-tray", *words))
        if command not in self._commands:
            self._commands.insert(0, command)

    def end(self) -> None:
        """The command has succeeded: show no hint."""
        self._commands.clear()

    def _tell(self) -> None:
        if self._commands:
            said = Text(
                "Completed steps are kept. Run the same command again to continue. To undo them, "
                "run:"
            )
            report([said.render(self._app.language), *(f"  {line}" for line in self._commands)])


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
    from aiserver_tray.features.wiring.wiring import ELSEWHERE  # noqa: PLC0415 - as in `_consumers`

    app = current_app()
    consumers = _consumers(app, modules)
    if not app.engine().address.is_local:
        raise _by_hand(consumers[0], ELSEWHERE)
    trust_all(trust)
    back = UndoHint(app)
    snapshot = _up(app, [consumer.provider for consumer in consumers], back)
    for consumer in consumers:
        set_setting(app, consumer.token, _working_token(app, consumer, snapshot))
        back.add("disconnect", consumer.module)
        set_setting(app, consumer.choice, consumer.answer)
    _up(app, [consumer.module for consumer in consumers])
    back.end()
    done = Text("Connected to OneAPI: {modules}", modules=_names(consumers))
    report([done.render(app.language)])
    report(text for consumer in consumers if (text := _by_a_person(app, consumer)))


@click.command()
@_modules
@trust_option
@common_options
def disconnect(modules: tuple[str, ...], trust: tuple[str, ...]) -> None:
    """Disconnect MODULEs from OneAPI.

    Deletes their access tokens, and recreates the running MODULEs without OneAPI. Starts OneAPI if
    a token has to be deleted there.
    """
    from aiserver_tray.features.wiring import wiring  # noqa: PLC0415 - as in `_consumers`

    app = current_app()
    chosen = _consumers(app, modules)
    trust_all(trust)
    consumers = wiring.disconnect(app, chosen, _Commands(app))
    if not consumers:
        report([NOTHING.render(app.language)])
        return
    done = Text("No longer connected to OneAPI: {modules}", modules=_names(consumers))
    report([done.render(app.language)])
    if left := _names(c for c in consumers if _by_a_person(app, c)):
        text = Text(
            "If you set up OneAPI inside {modules}, remove it there. The access token was deleted.",
            modules=left,
        )
        report([text.render(app.language)])


class _Commands:
    """The commands that disconnecting needs."""

    def __init__(self, app: "App") -> None:
        self._app = app

    def snapshot(self) -> Snapshot:
        """The current snapshot."""
        with shared_core(self._app) as core:
            snapshot = whole_snapshot(core)
        require_engine(snapshot)
        return snapshot

    def up(self, modules: Sequence[str]) -> Snapshot:
        """The snapshot once *modules* are running."""
        return _up(self._app, modules)

    def unset(self, address: str) -> None:
        """Reset a setting, through the owner if there is one."""
        set_setting(self._app, address, None)

    def report(self, text: Text) -> None:
        """Show *text* on standard error."""
        report([text.render(self._app.language)])


def _names(consumers: Iterable["Consumer"]) -> str:
    return ", ".join(consumer.module for consumer in consumers)


def _by_a_person(app: "App", consumer: "Consumer") -> str:
    """Steps for the user inside the module itself; often none."""
    return app.say(app.declared[consumer.token].help)


def _consumers(app: "App", modules: Iterable[str]) -> list["Consumer"]:
    """How each of *modules* uses another module.

    Raises:
        UnknownNameError: there is no such module.
        UsageError: it can't use any.
    """
    from aiserver_tray.features.wiring.wiring import consumer_of  # noqa: PLC0415 - after Ctrl-C works

    found = []
    for name in dict.fromkeys(modules):
        consumer = consumer_of(app.catalog.module(name))
        if consumer is None:
            able = [m.name for m in app.catalog.modules.values() if consumer_of(m)]
            raise UsageError(
                Text(
                    "{name} can't be connected to OneAPI. These modules can: {names}",
                    name=name,
                    names=", ".join(able),
                )
            )
        found.append(consumer)
    return found


def _up(app: "App", modules: Sequence[str], back: UndoHint | None = None) -> Snapshot:
    """The snapshot once *modules* are running. Exits if they can't start; *back* gets the command
    that undoes the start."""
    from aiserver_tray.cli.operate import follow_operation  # noqa: PLC0415 - as in `_consumers`
    from aiserver_tray.operations.request import Request  # noqa: PLC0415

    begun = time.monotonic()
    with shared_core(app) as core:
        operation = core.operations.start(Request("up", tuple(dict.fromkeys(modules))))
        view = follow_operation(core.store, operation, app.language)
        snapshot = whole_snapshot(core)
    # An operation that was blocked has changed nothing.
    if back and view.steps and {*view.modules} <= {*app.settings.engines.asked_for}:
        back.add("down", *view.modules)
    report(notice.render(app.language) for notice in view.notices)
    if view.error:
        fix_or_exit(view.error, app)
        return _up(app, modules, back)
    report(t.render(app.language) for t in summary(view, snapshot, time.monotonic() - begun))
    return snapshot


def _working_token(app: "App", consumer: "Consumer", snapshot: Snapshot) -> str:
    """The access token of *consumer*.

    Raises:
        SettingError: there is none to be had.
    """
    from aiserver_tray.features.wiring.oneapi import OneApiError  # noqa: PLC0415 - as in `_consumers`
    from aiserver_tray.features.wiring.wiring import working_token  # noqa: PLC0415

    try:
        return working_token(app, consumer, snapshot)
    except OneApiError as error:
        raise _by_hand(consumer, error.why) from None


def _by_hand(consumer: "Consumer", why: Text) -> SettingError:
    text = Text(
        "Can't create an access token in {provider}: {why}. Create one there yourself. Set it "
        "with: aiserver-tray config set {token} - (the command asks for the value). Then run: "
        "aiserver-tray config set {choice} {answer}",
        provider=consumer.provider,
        why=why,
        token=consumer.token,
        choice=consumer.choice,
        answer=consumer.answer,
    )
    return SettingError(consumer.token, text)
