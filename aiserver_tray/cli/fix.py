"""Offering the remedies of an error: settings and permissions that the user can allow."""

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
    """Offer remedies of *error*, and return whether the user accepted. Nothing is offered unless
    the first remedy of every joined error is one that the command line can apply: ``set``, or
    ``trust`` with the permissions in the error's message."""
    found = [_first_remedy(one, app) for one in each(error)]
    remedies = [remedy for remedy in found if remedy and remedy["kind"] in ("set", "trust")]
    if len(remedies) < len(found):
        return False
    report(remedy.get("question", remedy["text"]) for remedy in remedies if "setting" in remedy)
    question = Text("Allow this and continue?").render(app.language)
    if not click.confirm(question, default=False, err=True):
        return False
    for remedy in remedies:
        _apply(remedy, app)
    return True


def _first_remedy(error: AiServerError, app: "App") -> Mapping[str, Any] | None:
    remedies: list[Mapping[str, Any]] = error.data_in(app.language).get("remedies", [])
    return next(iter(remedies), None)


def _apply(remedy: Mapping[str, Any], app: "App") -> None:
    if remedy["kind"] == "set":
        set_setting(app, remedy["setting"], remedy["value"])
    else:
        trust_module(app, remedy["module"], remedy["hash"])
