"""The way back from what a command has begun and not ended."""

from typing import TYPE_CHECKING

import click

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import report

if TYPE_CHECKING:
    from aiserver_tray.app import App


class UndoHint:
    """Commands that take back what the running one has done so far, the last thing first; told
    behind the error where it does not come to its `end`."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._commands: list[str] = []
        click.get_current_context().call_on_close(self._tell)

    def add(self, *words: str) -> None:
        """By ``aiserver-tray`` with *words*, what was done now is taken back."""
        command = " ".join(("aiserver-tray", *words))
        if command not in self._commands:
            self._commands.insert(0, command)

    def end(self) -> None:
        """All is done: nobody wants to go back."""
        self._commands.clear()

    def _tell(self) -> None:
        if self._commands:
            said = Text(
                "Completed steps are kept. Run the same command again to continue. To undo them, "
                "run:"
            )
            report([said.render(self._app.language), *(f"  {line}" for line in self._commands)])
