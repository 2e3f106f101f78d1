"""Commands that undo the completed part of a failed command."""

from typing import TYPE_CHECKING

import click

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import report

if TYPE_CHECKING:
    from aiserver_tray.app import App


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
