"""Icon, tooltip and menu of a snapshot."""

from dataclasses import replace
from textwrap import dedent
from typing import Literal

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.base.errors.remedies import restart, restart_of, set_to, start
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.features.mcp.events import Proposal
from aiserver_tray.model import OperationKind, State
from aiserver_tray.state.progress import CONDITIONS, STATES
from aiserver_tray.state.views import EngineView, ModuleView, OperationView, Snapshot, Trouble
from aiserver_tray.tray.actions import (
    AnswerAssistant,
    BackUp,
    Cancel,
    CloseAccess,
    OpenDashboard,
    OpenModule,
    Operate,
    Quit,
    SetAndStart,
    StartEngine,
    ToggleAutostart,
)
from aiserver_tray.tray.menu import ActiveAlert, Entry, TrayFacts, shortened
from aiserver_tray.tray.view import TOOLTIP_UNITS, IconSpec, TrayView, tray_view
from tests.support.made import operation
from tests.unit.tray.shown import FACTS, absent, module, offered, snapshot, tree

POSTGRES = module("postgres", kind="basic", used_by=("n8n",))
DOWN = EngineView(running=False, error=EngineDownError("unix:///run/docker.sock", "refused"))
STARTING = operation(
    "up",
    ("start", "postgres/postgres", "done"),
    ("wait", "postgres/postgres", "running"),
    ("start", "n8n/n8n", "pending"),
    ("wait", "n8n/n8n", "pending"),
    id="7",
    modules=("n8n",),
)


def shown(seen: Snapshot, facts: TrayFacts = FACTS, language: Language = "en") -> TrayView:
    return tray_view(seen, facts, language)


def test_the_menu_of_a_stack_that_runs() -> None:
    n8n = module("n8n", open="http://localhost:18100")
    view = shown(snapshot(n8n, module("dify", "stopped"), POSTGRES))
    assert tree(view.menu) == dedent("""\
        (● Running, 2 of 2 healthy)
        *Open dashboard*
        --
        Open n8n
        --
        Start all
        Stop all
        Modules
          ● n8n – running
            Open
            (Start)
            Stop
            Restart
            Logs
          ○ Dify – stopped
            Start
            (Stop)
            (Restart)
            Logs
          --
          ● PostgreSQL – running
            (Used by n8n)
            (Start)
            (Stop)
            Restart
            Logs
        --
        [ ] Start at login
        Back up now
        Settings
        --
        Quit
          *Quit and keep everything running*
          Quit and stop everything""")
    chinese = tree(shown(snapshot(n8n, module("dify", "stopped")), language="zh").menu)
    assert "全部启动" in chinese
    assert "○ Dify – 已停止" in chinese


def submenu_of(name: str, seen: Snapshot) -> Entry:
    """The lines about the module *name*."""
    (modules,) = (entry for entry in shown(seen).menu if entry.text == "Modules")
    return next(entry for entry in modules.children if f" {name} – " in entry.text)


def test_facts_that_are_not_in_the_state_have_their_lines() -> None:
    seen = snapshot(module("n8n"))
    (quit_,) = (
        one for one in shown(seen, TrayFacts(relayed=["Ollama"])).menu if one.text == "Quit"
    )
    why = quit_.children[1]
    assert why.text == "Modules get no answers from Ollama until the next start"
    assert not why.enabled
    is_open = {CloseAccess("n8n"), OpenDashboard("modules/n8n/access")}
    assert is_open <= {*offered(shown(seen, replace(FACTS, open={"n8n": "internet"})).menu)}
    assert not is_open & {*offered(shown(seen).menu)}


def test_an_operation_is_shown_and_can_be_cancelled() -> None:
    seen = snapshot(module("n8n", "starting"), POSTGRES, operations=(STARTING,))
    view = shown(seen)
    assert view.tooltip == "AI-Server Tray – Starting n8n – 25 %, estimating…"
    assert tree(view.menu).startswith("(◐ Starting n8n)\n*Open dashboard*")
    assert "\nCancel the start of n8n\n(Stop all)\n" in tree(view.menu)
    assert Cancel("7") in offered(view.menu)
    assert not [action for action in offered(view.menu) if isinstance(action, Operate)]


