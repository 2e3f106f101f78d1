"""``aiserver-tray backup``."""

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Literal

import click

from aiserver_tray.base.errors import (
    AiServerError,
    BackupKeyError,
    NotRunningError,
    RefusedError,
    TrustError,
)
from aiserver_tray.base.i18n import Listed, Plural, Text
from aiserver_tray.base.strings import binary_size, harmless
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    current_app,
    fail,
    print_json,
    print_table,
    report,
)
from aiserver_tray.cli.config import fix_or_exit, trust_option
from aiserver_tray.cli.core import connected, request, set_setting, trust_module
from aiserver_tray.cli.terminal import is_interactive
from aiserver_tray.features.backup.events import BACKUPS
from aiserver_tray.protocol.message import Json, Message

if TYPE_CHECKING:
    from aiserver_tray.protocol.message import AnyClient

_REASONS: Final[Mapping[str, Text]] = {
    "hand": Text("by hand"),
    "schedule": Text("scheduled"),
    "restore": Text("before a restore"),
    "upgrade": Text("before an upgrade"),
    "adopt": Text("before a copy"),
    "move": Text("for another computer"),
}
_CHECKS: Final[Mapping[str, Text]] = {
    "unchecked": Text("not checked"),
    "checking": Text("checking"),
    "verified": Text("verified"),
    "damaged": Text("damaged"),
    "failed": Text("failed"),
}
_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "triggers": ("off", "on"),
    "images": ("load", "pull"),
    "certificate": ("take", "keep"),
}
"""The answers to a decision, by its kind."""
_modules = click.argument(
    "modules", nargs=-1, metavar="[MODULE]...", shell_complete=complete.modules
)
_yes = click.option("--yes", is_flag=True, help="Don't ask.")


@click.group("backup")
@common_options
def command() -> None:
    """Make, check and restore backups."""


@command.command()
@_modules
@click.option(
    "--with-folders", is_flag=True, help="Include the folders of this computer that they use."
)
@as_json_option
@common_options
def create(modules: tuple[str, ...], *, with_folders: bool, as_json: bool) -> None:
    """Back up MODULEs. Without MODULE, back up everything.

    A backup has their data, settings and secrets, and is encrypted. Each module stops for a short
    time.
    """
    payload: Json = {"modules": modules} if modules else {}
    if with_folders:
        planned = request(current_app(), "ai/backup/offer", **payload)["modules"]
        payload["folders"] = sorted({folder for one in planned for folder in one["folders"]})
    _operate("backup", "ai/backup/create", payload, as_json=as_json)


