"""``aiserver-tray adopt``: programs of others on the engine, copied into modules."""

from typing import Final

import click

from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    confirm,
    current_app,
    fail,
    print_json,
    print_table,
    report,
)
from aiserver_tray.cli.core import request
from aiserver_tray.protocol.message import Json

_START: Final = Text(
    "{source} stops while its data is copied, and starts again as it was. Nothing of it is changed."
)
_REPLACES: Final = Text("{module} has data here already. It is backed up first, and then replaced.")
_SWITCH: Final = Text(
    "The copy does the work of {source} from now on. It lacks everything that {source} has stored "
    "since it was copied."
)
_BACK: Final = Text(
    "The triggers of the copy are turned off. Data that was stored since {source} was switched "
    "over stays only in the copy."
)
_CHANGED: Final = {
    "switch": Text("These containers stop: {names}."),
    "back": Text("These containers start again: {names}."),
}


@click.command()
@click.argument("source", required=False)
@click.option("--list", "list_", is_flag=True, help="Only list the programs that there are.")
@click.option("--switch", is_flag=True, help="Stop SOURCE, and let the copy do its work.")
@click.option("--back", is_flag=True, help="Undo --switch.")
@click.option("--forget", is_flag=True, help="Forget that SOURCE was copied. Both stay.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@as_json_option
@common_options
def command(
    source: str | None,
    *,
    list_: bool,
    yes: bool,
    as_json: bool,
    **given: bool,
) -> None:
    """Copy an n8n, Dify or PostgreSQL that runs on this engine already into a module.

    SOURCE is the name of its container. It stops while its data is copied, and starts again as it
    was; nothing of it is changed. Then both run, and the triggers of the copy are off. --switch
    stops SOURCE, and turns them on. Without SOURCE, list what there is.
    """
    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) > 1 or (list_ and chosen):
        raise UsageError(Text("use only one of --list, --switch, --back and --forget"))
    if list_ or source is None:
        if chosen:
            raise UsageError(Text("say which SOURCE"))
        _list_sources(source, as_json=as_json)
    elif chosen == ["forget"]:
        request(current_app(), "ai/adopt/forget", source=source)
    else:
        _begin(chosen[0] if chosen else "start", source, yes=yes, as_json=as_json)


def _begin(what: str, source: str, *, yes: bool, as_json: bool) -> None:
    """Ask, begin an operation, and show it until its end."""
    from aiserver_tray.cli.operate import show  # noqa: PLC0415 - after Ctrl-C works

    listed = request(current_app(), "ai/adopt/list")
    known = {one["name"]: one for one in listed["sources"]}
    copied = {one["source"]: one for one in listed["adoptions"]}
    found = known.get(source) if what == "start" else copied.get(source)
    texts = [
        {"start": _START, "switch": _SWITCH, "back": _BACK}[what].with_values({"source": source})
    ]
    if found and what in _CHANGED and found["containers"]:
        names = Listed(found["containers"])
        texts.insert(0, _CHANGED[what].with_values({"names": names}))
    if found and found.get("hasData"):
        texts.append(_REPLACES.with_values({"module": found["module"]}))
    if not yes and found and not found.get("problem"):  # else it is refused anyway
        language = current_app().language
        refusal = Text("this stops a program of yours. Confirm this with --yes")
        confirm([text.render(language) for text in texts], refusal)
    modules = (found["module"],) if found else ()
    channel, payload = f"ai/adopt/{what}", {"source": source}
    view = show(
        lambda core: core.operations.begin(channel, payload, "adopt", modules), as_json=as_json
    )
    if view.error:
        fail(view.error, current_app().language)
    if what == "start" and not as_json:
        _tell_result(source)


def _tell_result(source: str) -> None:
    """Say what was compared, what was not taken, and what is next."""
    language = current_app().language
    listed = request(current_app(), "ai/adopt/list")["adoptions"]
    for one in (one for one in listed if one["source"] == source):
        report([*one["proven"], *one["notices"]])
        text = Text(
            "Both run now. When you are content, run: aiserver-tray adopt --switch {source}",
            source=source,
        )
        report([text.render(language)])


# -- the list --------------------------------------------------------------------------------------


def _list_sources(source: str | None, *, as_json: bool) -> None:
    found = request(current_app(), "ai/adopt/list")
    if as_json:
        print_json(found)
        return
    language = current_app().language
    copied = {one["source"]: one for one in found["adoptions"] if one["here"]}
    rows = [
        (
            one["name"],
            f"{one['title']} {one['version']}".strip(),
            one["database"],
            "-" if one["bytes"] is None else binary_size(one["bytes"]),
            _notes_on(one, copied.get(one["name"])),
        )
        for one in found["sources"]
        if source in (None, one["name"])
    ]
    for one in found["adoptions"]:
        if not one["here"] and source in (None, one["source"]):
            note = _GONE.with_values({"module": one["module"]}).render(language)
            rows.append((one["source"], f"{one['title']} {one['version']}", "-", "-", note))
    if rows:
        heads = (Text("SOURCE"), Text("PROGRAM"), Text("DATABASE"), Text("SIZE"), Text("NOTES"))
        print_table(heads, rows, language)
    else:
        report([_NOTHING.render(language)])
    report(filter(None, [found["unended"]]))


def _notes_on(source: Json, adoption: Json | None) -> str:
    language = current_app().language
    if adoption:
        text = _STATES[adoption["state"]].with_values({"module": adoption["module"]})
        return text.render(language)
    if source["problem"]:
        return str(source["problem"])
    return (Text("running") if source["running"] else Text("stopped")).render(language)


_NOTHING: Final = Text("There is no n8n, Dify or PostgreSQL of yours on this engine.")
_GONE: Final = Text("copied into {module}; removed or created again since")
_STATES: Final = {
    "beside": Text("copied into {module}; both run, the triggers of {module} are off"),
    "switched": Text("stopped; {module} does its work"),
}
