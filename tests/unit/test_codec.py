"""A field of what clients get is declared once: JSON, documentation and types follow from it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, is_dataclass
from typing import Any, TypedDict, get_args, get_type_hints

from hypothesis import given

from aiserver_tray.base.codec import NEVER_SENT, from_json, sent_as, sent_fields, to_json
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.owner.features import every_channel
from aiserver_tray.protocol.message import EVENTS
from aiserver_tray.state.views import ModuleView, Status
from tests.support.any_value import one_of_each, values
from tests.unit.pages import ROOT


class Paint(TypedDict):
    """A paint."""

    name: Text
    litres: float


@dataclass(frozen=True)
class Side:
    """A side of a wall, and what is behind it."""

    paints: tuple[Paint, ...]
    is_dry: bool
    wall_number: int = field(metadata=sent_as(lambda side, _language: side.wall_number + 1))
    behind: "Side | None" = None
    painter: str = field(default="", metadata=NEVER_SENT)


def test_values_are_sent_by_the_hints_of_their_fields() -> None:
    red: Paint = {"name": Text("stopped"), "litres": 2.5}
    inner = Side((), is_dry=False, wall_number=2)
    side = Side((red,), is_dry=True, wall_number=1, behind=inner, painter="me")
    sent = to_json(side, "zh")
    assert sent == {
        "paints": [{"name": "已停止", "litres": 2.5}],
        "dry": True,
        "wallNumber": 2,
        "behind": {"paints": [], "dry": False, "wallNumber": 3, "behind": None},
    }
    back = from_json(Side, sent, "zh")
    assert (back.is_dry, back.behind and back.behind.is_dry, back.painter) == (True, False, "")
    assert to_json(from_json(Side, sent), "en")["paints"] == sent["paints"]
    del sent["behind"]
    assert from_json(Side, sent).behind is None


def test_a_value_is_sent_as_one_of_a_base() -> None:
    shaded = Shaded("web", Text("stopped"))
    assert to_json(shaded, "en", Plain) == {"name": "web"}
    assert to_json(shaded, "en") == {"name": "web", "shade": "stopped"}


@dataclass(frozen=True)
class Plain:
    """Something plain."""

    name: str
    """its name"""


@dataclass(frozen=True)
class Shaded(Plain):
    """Something with a shade."""

    shade: Text | None
    """`null` without one"""


# -- a field is cheap -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintedView(ModuleView):
    """A module that was painted."""

    is_old: bool
    """painted more than
    a year ago"""
    painted_by: tuple[Shaded, ...]
    why: Text | None


@given(values(PaintedView), one_of_each(Language))
def test_a_new_field_of_a_view_goes_there_and_back(view: PaintedView, language: Language) -> None:
    sent = to_json(view, language)
    assert sent["old"] == view.is_old
    assert [one["name"] for one in sent["paintedBy"]] == [one.name for one in view.painted_by]
    back = from_json(PaintedView, sent, language)
    assert back.is_old == view.is_old
    assert to_json(back, language) == sent


# -- no second list of fields ----------------------------------------------------------------------

LIMIT = 5
"""So many fields of one class in a dict, TypedDict or call are a second list of them."""

ALLOWED = {
    ("base/errors/remedies.py", "AlertView"): "declares remedies",
    ("catalog/modules.py", "ModuleView"): "makes a module of the catalog, which knows no state",
    ("cli/catalog.py", "ModuleView"): "prints a module of the catalog",
    ("features/access/addresses.py", "ModuleAccessView"): "makes it",
    ("features/access/events.py", "ModuleAccessView"): "the event has five of the names, for Home",
    ("features/predecessor/channels.py", "ModuleView"): "has the predecessor's form of a module",
    ("features/backup/index.py", "BackupView"): "makes it",
    ("features/backup/index.py", "RestoreOffer"): "makes the list of backups",
    ("features/backup/keeper.py", "ScheduleView"): "makes it",
    ("features/logs/store/reader.py", "LogErrorGroup"): "makes it",
    ("features/monitoring/channels.py", "MarkView"): "makes it",
    ("features/adopt/adoption.py", "AdoptionView"): "remembers it",
    ("features/alerts/alerts.py", "AlertView"): "makes alerts",
    ("features/alerts/webhook.py", "AlertView"): "makes messages for others' programs",
    ("features/upgrade/upgrades.py", "RehearsalView"): "remembers it",
    ("features/upgrade/versions.py", "ModuleUpgradeView"): "makes it",
    ("engine/parse.py", "EngineDiskView"): "makes the use of the disk",
    ("engine/parse.py", "ServiceView"): "makes containers",
    ("operations/run/downloads.py", "DownloadView"): "makes it",
    ("operations/record.py", "ActivityOperation"): "makes the journal's entry of an operation",
    ("state/aggregate.py", "ModuleView"): "makes it",
    ("state/aggregate.py", "Snapshot"): "makes it",
    ("state/aggregate.py", "SourceView"): "makes modules, which have fields of the same names",
    ("state/judge.py", "ServiceView"): "makes it",
    ("state/progress.py", "OperationSummary"): "computes the progress",
    ("state/progress.py", "OperationView"): "computes the progress",
    ("state/reduce.py", "EngineView"): "makes it",
}
"""Module and class -> why the module may list the fields."""


def sent_classes() -> dict[str, type]:
    """The dataclasses that are sent, by name."""
    answers = [channel.answer for channel in every_channel().values()]
    # Events are known once the features are imported.
    todo = [*answers, *(event.payload for event in EVENTS.values()), Status]
    seen = set[Any]()
    while todo:
        hint = todo.pop()
        if hint not in seen:
            seen.add(hint)
            todo += get_type_hints(hint).values() if isinstance(hint, type) else get_args(hint)
    return {one.__name__: one for one in seen if isinstance(one, type) and is_dataclass(one)}


SENT = sent_classes()


def named(node: ast.AST) -> set[str]:
    """The names that *node* lists."""
    match node:
        case ast.Dict(keys=keys):
            return {str(key.value) for key in keys if isinstance(key, ast.Constant)}
        case ast.Call(keywords=keywords):
            return {keyword.arg for keyword in keywords if keyword.arg}
        case ast.ClassDef(bases=bases, body=body) if "TypedDict" in map(ast.unparse, bases):
            statements = (line for line in body if isinstance(line, ast.AnnAssign))
            return {ast.unparse(statement.target) for statement in statements}
    return set()


def second_lists() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "aiserver_tray").rglob("*.py")):
        place = file.relative_to(ROOT / "aiserver_tray").as_posix()
        module = f"aiserver_tray.{place.removesuffix('.py').replace('/', '.')}"
        lists = [named(node) for node in ast.walk(ast.parse(file.read_bytes()))]
        longest = [names for names in lists if len(names) >= LIMIT]
        for name, kind in SENT.items():
            if module in (base.__module__ for base in kind.__mro__):
                continue
            own = [{one.name, wire} for wire, one in sent_fields(kind).items()]
            if any(sum(bool(one & names) for one in own) >= LIMIT for names in longest):
                yield place, name


def test_no_other_place_lists_the_fields() -> None:
    assert sorted(set(second_lists())) == sorted(ALLOWED)
