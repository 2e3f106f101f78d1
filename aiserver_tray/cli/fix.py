"""Offering the remedy that an error contains: a setting or permissions that the user can allow."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from aiserver_tray.base.errors import AiServerError, each
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import report, report_failure, status_of
from aiserver_tray.cli.core import set_setting, trust_module
from aiserver_tray.cli.terminal import is_interactive

if TYPE_CHECKING:
    from aiserver_tray.app import App


def fix_or_exit(error: AiServerError, app: "App") -> None:
    """Show *error*, and exit unless the user accepts its remedy."""
    report_failure(error, app.language)
    if not is_interactive() or not fix(error, app):
        sys.exit(status_of(error))


def fix(error: AiServerError, app: "App") -> bool:
    """Offer the remedies of *error*, and return whether the user accepted. Nothing is offered
    unless every joined error has one: ``fix`` with a setting, or ``trust`` with the permissions in
    the error's message (`ErrorDataJson`)."""
    details = [one.data_in(app.language) for one in each(error)]
    if not all("fix" in data or "trust" in data for data in details):
        return False
    report(data["fix"]["question"] for data in details if "fix" in data)
    question = Text("Allow this and continue?").render(app.language)
    if not click.confirm(question, default=False, err=True):
        return False
    for data in details:
        _apply(data, app)
    return True


def _apply(data: Mapping[str, Any], app: "App") -> None:
    if "fix" in data:
        set_setting(app, data["fix"]["setting"], data["fix"]["value"])
    else:
        trust_module(app, data["trust"]["module"], data["trust"]["hash"])