@command.command("list")
@as_json_option
@common_options
def list_(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """List the backups, the newest first."""
    app = current_app()
    found = request(app, "ai/backup/list")
    if as_json:
        print_json(found)
        return
    if found["problem"]:
        report([found["problem"]])
    _print_backups(found["backups"])
    if not found["backups"]:
        nothing = Text("There is no backup in {folder} yet.", folder=found["folder"])
        report([nothing.render(app.language)])


@command.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@as_json_option
@common_options
def verify(ids: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Check the backups with these IDs, or all of them.

    Reads each file and restores its databases into a server that is thrown away. The exit status is
    1 if one is damaged, or could not be checked.
    """
    app = current_app()
    with connected(app) as client:
        known = client.request("ai/backup/list")["backups"]
        wanted = ids or [one["id"] for one in known if one["bytes"] is not None]
        checked = _checked(client, wanted) if wanted else []
    if as_json:
        print_json({"backups": checked})
    else:
        _print_backups(checked)
    report(one["problem"] for one in checked if one["problem"])
    sys.exit(any(one["check"] != "verified" or one["problem"] for one in checked))


def _checked(client: "AnyClient", ids: Collection[str]) -> list[Json]:
    """The backups with these *ids*, once they are checked.

    Raises:
        NotRunningError: the owner is gone.
    """
    events: SimpleQueue[Message | None] = SimpleQueue()
    client.subscribe((BACKUPS.name,), events.put, lambda: events.put(None))
    client.request("ai/backup/check", {"ids": [*ids]})
    language, checking = current_app().language, ""
    while event := events.get():
        now = json.loads(event.payload)["checking"]
        if now is None:
            backups = client.request("ai/backup/list")["backups"]
            return [one for one in backups if one["id"] in ids]
        if now != checking:
            report([Text("Checking {name}…", name=now).render(language)])
            checking = now
    raise NotRunningError


@command.command()
@click.argument("source", metavar="ID|FILE")
@_modules
@click.option(
    "--recovery",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The recovery file of the installation that made it. Asks for its passphrase.",
)
@click.option(
    "--set",
    "answers",
    multiple=True,
    metavar="NAME=VALUE",
    help="Decide something that is asked, such as n8n.N8N_HOST_PORT=18101. Can be repeated.",
)
@trust_option
@_yes
@as_json_option
@common_options
def restore(  # noqa: PLR0913 - its options
    source: str,
    modules: tuple[str, ...],
    recovery: Path | None,
    answers: tuple[str, ...],
    trust: tuple[str, ...],
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Restore MODULEs from a backup. Without MODULE, restore everything that is in it.

    The backup is one of the list, or a file. What the modules have when they stop becomes a backup
    of its own. If anything fails, everything is as it was.
    """
    asked = _source(source, recovery)
    try:
        offer, chosen = _offered(asked, modules)
    except AiServerError as error:
        if error.code != BackupKeyError.code or recovery or not is_interactive():
            raise
        report([error.text.render(current_app().language)])
        prompt = Text("Recovery file").render(current_app().language)
        given = click.prompt(prompt, type=click.Path(exists=True, dir_okay=False), err=True)
        asked = _source(source, Path(str(given)))
        offer, chosen = _offered(asked, modules)
    if others := [name for name in chosen if modules and name not in modules]:
        text = Text("Restored with them, because they share stores: {names}", names=Listed(others))
        report([text.render(current_app().language)])
    decisions = _decisions(offer["decisions"], answers, asks=not yes and is_interactive())
    if not yes:
        _confirm_restore(offer, chosen)
    _restore(asked | {"modules": chosen, "decisions": decisions}, trust, as_json=as_json)


def _restore(payload: Json, trust: Collection[str], *, as_json: bool) -> None:
    """Restore. A module that asks for permissions gets them if it is in *trust*, or the user says
    so."""
    try:
        _operate("restore", "ai/backup/restore", payload, as_json=as_json)
    except AiServerError as error:
        name = str(error.data.get("module", ""))
        if error.code != TrustError.code or (as_json and name not in trust):
            raise
        if name in trust:
            trust_module(current_app(), name)
        else:
            fix_or_exit(error, current_app())
        _restore(payload, trust, as_json=as_json)


def _source(source: str, recovery: Path | None) -> Json:
    """The backup *source*: a file, if it looks like one."""
    is_file = Path(source).name != source or source.endswith(".zip")
    found: Json = {"file": str(Path(source).absolute())} if is_file else {"id": source}
    if recovery:
        text = recovery.read_text(encoding="utf-8", errors="replace")
        found |= {
            "recovery": text,
            "passphrase": _passphrase(Text("Passphrase of the recovery file")),
        }
    return found


def _offered(source: Json, modules: Sequence[str]) -> tuple[Json, list[str]]:
    """What a restore of *modules*, or of everything, would do, and the names of its modules.

    Raises:
        RefusedError: it is not possible.
    """
    with connected(current_app()) as client:
        offer = client.request("ai/backup/inspect", source)
        together = {one["name"]: one["together"] for one in offer["modules"]}
        wanted = modules or [one["name"] for one in offer["modules"] if not one["problem"]]
        chosen = list(dict.fromkeys(n for m in wanted for n in (m, *together.get(m, ()))))
        offer = client.request("ai/backup/inspect", source | {"modules": chosen})
    problems = [one["problem"] for one in offer["modules"] if one["name"] in chosen]
    if why := [*filter(None, problems), *offer["blockers"]]:
        raise RefusedError(Text("{reasons}", reasons="\n".join(why)))
    return offer, chosen


def _decisions(decisions: Sequence[Json], answers: Sequence[str], *, asks: bool) -> dict[str, str]:
    """The answers by the IDs of *decisions*: those given; else, with *asks*, those of the user;
    else the suggestions, which are shown.

    Raises:
        UsageError: something else is answered, or a consent is missing.
    """
    given = dict(answer.partition("=")[::2] for answer in answers)
    suggested = {one["id"]: one["value"] for one in decisions}
    for name in given.keys() - suggested.keys():
        known = Listed(suggested or ["-"])
        raise UsageError(Text("nothing asks for {name}. Known: {known}", name=name, known=known))
    for one in decisions:
        if one["id"] in given:
            continue
        if asks:
            given[one["id"]] = _answer(one)
        elif one["kind"] == "consent" and one["value"] != "true":
            why = Text("{title}. {why} To allow it: --set {name}=true", title=one["title"],
                       why=one["why"], name=one["id"])  # fmt: skip
            raise UsageError(why)
        else:
            report([f"{one['why']}\n{one['title']}: {one['value'] or '-'}  (--set {one['id']}=…)"])
    return suggested | given


def _answer(decision: Json) -> str:
    """The user's answer; without one, the suggestion."""
    report([decision["why"]])
    title, value = decision["title"], decision["value"]
    if decision["kind"] == "consent":
        click.confirm(title, default=value == "true", abort=True, err=True)
        return "true"
    choices = _CHOICES.get(decision["kind"])
    kind = click.Choice(choices) if choices else str
    return str(click.prompt(title, default=value, type=kind, err=True))


def _confirm_restore(offer: Json, chosen: Sequence[str]) -> None:
    language = current_app().language
    if not is_interactive():
        raise UsageError(Text("restore replaces data. Confirm this with --yes"))
    rows = [
        (one["title"], harmless(one["parts"]), binary_size(one["bytes"]))
        for one in offer["modules"]
        if one["name"] in chosen
    ]
    print_table((Text("MODULE"), Text("DATA"), Text("SIZE")), rows, language, sys.stderr)
    question = Text("Restore them? What they have when they stop becomes a backup of its own.")
    click.confirm(question.render(language), abort=True, err=True)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with-images", is_flag=True, help="Include the images: nothing is pulled there.")
@click.option(
    "--with-folders", is_flag=True, help="Include the folders of this computer that modules use."
)
@click.option("--stop", is_flag=True, help="Stop everything before, and leave it stopped.")
@as_json_option
@common_options
def move(file: Path, *, with_images: bool, with_folders: bool, stop: bool, as_json: bool) -> None:
    """Make FILE with everything, to move to another computer.

    It has the settings, secrets and data of all modules. There, `backup restore FILE` or the first
    start restores it, with the recovery key that `backup key save` has saved. Without --stop, each
    module stops for a short time, and what it stores afterwards is not in FILE.
    """
    payload: Json = {"file": str(file.absolute()), "images": with_images}
    payload |= {"folders": with_folders, "stop": stop}
    _operate("move", "ai/backup/move", payload, as_json=as_json)
    if not as_json:
        text = Text(
            "Take {file} and the recovery file to the other computer. There, install AI-Server "
            "Tray, and choose Restore from a file at its first start, or run: aiserver-tray backup "
            "restore FILE --recovery KEYFILE",
            file=file,
        )
        report([text.render(current_app().language)])


@command.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_yes
@common_options
def delete(ids: tuple[str, ...], yes: bool) -> None:  # noqa: FBT001 - a command line flag
    """Delete the backups with these IDs, with their files."""
    app = current_app()
    if not yes:
        if not is_interactive():
            raise UsageError(Text("delete removes backups. Confirm this with --yes"))
        question = Plural("Delete {count} backup?", "Delete {count} backups?", count=len(ids))
        click.confirm(question.render(app.language), abort=True, err=True)
    request(app, "ai/backup/delete", ids=ids)


@command.command()
@click.argument("every", type=click.Choice(["never", "day", "week"]), required=False)
@click.option("--at", metavar="HH:MM", help="Time of the day.")
@click.option("--weekday", type=click.IntRange(0, 6), help="Of weekly backups; 0: Monday.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Where backups are written."
)
@as_json_option
@common_options
def schedule(
    every: str | None,
    at: str | None,
    weekday: int | None,
    folder: Path | None,
    as_json: bool,  # noqa: FBT001 - a command line flag
) -> None:
    """Show or change when backups are made by themselves.

    `config set app.backup_keep_daily`, `_weekly` and `_monthly` say how many are kept.
    """
    app = current_app()
    values = {
        "every": every,
        "time": at,
        "weekday": weekday,
        "folder": folder and folder.absolute(),
    }
    for name, value in values.items():
        if value is not None:
            set_setting(app, f"app.backup_{name}", str(value))
    found = request(app, "ai/backup/list")
    if as_json:
        print_json({"schedule": found["schedule"], "folder": found["folder"]})
        return
    due, folder_ = found["schedule"]["nextAt"], found["folder"]
    text = Text("No backups are made by themselves. Their folder is {folder}.", folder=folder_)
    if due:
        text = Text("The next backup is due at {time}, to {folder}.", time=_time(due),
                    folder=folder_)  # fmt: skip
    report([text.render(app.language), *filter(None, [found["folderProblem"]])])


@command.group()
@common_options
def key() -> None:
    """Save the recovery key."""


@key.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@common_options
def save(file: Path) -> None:
    """Save the recovery key to FILE, protected by a passphrase.

    With the file and its passphrase, backups can be restored on another computer. Asks for the
    passphrase, or reads it from standard input.
    """
    app = current_app()
    passphrase = _passphrase(Text("Passphrase"), again=Text("Once more"))
    request(app, "ai/backup/key/save", passphrase=passphrase, file=str(file.absolute()))
    text = Text("The recovery key is in {file}. Keep it on another computer.", file=str(file))
    report([text.render(app.language)])


def _passphrase(prompt: Text, again: Text | None = None) -> str:
    """A line of standard input. On a terminal, ask for it without echo; with *again*, twice."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    language = current_app().language
    asked: str = click.prompt(
        prompt.render(language),
        hide_input=True,
        err=True,
        confirmation_prompt=again.render(language) if again else False,
    )
    return asked


def _operate(
    kind: Literal["backup", "move", "restore"], channel: str, payload: Json, *, as_json: bool
) -> None:
    """Start an operation by *channel*, show it until its end, and then its result."""
    from aiserver_tray.cli.operate import show  # noqa: PLC0415 - after Ctrl-C works

    asked = channel, payload, kind, tuple(payload.get("modules", ()))
    view = show(lambda core: core.operations.begin(*asked), as_json=as_json)
    if view.error:
        fail(view.error, current_app().language)


def _print_backups(backups: Sequence[Json]) -> None:
    language = current_app().language
    rows = [
        (
            one["id"],
            _time(one["madeAt"]),
            _REASONS[one["reason"]].render(language),
            ", ".join(module["name"] for module in one["modules"]),
            "-" if one["bytes"] is None else binary_size(one["bytes"]),
            _CHECKS[one["check"]].render(language),
        )
        for one in backups
    ]
    heads = (Text("ID"), Text("MADE"), Text("REASON"), Text("MODULES"), Text("SIZE"), Text("CHECK"))
    if rows:
        print_table(heads, rows, language)


def _time(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
