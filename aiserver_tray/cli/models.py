"""``aiserver-tray models``: connect OneAPI to model servers, and get models of our own."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import RemoteError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import binary_size, harmless
from aiserver_tray.cli import words
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_table,
    read_line,
    report,
)
from aiserver_tray.cli.connect import UndoHint, chain_line, start_modules
from aiserver_tray.cli.core import connected, request, shared_core
from aiserver_tray.cli.terminal import is_terminal
from aiserver_tray.features.models.events import ANSWER, OWN_MODELS
from aiserver_tray.protocol.message import Json

if TYPE_CHECKING:
    from aiserver_tray.cli.remote import RemoteCore
    from aiserver_tray.protocol.message import Message

_STATES = {
    "on": Text("on"),
    "off": Text("off"),
    "key": Text("wants an API key"),
    "busy": Text("does not answer in time"),
    "other": Text("is no model server"),
}


@click.group(invoke_without_command=True)
@common_options
def models() -> None:
    """Find models that run on this computer, download others, and let the stack use them.

    Without a subcommand, as `models list`.
    """
    if click.get_current_context().invoked_subcommand is None:
        _list_models(as_json=False, is_all=False)


@models.command("list")
@click.option("--all", "is_all", is_flag=True, help="Also list servers that do not answer.")
@as_json_option
@common_options
def list_(is_all: bool, as_json: bool) -> None:  # noqa: FBT001 - command line flags
    """List model servers of this computer, such as Ollama, and the models that can be downloaded.

    Asks the usual ports of such servers once, and lists those that answer.
    """
    _list_models(as_json=as_json, is_all=is_all)


def _list_models(*, as_json: bool, is_all: bool) -> None:
    app = current_app()
    with connected(app) as client:
        found = client.request("ai/models/list")
        own = client.request("ai/models/own/list")
    if as_json:
        print_json({**found, "own": own})
        return
    _list_servers(found, is_all=is_all)
    report([""])
    _list_own(own)


def _list_servers(found: Json, *, is_all: bool) -> None:
    app = current_app()
    servers = [s for s in found["servers"] if is_all or s["used"] or s["state"] in ("on", "key")]
    if not servers:
        text = Text(
            "No model server answers on this computer. To see how to start one, run: "
            "aiserver-tray models list --all"
        )
        report([text.render(app.language)])
        return
    heads = (Text("SERVER"), Text("STATE"), Text("USED"), Text("MODELS"))
    rows = [_model_row(server) for server in servers]
    print_table(heads, rows, app.language, sys.stdout)
    report(one["problem"] for one in servers if one["problem"])
    hints = {one["title"]: one["hint"] for one in servers if one["state"] == "off" and one["hint"]}
    report(f"{title}: {hint}" for title, hint in hints.items())


def _model_row(server: Json) -> tuple[str, str, str, str]:
    language = current_app().language
    shown = [_model_words(model) for model in server["models"]]
    used = Text("yes") if server["used"] else Text("no")
    state = _STATES[server["state"]].render(language)
    return server["name"], state, used.render(language), harmless(", ".join(shown))


def _model_words(model: Json) -> str:
    facts = [binary_size(model["bytes"])] if model["bytes"] else []
    facts += [f"{model['context'] // 1024}K"] if model["context"] else []
    return f"{model['name']} ({', '.join(facts)})" if facts else str(model["name"])


@models.command()
@click.argument("server", metavar="SERVER")
@click.option("--key", is_flag=True, help="Ask for the API key that the server wants.")
@as_json_option
@common_options
def use(server: str, key: bool, as_json: bool) -> None:  # noqa: FBT001 - command line flags
    """Let the stack use the models of SERVER.

    SERVER is a name from `models list`, or an address such as http://127.0.0.1:8080/v1. Adds it to
    OneAPI, which is started if needed, and which all connected modules ask.
    """
    app = current_app()
    secret = read_line(Text("API key: ").render(app.language), hide=True) if key else None
    undo = UndoHint(app)
    with shared_core(app) as core:
        asked = {"server": server} | ({"key": secret} if secret is not None else {})
        found = _used(core, asked, undo)
        listed = core.client.request("ai/models/list", {"look": False})
    undo.end()
    if as_json:
        print_json(found)
        return
    view = found["server"]
    names = ", ".join(model["name"] for model in view["models"])
    done = Text("The stack uses {title}: {models}", title=view["title"], models=harmless(names))
    later = Text("OneAPI offers these models within a minute.")
    report([done.render(app.language), later.render(app.language)])
    report([found["notice"]] if found["notice"] else [])
    if not listed["waiting"]:
        text = Text("To let modules ask OneAPI, run: aiserver-tray connect n8n dify ragflow")
        report([text.render(app.language)])


def _used(core: "RemoteCore", asked: Json, undo: UndoHint) -> Json:
    """The answer of ``ai/models/use``; starts what is missing: our own module, OneAPI, or both."""
    for _ in range(2):
        try:
            return core.client.request("ai/models/use", asked)
        except RemoteError as error:
            if not (needed := error.data.get("module")):
                raise
            start_modules(core, [needed], undo)
    return core.client.request("ai/models/use", asked)


@models.command()
@click.argument("name", metavar="SERVER|MODEL")
@as_json_option
@common_options
def remove(name: str, as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Let the stack no longer use the models of SERVER, or delete MODEL, which was downloaded.

    SERVER itself keeps running.
    """
    app = current_app()
    with connected(app) as client:
        used = client.request("ai/models/list", {"look": False})["servers"]
        if is_server := any(server["name"] == name for server in used):
            found = client.request("ai/models/remove", {"server": name})
        else:
            found = client.request("ai/models/own/remove", {"model": name})
    if as_json:
        print_json(found)
        return
    done = (
        Text("The stack no longer uses {name}.", name=name)
        if is_server
        else Text("{name} is deleted: {size}", name=name, size=words.size(found["bytes"]))
    )
    report([*filter(None, [found["notice"]]), done.render(app.language)])


