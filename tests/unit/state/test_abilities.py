"""What can be done with a module and with everything, and why not."""

from dataclasses import replace
from itertools import product

import pytest

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.base.i18n import Text, rendered
from aiserver_tray.model import ModuleModel
from aiserver_tray.state.abilities import Condition, module_abilities
from aiserver_tray.state.encode import snapshot_json, snapshot_of
from aiserver_tray.state.facts import ChosenChanged, EngineDown, OperationChanged
from aiserver_tray.state.reduce import State
from aiserver_tray.state.state import Work
from aiserver_tray.state.views import ModuleAbilities, ModuleView, OperationView, StackAbilities
from aiserver_tray.tray.actions import OpenDashboard, OpenModule, Operate
from aiserver_tray.tray.menu import TrayFacts, menu
from tests.support.made import after, container, ended, model, operation, running_engine, shown
from tests.unit.tray.shown import offered

BROKEN = Text("compose.yaml:3: no image")
DOWN = "Docker isn't running"
BUSY = "An operation is working on it"
STARTING, RUNNING = "It is already starting", "It is already running"
STOPPING, STOPPED = "It is stopping", "It is already stopped"
NOT_RUNNING, NO_CONTAINERS = "It is not running", "It has no containers"
LATER = "Its web page is available once it is running"
ORPHAN = "It is no longer in the catalog"
USED = "Used by web and chat"

RUNS = Condition(
    "running",
    is_alive=True,
    has_containers=True,
    is_wanted=True,
    is_busy=False,
    is_orphan=False,
    has_page=True,
    is_published=True,
    problem=None,
    users=(),
)
STOPS = RUNS._replace(state="stopped", is_alive=False, is_wanted=False)
DIED = RUNS._replace(state="error", is_alive=False)
OFF = STOPS._replace(state="engine_down", has_containers=False)

# Condition -> reasons against start, stop, stopWithUsers, restart, open, logs, remove.
TABLE: dict[str, tuple[Condition, tuple[str | None, ...]]] = {
    "running": (RUNS, (RUNNING, None, None, None, None, None, None)),
    "starting": (RUNS._replace(state="starting"), (STARTING, None, None, None, LATER, None, None)),
    "degraded": (RUNS._replace(state="degraded"), (None,) * 7),
    "unhealthy": (RUNS._replace(state="error"), (None, None, None, None, LATER, None, None)),
    "exited": (DIED, (None, None, None, NOT_RUNNING, LATER, None, None)),
    "never created": (DIED._replace(has_containers=False),
                      (None, None, None, NOT_RUNNING, LATER, NO_CONTAINERS, NO_CONTAINERS)),
    "stopping": (RUNS._replace(state="stopping", is_wanted=False, is_busy=True),
                 (STOPPING, STOPPING, STOPPING, STOPPING, LATER, None, STOPPING)),
    "stopped": (STOPS, (None, STOPPED, STOPPED, NOT_RUNNING, LATER, None, None)),
    "removed": (STOPS._replace(has_containers=False),
                (None, STOPPED, STOPPED, NOT_RUNNING, LATER, NO_CONTAINERS, NO_CONTAINERS)),
    "running, busy": (RUNS._replace(is_busy=True), (BUSY, BUSY, BUSY, BUSY, None, None, BUSY)),
    "stopped, busy": (STOPS._replace(is_busy=True), (BUSY, BUSY, BUSY, BUSY, LATER, None, BUSY)),
    "running, used": (RUNS._replace(users=("web", "chat")),
                      (RUNNING, USED, None, None, None, None, USED)),
    "stopped, used": (STOPS._replace(users=("web", "chat")),
                      (None, STOPPED, STOPPED, NOT_RUNNING, LATER, None, USED)),
    "running, broken": (RUNS._replace(problem=BROKEN, has_page=False),
                        (str(BROKEN), None, None, str(BROKEN), "It has no web page", None, None)),
    "stopped, broken": (STOPS._replace(problem=BROKEN),
                        (str(BROKEN), STOPPED, STOPPED, str(BROKEN), LATER, None, None)),
    "running, orphan": (RUNS._replace(is_orphan=True, is_wanted=False),
                        (ORPHAN, None, None, ORPHAN, None, None, None)),
    "stopped, orphan": (STOPS._replace(is_orphan=True),
                        (ORPHAN, STOPPED, STOPPED, ORPHAN, LATER, None, None)),
    "engine down": (OFF, (DOWN,) * 7),
    "engine down, busy": (OFF._replace(is_busy=True, is_wanted=True), (DOWN,) * 7),
}  # fmt: skip

ACTIONS = tuple(ModuleAbilities.__annotations__)


@pytest.mark.parametrize("name", TABLE)
def test_abilities_of_a_module_depend_on_its_state(name: str) -> None:
    condition, reasons = TABLE[name]

    found = module_abilities(condition)

    assert rendered(found) == dict(zip(ACTIONS, reasons, strict=True))


def test_modules_in_the_same_condition_share_the_answer() -> None:
    assert module_abilities(RUNS) is module_abilities(RUNS._replace())
    other = RUNS._replace(problem=Text("{why}", why="one"))
    assert module_abilities(other) is not module_abilities(
        other._replace(problem=Text("{why}", why="another"))
    )


# -- from the facts ------------------------------------------------------------------------------

MODELS = (
    model("db", kind="basic"),
    model("web", requires=("db",), open="http://127.0.0.1:1/"),
    ModuleModel("broken", "feature", problem=BROKEN),
)
UP = running_engine(container("db/app"), container("web/app"), ended("gone/app"), models=MODELS)