@pytest.mark.parametrize(
    ("kind", "modules", "line"),
    [
        ("up", ("n8n", "postgres"), "Cancel the start of n8n"),
        ("restart", ("postgres",), "Cancel the restart of PostgreSQL"),
        ("stop", ("n8n", "dify", "postgres"), "Cancel the stop of 3 modules"),
        ("down", (), "Cancel the removal of modules"),
        ("pull", ("dify",), "Cancel the download of images of Dify"),
        ("build", ("dify",), "Cancel the build of images of Dify"),
        ("backup", ("n8n", "dify", "postgres"), "Cancel the backup of 3 modules"),
        ("restore", ("n8n", "postgres"), "Cancel the restore of n8n"),
    ],
)
def test_cancel_says_what_it_cancels(
    kind: OperationKind, modules: tuple[str, ...], line: str
) -> None:
    begun = OperationView("7", kind, modules)
    view = shown(snapshot(module("n8n"), module("dify"), POSTGRES, operations=(begun,)))
    assert [entry.text for entry in view.menu if entry.action == Cancel("7")] == [line]


def test_alerts_lead_to_their_page_unless_their_module_has_a_next_step() -> None:
    killed = Trouble("killed", Text("killed"), "n8n", remedies=(restart_of("n8n", {"en": "n8n"}),))
    alerts = [ActiveAlert("n8n stopped unexpectedly", "n8n"), ActiveAlert("Disk is full")]
    facts = replace(FACTS, alerts=[*alerts, *(ActiveAlert(f"Log match {i}") for i in range(5))])
    view = shown(snapshot(module("n8n", "error", trouble=killed), module("dify")), facts)
    assert tree(view.menu).splitlines()[2:8] == [
        "--",
        "Restart n8n",
        "Alert: Disk is full",
        "Alert: Log match 0",
        "Alert: Log match 1",
        "--",
    ]
    assert OpenDashboard("alerts") in offered(view.menu)


STOPPING = operation("stop", ("stop", "dify/dify", "running"), id="8", modules=("dify",))


def test_a_backup_is_offered_unless_one_is_under_way() -> None:
    names = ("n8n", "dify", "postgres")
    begun = OperationView("7", "backup", names, "running", total=3, share=0.46)
    assert BackUp() in offered(shown(snapshot(module("n8n"))).menu)
    view = shown(snapshot(module("n8n"), module("dify"), POSTGRES, operations=(begun,)))
    assert view.tooltip == "AI-Server Tray – Backing up 3 modules – 46 %, estimating…"
    assert BackUp() not in offered(view.menu)
    assert "(Back up now)" in tree(view.menu)


@pytest.mark.parametrize(
    "then",
    [
        snapshot(module("n8n", "starting"), POSTGRES, operations=(STARTING,)),
        snapshot(module("n8n", "starting"), POSTGRES, operations=(STARTING, STOPPING)),
        snapshot(module("n8n", "engine_down"), POSTGRES, engine=DOWN, state="engine_down"),
    ],
)
def test_no_line_moves_under_the_pointer(then: Snapshot) -> None:
    page = "http://localhost:18100"
    first = snapshot(module("n8n", "stopped", open=page, wanted=True), POSTGRES)
    views = tuple(replace(view, open=page) if view.name == "n8n" else view for view in then.modules)
    before = [entry.text for entry in shown(first).menu]
    after = [entry.text for entry in shown(replace(then, modules=views)).menu]
    assert len(after) == len(before)
    for text in ("Open dashboard", "Open n8n", "Stop all", "Modules", "Settings", "Quit"):
        assert after.index(text) == before.index(text)


def beside(*operations: OperationView, **states: State) -> tuple[str, list[object]]:
    """Text and actions of the menu of modules in *states*, while *operations* run."""
    modules = [module(name, state) for name, state in states.items()]
    view = shown(snapshot(*modules, operations=operations))
    return f"{view.tooltip}\n{tree(view.menu)}", offered(view.menu)


