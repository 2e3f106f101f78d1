"""Deleting the kept logs of modules that were removed."""

from collections.abc import Sequence
from typing import Literal

import click

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import current_app, report
from aiserver_tray.cli.core import connected, request
from aiserver_tray.cli.words import size
from aiserver_tray.features.logs.events import JOURNAL

LogChoice = Literal["delete", "ask", "keep"]


def settle_logs(modules: Sequence[str], choice: LogChoice) -> None:
    """Delete the kept logs of *modules* (none: of all), ask for that, or say that they are kept.

    Raises:
        AiServerError: they can't be read or deleted.
    """
    app = current_app()
    kept = request(app, "ai/logs/kept")["modules"]
    sizes = {module["module"]: module["bytes"] for module in kept}
    found = [name for name in sizes if (name in modules if modules else name != JOURNAL)]
    if not found:
        return
    amount = size(sum(sizes[name] for name in found))
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