def reasons(state: State, module: str) -> dict[str, str | None]:
    found: dict[str, str | None] = rendered(shown(state, module).abilities)
    return found


def test_the_condition_of_a_module_comes_from_the_facts() -> None:
    assert reasons(UP, "web") == dict(zip(ACTIONS, TABLE["running"][1], strict=True))
    assert reasons(UP, "db")["stop"] == "Used by web"
    assert reasons(UP, "db")["stopWithUsers"] is None
    assert reasons(UP, "broken")["start"] == str(BROKEN)
    assert reasons(UP, "gone")["start"] == ORPHAN
    assert reasons(UP, "gone")["remove"] is None

    state = running_engine(container("broken/app"), models=MODELS, desired=("broken",))
    found = reasons(state, "broken")
    assert found["start"] == found["restart"] == str(BROKEN), "it runs without its file"
    assert found["stop"] is found["logs"] is None


@pytest.mark.parametrize(
    ("view", "busy"),
    [
        (OperationView("1", "up", ()), {"db", "web"}),
        (OperationView("1", "up", ("web",)), {"web"}),
        (OperationView("1", "up", ("web",), "waiting"), {"web"}),
        (operation("up", ("start", "db/app", "pending"), modules=("web",)), {"db", "web"}),
        (OperationView("1", "pull", ("web",), is_foreign=True), {"web"}),
        (OperationView("1", "up", ("web",), "succeeded"), set()),
        (OperationView("1", "up", (), "failed"), set()),
    ],
)
def test_an_operation_has_the_modules_that_it_names_and_those_of_its_steps(
    view: OperationView, busy: set[str]
) -> None:
    work = Work.of([view])
    state = after(OperationChanged(view), start=UP)

    assert {name for name in ("db", "web") if work.has(name)} == busy
    assert {name for name in ("db", "web") if reasons(state, name)["restart"] == BUSY} == busy


# -- everything ----------------------------------------------------------------------------------

NOTHING = running_engine(models=MODELS, desired=())
ALL = after(ChosenChanged(("web",)), start=UP)
OWN = OperationView("1", "up", ("web", "db", "gone"))
NONE = "No operation is in progress"
SOME = "An operation is in progress"
STARTED = "The chosen modules are already started"

LACKING = running_engine(ended("db/app", exit_code=1), container("web/app"), models=MODELS)

CHOOSE, USELESS = ChosenChanged(("web",)), ChosenChanged(("web", "broken"))
BEGUN, GONE = OperationChanged(OWN), EngineDown(EngineDownError("here", "gone"))
ELSEWHERE = OperationChanged(replace(OWN, is_foreign=True))
NOT_OURS = "Only the process that started the operation can cancel it"

STACK: dict[str, tuple[State, tuple[str | None, ...]]] = {
    "running": (ALL, (STARTED, None, NONE)),
    "stopped": (after(USELESS, start=NOTHING), (None, "Nothing is running", NONE)),
    "none chosen": (UP, ("No modules are chosen", None, NONE)),
    "chosen, of no use": (after(USELESS, start=UP), (f"broken: {BROKEN}", None, NONE)),
    "running, what it requires failed": (after(CHOOSE, start=LACKING), (None, None, NONE)),
    "begun": (after(CHOOSE, OperationChanged(replace(OWN, modules=())), start=NOTHING),
              (STARTED, SOME, None)),
    "busy": (after(BEGUN, start=ALL), (STARTED, SOME, None)),
    "busy elsewhere": (after(ELSEWHERE, start=ALL), (STARTED, SOME, NOT_OURS)),
    "engine down": (after(GONE, start=ALL), (DOWN, DOWN, NONE)),
    "engine down, busy": (after(BEGUN, GONE, start=ALL), (DOWN, DOWN, None)),
}  # fmt: skip


@pytest.mark.parametrize("name", STACK)
def test_abilities_of_the_stack_depend_on_its_state_also_for_a_client(name: str) -> None:
    state, expected = STACK[name]
    found = rendered(state.snapshot.abilities)
    assert found == dict(zip(StackAbilities.__annotations__, expected, strict=True))
    sent = snapshot_json(state.snapshot, "zh")
    assert snapshot_json(snapshot_of(sent), "zh")["abilities"] == sent["abilities"]


# -- the tray ------------------------------------------------------------------------------------

OFFERS: dict[str, object] = {
    "start": Operate("up", ("web",)),
    "stop": Operate("stop", ("web",)),
    "restart": Operate("restart", ("web",)),
    "open": OpenModule("web"),
    "logs": OpenDashboard("logs/web"),
    "remove": Operate("down", ("web",)),
}
"""What the tray's menu has for an action; a stop with users is for the page."""


@pytest.mark.parametrize(("name", "action"), [*product(TABLE, OFFERS)])
def test_menu_and_json_offer_the_same(name: str, action: str) -> None:
    condition, _ = TABLE[name]
    view = view_of(condition)
    snapshot = replace(UP.snapshot, modules=(view,))

    actions = offered(menu(snapshot, TrayFacts(), "en"))

    is_shown = action != "open" or condition.has_page
    is_shown &= (
        (action == "remove") if condition.is_orphan and action != "stop" else action != "remove"
    )
    possible = to_json(view, "en")["abilities"][action] is None
    assert (OFFERS[action] in actions) == (possible and is_shown)


def view_of(condition: Condition) -> ModuleView:
    return replace(
        shown(UP, "web"),
        state=condition.state,
        wanted=condition.is_wanted,
        orphan=condition.is_orphan,
        open="http://127.0.0.1:1/" if condition.has_page else None,
        problem=condition.problem,
        used_by=condition.users,
        abilities=module_abilities(condition),
    )