def test_what_no_operation_works_on_can_be_operated() -> None:
    up_n8n, up_dify, up_all = Operate("up", ("n8n",)), Operate("up", ("dify",)), Operate("up")
    over, others = replace(STARTING, status="succeeded"), replace(STARTING, is_foreign=True)
    for operations in ((), (others,)):
        text, actions = beside(*operations, n8n="running", dify="stopped")
        assert {up_dify, up_all} <= set(actions)
        assert "Cancel" not in text
    text, actions = beside(STARTING, n8n="running", dify="stopped")
    assert {up_dify, Cancel("7")} <= set(actions)
    text, actions = beside(over, n8n="running")
    assert {Operate("stop", ("n8n",)), Operate("stop")} <= set(actions)
    assert not any(word in text for word in ("Cancel", "Starting"))
    _, actions = beside(OperationView("7", "up", ()), n8n="stopped")  # it names no modules yet
    assert not {up_n8n, up_all} & set(actions)


def test_each_of_several_operations_can_be_cancelled() -> None:
    text, actions = beside(replace(STARTING, is_foreign=True), STOPPING, dify="stopping")
    assert "\nCancel the stop of Dify\n" in text
    assert Cancel("7") not in actions, "it is another process's"
    text, actions = beside(STARTING, STOPPING, n8n="starting", dify="stopping")
    assert "\n(◑ Starting n8n (and 1 more task))\n*Open" in text
    assert "\nCancel\n  Cancel the start of n8n\n  Cancel the stop of Dify\n(Stop all)\n" in text
    assert {Cancel("7"), Cancel("8")} <= set(actions)


PAGE = "http://localhost:18100"


def test_what_runs_has_its_page_at_the_top_level() -> None:
    features = (
        module("n8n", open=PAGE),
        module("dify", "stopped", open=PAGE),
        module("ragflow", "starting", open=PAGE),
        module("own", "running"),
        module("old", "running", open=PAGE, orphan=True),
    )
    top = tree(shown(snapshot(*features)).menu).partition("\nStart")[0]
    assert top.splitlines()[3:-1] == ["Open n8n", "(Open ragflow)"]


RESTART = restart_of("postgres", {"en": "PostgreSQL"})


def lacking(name: str) -> ModuleView:
    """A module that lacks PostgreSQL."""
    word = Text("needs {names}", names="PostgreSQL")
    view = module(name, "degraded", open=PAGE, word=word, needs=("postgres",), remedy=RESTART)
    return replace(view, reason=word)


def test_a_database_that_is_down_is_named_with_its_remedy_at_the_top_level() -> None:
    killed = Trouble("killed", Text("killed"), "postgres", remedies=(RESTART,))
    postgres = module("postgres", "error", "killed", kind="basic", trouble=killed)
    view = shown(snapshot(module("dify"), postgres, lacking("n8n")))
    assert tree(view.menu).startswith(
        dedent("""\
        (✗ PostgreSQL is down)
        *Open dashboard*
        --
        Restart PostgreSQL
        --
        (n8n needs PostgreSQL)
        --
        """)
    )
    assert [e.action for e in view.menu if e.action][1] == Operate("restart", ("postgres",))
    assert [e for e in view.menu if e.enabled and e.action == OpenModule("n8n")] == []
    assert view.tooltip == "AI-Server Tray – PostgreSQL is down – killed – n8n needs PostgreSQL"
    chinese = shown(snapshot(postgres, lacking("n8n")), language="zh")
    assert "\n重启 PostgreSQL\n--\n(n8n 需要 PostgreSQL)\n" in tree(chinese.menu)


def test_remedies_at_the_top_level_name_their_module_and_are_few() -> None:
    def failed(name: str) -> ModuleView:
        use = set_to(Text("Use port {port}", port=2), f"{name}.PORT", "2")
        return module(name, "error", "Port 1 is in use", remedy=use)

    menu = shown(snapshot(*map(failed, ("n8n", "dify", "x", "y")))).menu
    lines = [one.text for one in menu if isinstance(one.action, SetAndStart)]
    assert lines == ["n8n: Use port 2", "Dify: Use port 2", "x: Use port 2"]


