"""Why a module does not run as it should, since when, and what is offered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aiserver_tray.base.errors import (
    AiServerError,
    EngineDownError,
    HealthTimeoutError,
    JointError,
    PortConflictError,
    ResourcesError,
    SettingError,
)
from aiserver_tray.base.errors.remedies import enter
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.engine.parse import _unhealthy_since as unhealthy_since
from aiserver_tray.model import Container, ModuleModel, OperationKind, ServiceModel
from aiserver_tray.state.facts import (
    ContainersListed,
    DesiredChanged,
    EngineDown,
    EngineUp,
    Fact,
    ModulesChanged,
    OperationChanged,
)
from aiserver_tray.state.reduce import State, reduce
from aiserver_tray.state.views import Trouble
from tests.support.consents import refused
from tests.support.made import after, ended, operation, reason, running_engine, shown
from tests.support.made import model as made

GIB = 2**30
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SEARCH = ModuleModel(
    "search",
    "basic",
    services=(ServiceModel("es", "ai-es", "es:1", memory=4 * GIB, memory_setting="search.MEMORY"),),
)
OTHER = ModuleModel("other", "basic", services=(ServiceModel("db", "ai-db", "db:1", memory=GIB),))
DB = Container("2", "ai-db", "other", "db", "", "db:1", "", "running")
ENDED = Container(
    "1", "ai-es", "search", "es", "", "es:1", "", "exited", exit_code=137, finished_at=NOON
)


def trouble(
    *containers: Container, memory: int | None = 16 * GIB, model: ModuleModel = SEARCH
) -> Trouble | None:
    state = State()
    facts = (
        ModulesChanged((model, OTHER)),
        ContainersListed((DB, *containers)),
        EngineUp("id", "29", 4, memory or 0),
        DesiredChanged(frozenset({"search", "other"})),
    )
    for fact in facts:
        state = reduce(state, fact)
    return next(m.trouble for m in state.snapshot.modules if m.name == "search")


@pytest.mark.parametrize(
    ("memory", "raised"), [(16, "6g"), (6, "5g"), (5, None), (2, None)], ids=str
)
def test_out_of_memory_offers_more_memory_if_there_is_some(memory: int, raised: str | None) -> None:
    found = trouble(replace(ENDED, oom_killed=True), memory=memory * GIB)
    assert found is not None
    assert (found.kind, found.service, found.since) == ("memory", "es", NOON)
    assert found.available == (memory - 1) * GIB, "the other service has its limit"
    values = [remedy.get("value") for remedy in found.remedies if remedy["kind"] == "set"]
    assert values == ([raised] if raised else [])
    assert [remedy["kind"] for remedy in found.remedies][-2:] == ["restart", "logs"]


@pytest.mark.parametrize(
    ("limit", "raised"), [("1g", "1536m"), ("256m", "384m"), ("20m", "30m"), (None, None)]
)
def test_a_small_limit_grows_in_small_steps_and_a_fixed_one_never(
    limit: str | None, raised: str | None
) -> None:
    (service,) = SEARCH.services
    memory = {"memory": parse_size(limit)} if limit else {"memory_setting": None}
    changed = replace(SEARCH, services=(replace(service, **memory),))
    found = trouble(replace(ENDED, oom_killed=True), model=changed)
    assert found is not None
    kinds = [remedy["kind"] for remedy in found.remedies]
    assert kinds == [*(["set"] if raised else []), "restart", "logs"]
    assert found.remedies[0].get("value") == raised


def test_each_kind_of_trouble_has_its_next_steps() -> None:
    exited, absent = trouble(replace(ENDED, health="unhealthy", exit_code=1)), trouble()
    killed = trouble(ENDED)
    sick = replace(ENDED, status="running", health="unhealthy", unhealthy_since=NOON)
    unhealthy = trouble(sick)
    enter_it = enter(Text("Enter a value"), "search.KEY")
    blocked = replace(SEARCH, services=(), problem=Text("no value"), remedies=(enter_it,))
    found = [exited, killed, absent, unhealthy, trouble(model=blocked)]
    shown = [(t.kind, t.since, [r["kind"] for r in t.remedies]) for t in found if t]
    assert shown == [
        ("exited", NOON, ["restart", "logs"]),
        ("killed", NOON, ["restart", "logs"]),
        ("absent", None, ["restart"]),
        ("unhealthy", NOON, ["restart", "logs"]),
        ("blocked", None, ["enter"]),
    ]
    assert trouble(replace(ENDED, status="running")) is None


TAKEN = PortConflictError("web", "127.0.0.1", 1, Text("node.exe"), 2, "web.PORT")
FULL = ResourcesError(Text("no space"), modules=["web"])
LATE = HealthTimeoutError("web/app", 120.0, "refused", [])


def up(*errors: AiServerError, modules: tuple[str, ...] = ("web",)) -> OperationChanged:
    """A start of *modules* has failed."""
    error = errors[0] if len(errors) == 1 else JointError(errors)
    failed = operation("up", status="failed", modules=modules)
    return OperationChanged(replace(failed, error=error, ended_at=NOON))


class TestFailedStart:
    MODELS = (made("db", kind="basic"), made("web", requires=("db",)), made("other"))

    @pytest.mark.parametrize(
        ("failure", "states", "sentence"),
        [
            (up(TAKEN), "stopped error stopped", "web couldn't start"),
            (up(TAKEN, modules=("web", "db")), "stopped error stopped", "web couldn't start"),
            (up(AiServerError(Text("why"))), "stopped error stopped", "web couldn't start"),
            (up(AiServerError(Text("why")), modules=("web", "other")),
             "stopped error error", "web and other couldn't start"),
            (up(FULL, modules=("web", "other")), "stopped error stopped", "web couldn't start"),
            (up(AiServerError(Text("why"), module="far"), modules=("web", "other")),
             "stopped " * 3, None),
            (up(EngineDownError("h", "why")), "stopped " * 3, None),
            (up(refused("web")), "stopped " * 3, None),
            (up(SettingError("db.KEY", Text("no key"), []), modules=("web", "db")),
             "error degraded stopped", "db couldn't start"),
            (up(SettingError("/home/u/state.json", Text("full")), modules=("web", "other")),
             "stopped error error", "web and other couldn't start"),
            (up(SettingError("app.bind", Text("no address")), modules=("web", "other")),
             "stopped error error", "web and other couldn't start"),
            (up(TAKEN, AiServerError(Text("one"), module="other"), modules=("web", "other")),
             "stopped error error", "web and other couldn't start"),
        ],
        ids=[
            "a port", "with another", "unnamed", "of all", "of some", "elsewhere", "the engine",
            "a question", "required", "a file", "the applet's setting", "two",
        ],
    )  # fmt: skip
    def test_is_shown_at_its_module(
        self, failure: OperationChanged, states: str, sentence: str | None
    ) -> None:
        found = after(failure, start=running_engine(models=self.MODELS, desired=())).snapshot
        assert [module.state for module in found.modules] == states.split()
        assert (found.sentence and str(found.sentence)) == sentence

    def test_has_its_reason_and_lasts_while_an_image_is_pulled(self) -> None:
        view = shown(after(up(TAKEN), start=running_engine(desired=())))
        assert view.trouble
        assert (view.trouble.kind, view.trouble.since) == ("start", NOON)
        assert str(view.reason) == str(view.trouble.reason) == "Port 1 is in use by node.exe"
        assert view.remedy == TAKEN.remedies[0]
        assert (view.abilities["start"], view.abilities["stop"]) == (None, None)
        # It hides no trouble of a container.
        state = after(up(LATE), start=running_engine(ended(exit_code=3)))
        assert reason(state) == "app: exited with code 3"
        state = after(up(TAKEN), start=running_engine())
        assert reason(state) == "Port 1 is in use by node.exe", "better than a missing container"
        # It lasts while an image is pulled.
        pull = replace(operation("pull"), id="2")
        assert "web" in after(up(TAKEN), OperationChanged(pull)).failures

    def test_what_needs_it_offers_to_start_it(self) -> None:
        failed = up(AiServerError(Text("why"), module="db"), modules=("db", "web"))
        view = shown(after(failed, start=running_engine(models=self.MODELS, desired=())))
        assert (str(view.word), str(view.remedy and view.remedy["text"])) == (
            "needs db", "Start db",
        )  # fmt: skip

    @pytest.mark.parametrize("kind", ["up", "stop", "restart", "down"])
    def test_is_over_when_another_operation_works_on_the_module(self, kind: OperationKind) -> None:
        begun = replace(operation(kind), id="2")
        state = after(up(TAKEN, modules=("web", "other")), OperationChanged(begun))
        done = replace(begun, status="succeeded")
        state = after(OperationChanged(done), start=state)
        assert "web" not in state.failures


def test_trouble_of_a_lost_engine_has_its_time() -> None:
    state = State()
    hours = enumerate("ab")
    lost = [EngineDown(EngineDownError("h", why), NOON + timedelta(hours=i)) for i, why in hours]
    assert reduce(state, lost[0]).engine.down_since is None, "it never ran while we looked"
    facts: list[Fact] = [EngineUp("id", "29", 4, GIB), *lost]
    for fact in facts:
        state = reduce(state, fact)
    assert state.engine.down_since == NOON


def test_failed_checks_that_the_engine_has_forgotten_are_counted_back() -> None:
    def since(streak: int, status: str = "unhealthy") -> datetime | None:
        log = [{"Start": (NOON + timedelta(seconds=s)).isoformat()} for s in (0, 10, 20)]
        health: dict[str, Any] = {"Status": status, "FailingStreak": streak, "Log": log}
        return unhealthy_since(health, {"Interval": 10_000_000_000})

    assert since(2) == NOON + timedelta(seconds=10)
    assert since(3) == NOON
    assert since(10) == NOON - timedelta(seconds=70)
    assert since(3, "healthy") is None
