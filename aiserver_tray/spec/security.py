"""Security options of a container; a seccomp profile's file is read and passed on."""

import json
from pathlib import Path
from typing import Any

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.reader import read_bytes
from aiserver_tray.spec.scope import Scope

_ALL_PATHS = "systempaths=unconfined"


def security(scope: Scope, name: str) -> dict[str, Any]:
    """``SecurityOpt`` of the service *name*, and the masked and read-only paths that follow from
    it.

    Raises:
        CatalogError: an option is none, or a profile can't be read.
    """
    place = scope.place(name, "security_opt")
    given = scope.service(name).security_opt
    options = [_option(o, scope.module.folder, place) for o in given if o != _ALL_PATHS]
    shown: dict[str, Any] = {"MaskedPaths": [], "ReadonlyPaths": []} if _ALL_PATHS in given else {}
    return {"SecurityOpt": options or None, **shown}


def _option(option: str, folder: Path, place: Place) -> str:
    key, _, value = option.partition("=") if "=" in option else option.partition(":")
    if not value and option != "no-new-privileges":
        text = Text("expected an option such as no-new-privileges:true")
        raise CatalogError.at(place, text)
    if key != "seccomp" or value in ("unconfined", "builtin"):
        return option
    return f"seccomp={_profile(folder / value, place)}"


def _profile(path: Path, place: Place) -> str:
    try:
        return json.dumps(json.loads(read_bytes(path, place)), separators=(",", ":"))
    except (ValueError, RecursionError):
        text = Text("expected a seccomp profile in JSON in {file}", file=path)
        raise CatalogError.at(place, text) from None
