"""Snapshots as what changed since the last one. Pure; snapshots are JSON (`contract`)."""

from collections.abc import Mapping
from typing import Any

from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import Json

_WHOLE = ("language", "engine", "state", "operations", "abilities", "chosen")
"""Parts that are sent as a whole where anything in them changed."""


class OutOfStepError(Exception):
    """The change is not of the snapshot at hand: ask for a whole one."""


def change(old: Json | None, new: Json) -> Json | None:
    """The payload of the event that makes *new* of *old*; None where nothing is to be told."""
    if old is None:
        return {"seq": new["seq"], "base": None, "snapshot": new}
    changes: Json = {part: new[part] for part in _WHOLE if new[part] != old[part]}
    known, now = _by_name(old), _by_name(new)
    if changed := [module for name, module in now.items() if module != known.get(name)]:
        changes["modules"] = changed
    if list(now) != list(known):
        changes["order"] = list(now)
    return {"seq": new["seq"], "base": old["seq"], "changes": changes} if changes else None


def language_of(payload: Mapping[str, Any]) -> Language | None:
    """The language of the texts in the event *payload*; None where it is as before."""
    told: Language | None = payload.get("snapshot", payload.get("changes", {})).get("language")
    return told


def applied(old: Json | None, payload: Mapping[str, Any]) -> Json:
    """The snapshot after the event *payload*.

    Raises:
        OutOfStepError: an event before it was missed.
    """
    if payload["base"] is None:
        return dict(payload["snapshot"])
    if old is None or old["seq"] != payload["base"]:
        raise OutOfStepError
    changes = payload["changes"]
    modules = _by_name(old) | {module["name"]: module for module in changes.get("modules", ())}
    order = changes.get("order", modules)
    whole = {part: changes[part] for part in _WHOLE if part in changes}
    return {**old, **whole, "seq": payload["seq"], "modules": [modules[name] for name in order]}


def _by_name(snapshot: Json) -> dict[str, Json]:
    return {module["name"]: module for module in snapshot["modules"]}
