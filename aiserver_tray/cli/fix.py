"""Offering the fix that an error contains: a setting that the user can allow."""

import sys
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import AiServerError, each
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import report, report_failure, status_of
from aiserver_tray.cli.core import set_setting
from aiserver_tray.cli.terminal import is_interactive

if TYPE_CHECKING:
    from aiserver_tray.app import App


def fix_or_exit(error: AiServerError, app: "App") -> None:
    """Show *error*, and exit unless the user accepts its fix."""
    report_failure(error, app.language)
    if not is_interactive() or not fix(error, app):
        sys.exit(status_of(error))


def fix(error: AiServerError, app: "App") -> bool:
    """Offer the fixes of *error*, and return whether the user accepted. Nothing is offered unless
    every joined error has a fix, which is ``{"setting": ADDRESS, "value": VALUE, "question":
    TEXT}``."""
    details = [one.data_in(app.language) for one in each(error)]
    fixes: list[dict[str, str]] = [data["fix"] for data in details if "fix" in data]
    if len(fixes) < len(details):
        return False
    report(one["question"] for one in fixes)
    question = Text("Allow this and continue?").render(app.language)
    if not click.confirm(question, default=False, err=True):
        return False
    for setting, value in {one["setting"]: one["value"] for one in fixes}.items():
        set_setting(app, setting, value)
    return True