def test_without_its_engine_nothing_but_its_start_is_offered() -> None:
    seen = snapshot(module("n8n", "engine_down"), engine=DOWN, state="engine_down")
    view = shown(seen)
    start_and_login = [StartEngine(), ToggleAutostart()]
    settings_and_quit = [OpenDashboard("settings"), Quit("leave")]
    assert offered(view.menu) == [OpenDashboard(), *start_and_login, *settings_and_quit]
    assert view.icon == IconSpec("engine_down")
    assert view.tooltip == "AI-Server Tray – Docker is off"
    assert tree(view.menu).startswith("(⊘ Docker is off: The Docker engine")
    facts = replace(FACTS, can_start_engine=False, autostart=None)
    assert offered(shown(seen, facts).menu) == [OpenDashboard(), *settings_and_quit]
    named = replace(seen, engine=replace(DOWN, name=Text("This computer")))
    assert shown(named).tooltip == "AI-Server Tray (This computer) – Docker is off"
    assert shown(named, language="zh").tooltip.startswith("AI-Server Tray (本机) – ")


def test_an_engine_that_starts_or_is_reconnected_is_reported_and_not_started_again() -> None:
    seen = snapshot(module("n8n", "engine_down"), engine=DOWN, state="engine_down")
    view = shown(replace(seen, engine=replace(DOWN, starting=True)))
    assert view.tooltip == "AI-Server Tray – Starting Docker…"
    assert "Starting Docker…" in view.menu[0].text
    assert StartEngine() not in offered(view.menu)
    assert StartEngine() in [entry.action for entry in view.menu], "its line keeps its place"
    view = shown(replace(seen, engine=replace(DOWN, reconnecting=True)))
    assert view.tooltip == "AI-Server Tray – Reconnecting to the engine…"
    assert view.icon == IconSpec("starting"), "amber"


@pytest.mark.parametrize(
    ("view", "actions"),
    [
        (module("x", "error", "exited with code 1"), {"up", "stop"}),
        (absent(module("x", "error", "has no container")), {"up", "stop"}),
        (module("x", "degraded", open="http://x"), {"up", "stop", "restart", "open"}),
        (module("x", "starting", open="http://x"), {"stop", "restart"}),
        (absent(module("x", "stopped", "y.yaml: broken", problem=Text("broken"))), set()),
        (module("x", "running", problem=Text("broken")), {"stop"}),
        (module("x", "running", orphan=True, wanted=False), {"stop", "down"}),
        (module("x", "stopped", orphan=True), {"down"}),
    ],
)
def test_menu_of_a_module_depends_on_its_state(view: ModuleView, actions: set[str]) -> None:
    submenu = submenu_of("x", snapshot(view))
    kinds: tuple[OperationKind, ...] = ("up", "stop", "restart", "down")
    names: dict[object, str] = {Operate(kind, ("x",)): kind for kind in kinds}
    names[OpenModule("x")] = "open"
    on_it = set(offered(submenu.children)) - {OpenDashboard("logs/x")}
    assert {names[action] for action in on_it} == actions


def tooltip(*modules: ModuleView, operations: tuple[OperationView, ...] = ()) -> str:
    return shown(snapshot(*modules, operations=operations)).tooltip.removeprefix(
        "AI-Server Tray – "
    )


def test_the_tooltip_says_what_is_wrong_in_one_line() -> None:
    slow = module("dify", "degraded", "api: slow")
    why = Trouble("unhealthy", Text("slow"), "api")
    assert tooltip(slow) == "Dify is only partly running – api: slow"
    assert tooltip(replace(slow, trouble=why)) == "Dify is only partly running – slow"
    killed = module("n8n", "error", "exit code 137")
    assert tooltip(slow, killed, POSTGRES) == "Failed, 1 of 3 healthy – n8n: exit code 137"
    assert tooltip(killed, POSTGRES) == "n8n is down – exit code 137"
    odd = module("n8n", "error", "it\nsaid \x1b[31mno\x00")
    assert tooltip(odd) == "n8n is down – it said [31mno"
    stopping = module("n8n", "stopping")
    assert tooltip(stopping, module("dify", "stopping")) == "Stopping", "without counts"
    ends = operation("stop", ("stop", "n8n/db", "running"), modules=("n8n",))
    assert tooltip(stopping, operations=(ends,)) == "Stopping n8n"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("state", STATES)
def test_a_state_has_the_same_word_where_it_begins_a_line(state: State, language: Language) -> None:
    word = STATES[state].render(language)
    assert CONDITIONS[state].render(language) == word[0].upper() + word[1:]


