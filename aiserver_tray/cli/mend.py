"""What an error says that it can be mended by: a setting that the user is asked for."""

import sys
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import AiServerError, each
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import status_of, tell, tell_failure
from aiserver_tray.cli.core import set_setting
from aiserver_tray.cli.terminal import is_interactive

if TYPE_CHECKING:
    from aiserver_tray.app import App


def mend_or_end(error: AiServerError, app: "App") -> None:
    """Tell *error*, and end the process unless it is mended."""
    tell_failure(error, app.language)
    if not is_interactive() or not mend(error, app):
        sys.exit(status_of(error))


def mend(error: AiServerError, app: "App") -> bool:
    """Whether *error* is mended: all that it is about can be, and the user says yes to that. A
    mend is ``{"setting": ADDRESS, "value": VALUE, "question": TEXT}``."""
    told = [one.data_in(app.language) for one in each(error)]
    mends: list[dict[str, str]] = [data["mend"] for data in told if "mend" in data]
    if len(mends) < len(told):
        return False
    tell(one["question"] for one in mends)
    question = Text("Allow this and continue?").render(app.language)
    if not click.confirm(question, default=False, err=True):
        return False
    for setting, value in {one["setting"]: one["value"] for one in mends}.items():
        set_setting(app, setting, value)
    return True