@models.command()
@click.argument("server", metavar="[SERVER]", required=False)
@as_json_option
@common_options
def check(server: str | None, as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Ask the models of SERVER one small question through OneAPI, and find the link that breaks.

    Without SERVER, check each server that the stack uses, and embedding, n8n's webhook and mail,
    clock, disk and backups. Takes longer if a model has to be loaded first. Exits with 1 if a model
    does not answer.
    """
    app = current_app()
    found = request(app, "ai/models/check", server=server)
    if as_json:
        print_json(found)
    else:
        report(chain_line(result) for result in found["results"])
        report(map(_check_line, found["rest"]))
    sys.exit(1 if any(result["broken"] for result in found["results"]) else 0)


_OUTCOMES = {"works": Text("works"), "broken": Text("broken"), "untried": Text("not tried")}


def _check_line(check: Json) -> str:
    outcome = _OUTCOMES[check["outcome"]]
    text = Text(
        "{title}: {outcome}. {why}", title=check["title"], outcome=outcome, why=check["text"]
    )
    return harmless(text.render(current_app().language))


# -- models of our own ----------------------------------------------------------------------------

_OWN_STATES = {
    "loaded": Text("loaded"),
    "loading": Text("is being loaded"),
    "asleep": Text("asleep"),
    "failed": Text("can't be loaded"),
    "silent": Text("here; the server gives no answer"),
    "stopped": Text("here; the module is stopped"),
    "lost": Text("was here: pull it again"),
    "left": Text("left over: pull or remove it"),
    "partial": Text("begun: pull it again"),
    "offered": Text("can be downloaded"),
}
_PHASES = {
    "asking": Text("Asking {hub}…"),
    "copying": Text("Copying…"),
    "checking": Text("Comparing the hash…"),
    "loading": Text("Telling the server…"),
}


def _list_own(own: Json) -> None:
    language = current_app().language
    heads = (Text("MODEL"), Text("STATE"), Text("FOR"), Text("SIZE"), Text("MEMORY"))
    rows = [_own_row(one) for one in own["models"]]
    print_table((*heads, Text("FITS"), Text("LICENCE")), rows, language, sys.stdout)
    free = own["freeMemory"]
    report(
        [
            Text("Models can use {size} of memory now.", size=words.memory(free)).render(language)
            if free is not None
            else Text("How much memory is free is not known.").render(language),
            Text("To get a model, run: aiserver-tray models pull MODEL").render(language),
        ]
    )


def _own_row(one: Json) -> tuple[str, ...]:
    language = current_app().language
    fits = {True: Text("yes"), False: Text("no"), None: Text("unknown")}[one["fits"]]
    memory = one["usedMemory"] or one["memory"]
    return (
        one["name"],
        _OWN_STATES[one["state"]].render(language),
        harmless(one["purpose"] or one["kind"]),
        words.size(one["size"]) if one["size"] else "",
        words.memory(memory) if memory else "",
        fits.render(language),
        harmless(one["licence"]),
    )


@models.command()
@click.argument("model", metavar="MODEL|FILE")
@as_json_option
@common_options
def pull(model: str, as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Download MODEL for the module local-models, which is started if needed.

    MODEL is a name from `models list`, or OWNER/REPOSITORY/FILE.gguf of the hub, with @COMMIT for
    that one. FILE is a model in the format GGUF on this computer, which is copied. Size and SHA-256
    are compared with what the hub says. Ctrl-C stops; the same command goes on where it stopped.
    """
    app = current_app()
    from aiserver_tray.features.models.hub import model_of  # noqa: PLC0415 - few commands need it

    source = str(Path(model).absolute()) if Path(model).is_file() else model
    undo = UndoHint(app)
    with shared_core(app) as core:
        own = core.client.request("ai/models/own/list")
        if not own["running"]:
            start_modules(core, ["local-models"], undo)
        show = _PullProgress(own["hub"], model_of(source))
        core.client.subscribe((OWN_MODELS.name,), show.take)
        try:
            found = core.client.request("ai/models/own/pull", {"model": source})
        except KeyboardInterrupt:
            core.client.request("ai/models/own/stop", {"model": show.model})
            raise
        finally:
            show.end()
    undo.end()
    if as_json:
        print_json(found)
        return
    done = Text(
        "{name} is here: {size}, SHA-256 {sha256}",
        name=found["model"],
        size=words.size(found["bytes"]),
        sha256=found["sha256"],
    )
    next_one = Text("Ask it something: aiserver-tray models run {name}", name=found["model"])
    notices = filter(None, [found["notice"]])
    report([*notices, done.render(app.language), next_one.render(app.language)])


class _PullProgress:
    """Shows the download of *model*: on a terminal in one line, else a line for each quarter."""

    def __init__(self, hub: str, model: str) -> None:
        self.model = model
        self._hub = hub
        self._language = current_app().language  # not known in the reader's thread
        self._last: tuple[object, ...] = ()
        self._is_open = False

    def take(self, message: "Message") -> None:
        """A message with the downloads. Runs in the reader's thread."""
        for pull in json.loads(message.payload)["pulls"]:
            if pull["model"] == self.model:
                self._show(pull)

    def _show(self, pull: Json) -> None:
        total = pull["total"]
        if pull["phase"] in _PHASES and not (pull["phase"] == "copying" and total):
            text = _PHASES[pull["phase"]].with_values({"hub": self._hub})
            state: tuple[object, ...] = (pull["phase"],)
        else:
            text = Text(
                "{done} of {total}, {rate}/s, {left} left",
                done=words.size(pull["done"]),
                total=words.size(total),
                rate=words.size(pull["rate"]),
                left="?" if pull["secondsLeft"] is None else words.seconds(pull["secondsLeft"]),
            )
            state = (pull["phase"], pull["done"] * 4 // max(1, total))
        if is_terminal(sys.stderr):
            click.echo(f"\r\033[K{text.render(self._language)}", err=True, nl=False)
            self._is_open = True
        elif state != self._last:
            click.echo(text.render(self._language), err=True)
        self._last = state

    def end(self) -> None:
        if self._is_open:
            click.echo(err=True)
            self._is_open = False


@models.command()
@click.argument("model", metavar="MODEL")
@click.argument("question", metavar="[QUESTION]", required=False)
@common_options
def run(model: str, question: str | None) -> None:
    """Ask MODEL of the module local-models QUESTION, and show its answer while it comes.

    Without QUESTION, it is read from the standard input. Shows how many tokens came each second.
    """
    app = current_app()
    text = question or read_line(Text("Question: ").render(app.language), hide=False)
    with shared_core(app) as core:
        core.client.subscribe(
            (ANSWER.name,),
            lambda message: click.echo(harmless(json.loads(message.payload)["text"]), nl=False),
        )
        asked = {"id": "run", "server": "local-models", "model": model, "text": text}
        talk = core.client.request("ai/models/ask", asked)
    click.echo()
    if talk["rate"]:
        rate = Text("{rate} tokens/s", rate=round(talk["rate"]))
        report([rate.render(app.language)])