def test_a_module_in_trouble_has_its_reason_and_best_remedy() -> None:
    raised = set_to(Text("Raise to 3 GB and restart"), "n8n.MEMORY", "3g")
    asked = set_to(Text("Allow"), "app.kernel_settings", "true", Text("Sure?"))
    kinds: tuple[OperationKind, ...] = ("up", "stop", "restart")
    usual = {*(Operate(kind, ("n8n",)) for kind in kinds), OpenDashboard("logs/n8n")}
    for remedy, actions in (
        (raised, [SetAndStart("n8n", "n8n.MEMORY", "3g")]),
        (asked, [OpenDashboard("modules/n8n")]),
        (restart("postgres"), [Operate("restart", ("postgres",))]),
        (start("postgres", {"en": "PostgreSQL"}), [Operate("up", ("postgres",))]),
        (None, []),
    ):
        seen = snapshot(module("n8n", "error", "it", remedy=remedy), POSTGRES)
        found = offered(submenu_of("n8n", seen).children)
        assert [action for action in found if action not in usual] == actions
        assert "✗ n8n – failed\n    (it)" in tree(shown(seen).menu)


def test_modules_that_lack_another_name_it_in_menu_and_tooltip() -> None:
    down = module("postgres", "error", "killed", kind="basic")
    view = shown(snapshot(lacking("n8n"), lacking("dify"), down))
    assert "  ▲ n8n – needs PostgreSQL\n    Restart PostgreSQL\n" in tree(view.menu)
    assert view.tooltip == (
        "AI-Server Tray – PostgreSQL is down – killed – n8n and Dify need PostgreSQL"
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "reason",
    ["several words " * 20, "没有空格的很长的原因" * 20, "/a/very/long/path" * 20, "🧨" * 200],
)
def test_a_long_tooltip_is_cut(reason: str, language: Language) -> None:
    tooltip = shown(snapshot(module("n8n", "error", reason)), language=language).tooltip
    units = len(tooltip.encode("utf-16-le")) // 2
    assert TOOLTIP_UNITS - 18 < units <= TOOLTIP_UNITS
    assert tooltip.endswith("…")


def test_long_text_is_cut_after_a_word() -> None:
    assert shortened("one two", 7) == "one two"
    assert shortened("one two three", 12) == "one two…"
    assert shortened("🧨🧨🧨", 6) == "🧨🧨🧨"
    assert shortened("🧨🧨🧨", 5) == "🧨🧨…"


def test_only_a_start_has_a_ring_of_all_wanted_services() -> None:
    for state in ("stopped", "running", "stopping", "degraded", "error"):
        assert shown(snapshot(module("n8n", state))).icon == IconSpec(state)
    starting = module("n8n", "starting", ready=1, total=3)
    seen = snapshot(starting, POSTGRES, module("dify", "stopped", total=9))
    assert shown(seen).icon == IconSpec("starting", 2, 4)


def test_models_that_do_not_answer_turn_the_icon_of_a_stack_that_runs_amber() -> None:
    silent = replace(FACTS, silent=True)
    view = shown(snapshot(module("n8n")), silent)
    assert view.icon == IconSpec("degraded")
    assert view.tooltip.endswith("models don't answer")
    for state in ("error", "stopped"):
        assert shown(snapshot(module("n8n", state)), silent).icon == IconSpec(state)


def test_a_change_that_an_assistant_asks_for_is_answered_in_the_menu_if_it_fits_there() -> None:
    def line(kind: Literal["stop", "setting"], subject: str, value: str | None = None) -> Entry:
        asked = Proposal(id="1", client="Claude", kind=kind, subject=subject, value=value)
        entries = shown(snapshot(module("n8n")), replace(FACTS, proposals=[asked])).menu
        return next(one for one in entries if "Claude" in one.text)

    entry = line("stop", "n8n")
    assert entry.text == "“Claude” wants to stop n8n"
    assert [(one.text, one.action) for one in entry.children] == [
        ("Allow", AnswerAssistant("1", allow=True)),
        ("Refuse", AnswerAssistant("1", allow=False)),
    ]
    value = "http://oneapi:3000/v1 " + "and more " * 8
    entry = line("setting", "n8n.URL", value)
    assert entry.text.endswith("…")
    assert (entry.action, entry.children) == (OpenDashboard(), ()), "only in the dashboard"
