"""Deleting the kept logs of modules that were removed."""

from collections.abc import Sequence
from typing import Literal

import click

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import current_app, report
from aiserver_tray.cli.core import ask_owner
from aiserver_tray.cli.words import size

LogChoice = Literal["delete", "ask", "keep"]


def settle_logs(modules: Sequence[str], choice: LogChoice) -> None:
    """Delete the kept logs of *modules* (none: of all), ask for that, or say that they are kept.

    Raises:
        AiServerError: they can't be read or deleted.
    """
    from aiserver_tray.features.logs.kept import file_of_logs  # noqa: PLC0415
    from aiserver_tray.features.logs.lines import MODULE  # noqa: PLC0415 - few need it
    from aiserver_tray.features.logs.store.reader import LogReader  # noqa: PLC0415

    app = current_app()
    sizes = LogReader(file_of_logs(app.home.folder)).sizes()
    found = [name for name in sizes if (name in modules if modules else name != MODULE)]
    if not found:
        return
    amount = size(sum(sizes[name].bytes for name in found))
    if choice == "ask":
        question = Text("The logs are kept ({size}). Delete them, too?", size=amount)
        choice = "delete" if click.confirm(question.render(app.language), err=True) else "keep"
    elif choice == "keep":
        command = " ".join(["aiserver-tray down --logs", *modules])
        text = Text("The logs are kept ({size}). To delete them: {command}", size=amount,
                    command=command)  # fmt: skip
        report([text.render(app.language)])
    if choice == "delete":
        _delete(found)
        report([Text("The kept logs were deleted ({size}).", size=amount).render(app.language)])


def _delete(modules: Sequence[str]) -> None:
    """Through the home's owner if there is one: only it may write to the store."""
    app = current_app()
    if all(ask_owner(app, "ai/logs/delete", module=module) for module in modules):
        return
    from aiserver_tray.carriers.local.place import Instance  # noqa: PLC0415 - only then
    from aiserver_tray.features.logs.kept import file_of_logs  # noqa: PLC0415
    from aiserver_tray.features.logs.store.store import LogStore  # noqa: PLC0415

    with Instance(app.home):
        store = LogStore(file_of_logs(app.home.folder))
        try:
            for module in modules:
                store.delete(module)
        finally:
            store.close()
