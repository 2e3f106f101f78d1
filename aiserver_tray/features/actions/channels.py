"""Channels that list, run and cancel actions of modules."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Annotated, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import AiServerError, CancelledError, RefusedError, refuse_unknown
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.base.masking import Masker
from aiserver_tray.catalog.extension import Action
from aiserver_tray.features.actions.events import ACTION_OUTPUT
from aiserver_tray.features.actions.running import Run
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.features.stack.channels import running_container
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller, Peer
from aiserver_tray.settings.entries import ActionEntry, in_all_languages


class ActionsOf(Payload):
    """The actions of one module, or of all."""

    module: str | None = None
    """`null`: of all modules"""


class ActionName(Payload):
    """An action of a module."""

    module: str = Name
    action: str = Name
    """its name in the module's file"""


class ActionRun(ActionName):
    """An action, with what the person has entered for it."""

    inputs: dict[str, Annotated[str, Field(max_length=4000)]] = Field(
        default_factory=dict, max_length=100, repr=False
    )
    """the values of its inputs, by name"""


class ActionInput(TypedDict):
    """What a person enters for an action."""

    name: str
    title: LocalText
    help: LocalText
    secret: bool
    """it is not shown while it is typed"""


class ActionJson(TypedDict):
    """An action of a module."""

    module: str
    name: str
    title: LocalText
    service: str
    """the service in whose container it runs"""
    confirm: LocalText
    """what it changes, which is asked before; may be empty"""
    output: LocalText
    """what its output is; may be empty"""
    inputs: list[ActionInput]
    why: Text | None
    """why it can't be run now; `null`: it can"""
    running: bool


class ActionList(TypedDict):
    """Actions."""

    actions: list[ActionJson]
    passwords: dict[str, str]
    """module → address of the secret setting with the password of its first account"""


class ActionResult(TypedDict):
    """The end of an action whose command exited with 0."""

    output: str
    """without secrets and control characters; its first 262144 characters"""


class ActionsFeature(Feature):
    """``ai/action/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = Lock()
        self._runs: dict[tuple[str, str], Run] = {}

    @channel("ai/action/list")
    def _list(self, asked: ActionsOf, caller: Caller) -> ActionList:
        """List the actions of modules, with the reason where one can't be run now, and where the
        passwords of first accounts are."""
        catalog = self._place.app.catalog
        names = list(catalog.modules) if asked.module is None else [asked.module]
        modules = [catalog.module(name) for name in names]
        actions = [(m.name, name, action) for m in modules for name, action in m.actions.items()]
        accounts = [(m.name, account.secret) for m in modules for account in m.accounts[:1]]
        return {
            "actions": [self._json(*action, caller.peer) for action in actions],
            "passwords": {name: f"{name}.{secret}" for name, secret in accounts if secret},
        }

    @channel("ai/action/run")
    def _run(self, asked: ActionRun, caller: Caller) -> ActionResult:
        """Run an action. Answers when its command has exited; an error says why it failed. Its
        output arrives as `ai/action/output`. It goes on without its client."""
        module, name = asked.module, asked.action
        action = self._action(asked)
        container = self._container(module, action, caller.peer)
        self._place.app.targets.check_trust(module)
        refuse_unknown(asked.inputs, action.inputs)
        inputs = {n: one.parse(n, asked.inputs.get(n, "")) for n, one in action.inputs.items()}
        secrets = [inputs[one] for one, setting in action.inputs.items() if setting.is_secret]

        def show(text: str) -> None:
            output = ACTION_OUTPUT.message({"module": module, "action": name, "text": text})
            caller.peer.send(output)

        command = self._place.core.engine.containers.command(container)
        masker = Masker([*self._place.app.secrets, *secrets])
        run = Run(action, f"{module}/{action.service}", command, masker, show)
        entry = ActionEntry(
            actor=caller.actor, module=module, action=name, title=action.title, pid=os.getpid()
        )
        with self._recorded(entry, run):
            run.run(inputs)
        return {"output": run.output}

    @channel("ai/action/cancel")
    def _cancel(self, asked: ActionName, caller: Caller) -> None:
        """End a running action, with all that it has started. No effect if it does not run."""
        refuse_elsewhere(caller.peer)
        self._action(asked)
        if run := self._runs.get((asked.module, asked.action)):
            run.cancel()

    def close(self) -> None:
        """End all actions. Those that wait for them get an error."""
        for run in tuple(self._runs.values()):
            run.cancel()

    def _action(self, asked: ActionName) -> Action:
        actions = self._place.app.catalog.module(asked.module).actions
        refuse_unknown([asked.action], actions)
        return actions[asked.action]

    def _container(self, module: str, action: Action, peer: Peer) -> str:
        """The container in which *peer* may run *action* now.

        Raises:
            AiServerError: it can't.
        """
        refuse_elsewhere(peer)
        snapshot = self._place.core.store.snapshot
        snapshot.engine.check_response()
        return running_container(snapshot, module, action.service)

    def _json(self, module: str, name: str, action: Action, peer: Peer) -> ActionJson:
        why = None
        try:
            self._container(module, action, peer)
        except AiServerError as error:
            why = error.text
        inputs: list[ActionInput] = [
            {
                "name": one,
                "title": setting.title or {"en": one, "zh": one},
                "help": setting.help or {},
                "secret": setting.is_secret,
            }
            for one, setting in action.inputs.items()
        ]
        return {
            "module": module,
            "name": name,
            "title": action.title,
            "service": action.service,
            "confirm": action.confirm,
            "output": action.output,
            "inputs": inputs,
            "why": why,
            "running": (module, name) in self._runs,
        }

    @contextmanager
    def _recorded(self, entry: ActionEntry, run: Run) -> Iterator[None]:
        """Journal *run*, and let clients cancel it. Each action runs once at a time."""
        key, journal = (entry.module, entry.action), self._place.app.settings.journal
        with self._lock:
            if key in self._runs:
                raise RefusedError(Text("This action is running already."), ["action"])
            self._runs[key] = run
        end = replace(entry, status="failed")
        try:
            journal.add(entry)
            yield
            end = replace(entry, status="succeeded")
        except CancelledError:
            end = replace(entry, status="cancelled")
            raise
        except AiServerError as error:
            end = replace(end, code=error.code, message=in_all_languages(error))
            raise
        finally:
            del self._runs[key]
            journal.add(replace(end, seconds=run.seconds, left=run.left))
