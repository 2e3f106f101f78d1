"""Icon, tooltip and menu of a snapshot."""

from dataclasses import replace
from textwrap import dedent

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


def submenu_of(name: str, seen: Snapshot) -> Entry:
    """The lines about the module *name*."""
    (modules,) = (entry for entry in shown(seen).menu if entry.text == "Modules")
    return next(entry for entry in modules.children if f" {name} – " in entry.text)


def test_quitting_says_which_models_then_answer_no_module() -> None:
    facts = TrayFacts(relayed=["Ollama"])
    view = tray_view(snapshot(module("n8n", "running")), facts, "en")
    (quit_,) = (entry for entry in view.menu if entry.text == "Quit")
    told = [(one.text, one.enabled) for one in quit_.children]
    assert told[1] == ("Modules get no answers from Ollama until the next start", False)


def test_the_menu_in_chinese() -> None:
    view = shown(snapshot(module("n8n", "stopped")), language="zh")
    assert "全部启动" in tree(view.menu)
    assert "○ n8n – 已停止" in tree(view.menu)


def test_an_operation_is_shown_and_can_be_cancelled() -> None:
    seen = snapshot(module("n8n", "starting"), POSTGRES, operations=(STARTING,))
    view = shown(seen)
    assert view.tooltip == "AI-Server Tray – Starting n8n – 25 %, estimating…"
    assert tree(view.menu).startswith("(◐ Starting n8n)\n*Open dashboard*")
    assert "\nCancel the start of n8n\n(Stop all)\n" in tree(view.menu)
    assert Cancel("7") in offered(view.menu)
    assert not [action for action in offered(view.menu) if isinstance(action, Operate)]


@pytest.mark.parametrize(
    "operations",
    [(), (replace(STARTING, status="succeeded"),), (replace(STARTING, is_foreign=True),)],
    ids=["none", "one that ended", "one of another process"],
)
def test_nothing_to_cancel_has_no_line(operations: tuple[OperationView, ...]) -> None:
    view = shown(snapshot(module("n8n"), operations=operations))
    assert "Cancel" not in tree(view.menu)


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


def test_each_of_several_operations_can_be_cancelled() -> None:
    both = (STARTING, STOPPING)
    seen = snapshot(module("n8n", "starting"), module("dify", "stopping"), operations=both)
    view = shown(seen)
    assert tree(view.menu).startswith("(◑ Starting n8n (and 1 more task))\n*Open")
    assert dedent("""\
        Cancel
          Cancel the start of n8n
          Cancel the stop of Dify
        (Stop all)
        """) in tree(view.menu)
    assert {Cancel("7"), Cancel("8")} <= set(offered(view.menu))


def test_what_is_open_to_the_network_can_be_closed() -> None:
    facts = replace(FACTS, open={"n8n": "internet"})
    is_open = {CloseAccess("n8n"), OpenDashboard("modules/n8n/access")}
    assert is_open <= {*offered(shown(snapshot(module("n8n")), facts).menu)}
    assert not is_open & {*offered(shown(snapshot(module("n8n"))).menu)}


def test_a_backup_is_offered_unless_one_is_under_way() -> None:
    names = ("n8n", "dify", "postgres")
    begun = OperationView("7", "backup", names, "running", total=3, share=0.46)
    assert BackUp() in offered(shown(snapshot(module("n8n"))).menu)
    view = shown(snapshot(module("n8n"), module("dify"), POSTGRES, operations=(begun,)))
    assert view.tooltip == "AI-Server Tray – Backing up 3 modules – 46 %, estimating…"
    assert BackUp() not in offered(view.menu)
    assert "(Back up now)" in tree(view.menu)


def test_beside_another_process_s_operation_it_is_named_which_is_cancelled() -> None:
    others = replace(STARTING, is_foreign=True)
    view = shown(snapshot(module("dify", "stopping"), operations=(others, STOPPING)))
    assert "\nCancel the stop of Dify\n" in tree(view.menu)
    assert Cancel("7") not in offered(view.menu)


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


def test_modules_without_an_operation_can_be_started() -> None:
    others = replace(STARTING, is_foreign=True)
    view = shown(snapshot(module("n8n"), module("dify", "stopped"), operations=(others,)))
    assert {Operate("up", ("dify",)), Operate("up")} <= set(offered(view.menu))
    view = shown(snapshot(module("n8n"), module("dify", "stopped"), operations=(STARTING,)))
    assert {Operate("up", ("dify",)), Cancel("7")} <= set(offered(view.menu))


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


def test_an_operation_that_ended_holds_nothing() -> None:
    over = replace(STARTING, status="succeeded")
    view = shown(snapshot(module("n8n"), operations=(over,)))
    assert {Operate("stop", ("n8n",)), Operate("stop")} <= set(offered(view.menu))
    assert "Starting" not in view.tooltip


def test_no_start_is_offered_until_the_operation_names_its_modules() -> None:
    begun = OperationView("7", "up", ())
    view = shown(snapshot(module("n8n", "stopped"), operations=(begun,)))
    assert not {Operate("up", ("n8n",)), Operate("up")} & set(offered(view.menu))


def test_without_its_engine_nothing_but_its_start_is_offered() -> None:
    view = shown(snapshot(module("n8n", "engine_down"), engine=DOWN, state="engine_down"))
    assert offered(view.menu) == [
        OpenDashboard(),
        StartEngine(),
        ToggleAutostart(),
        OpenDashboard("settings"),
        Quit("leave"),
    ]
    assert view.icon == IconSpec("engine_down")
    assert view.tooltip == "AI-Server Tray – Docker is off"
    named = replace(DOWN, name=Text("This computer"))
    seen = snapshot(engine=named, state="engine_down")
    assert shown(seen).tooltip == "AI-Server Tray (This computer) – Docker is off"
    assert shown(seen, language="zh").tooltip.startswith("AI-Server Tray (本机) – ")
    assert tree(view.menu).startswith("(⊘ Docker is off: The Docker engine")


def test_while_its_engine_is_being_started_that_is_reported_and_not_offered_again() -> None:
    starting = replace(DOWN, starting=True)
    view = shown(snapshot(module("n8n", "engine_down"), engine=starting, state="engine_down"))
    assert view.tooltip == "AI-Server Tray – Starting Docker…"
    top, *_ = view.menu
    assert "Starting Docker…" in top.text
    assert StartEngine() not in offered(view.menu)
    assert StartEngine() in [entry.action for entry in view.menu], "its line keeps its place"


def test_while_the_connection_to_an_engine_elsewhere_is_lost_the_icon_is_amber() -> None:
    lost = replace(DOWN, reconnecting=True)
    view = shown(snapshot(module("n8n", "engine_down"), engine=lost, state="engine_down"))
    assert view.tooltip == "AI-Server Tray – Reconnecting to the engine…"
    assert view.icon == IconSpec("starting")


def test_an_engine_that_can_t_be_started_from_here_is_not_offered() -> None:
    facts = replace(FACTS, can_start_engine=False, autostart=None)
    seen = snapshot(module("n8n", "engine_down"), engine=DOWN, state="engine_down")
    assert offered(shown(seen, facts).menu) == [
        OpenDashboard(),
        OpenDashboard("settings"),
        Quit("leave"),
    ]


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


def test_tooltip_says_what_is_only_partly_running() -> None:
    tooltip = shown(snapshot(module("dify", "degraded", "api: slow"))).tooltip
    assert tooltip == "AI-Server Tray – Dify is only partly running – api: slow"
    slow = Trouble("unhealthy", Text("slow"), "api")
    tooltip = shown(snapshot(module("dify", "degraded", "api: slow", trouble=slow))).tooltip
    assert tooltip == "AI-Server Tray – Dify is only partly running – slow"


def test_tooltip_has_no_counts_while_modules_stop() -> None:
    tooltip = shown(snapshot(module("n8n", "stopping"), module("dify", "stopping"))).tooltip
    assert tooltip == "AI-Server Tray – Stopping"
    stopping = operation("stop", ("stop", "n8n/db", "running"), modules=("n8n",))
    seen = snapshot(module("n8n", "stopping"), operations=(stopping,))
    assert shown(seen).tooltip == "AI-Server Tray – Stopping n8n"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("state", STATES)
def test_a_state_has_the_same_word_where_it_begins_a_line(state: State, language: Language) -> None:
    word = STATES[state].render(language)
    assert CONDITIONS[state].render(language) == word[0].upper() + word[1:]


def test_a_module_in_trouble_has_its_best_remedy() -> None:
    raised = set_to(Text("Raise to 3 GB and restart"), "n8n.MEMORY", "3g")
    asked = set_to(Text("Allow"), "app.kernel_settings", "true", Text("Sure?"))
    for remedy, actions in (
        (raised, [SetAndStart("n8n", "n8n.MEMORY", "3g")]),
        (asked, [OpenDashboard("modules/n8n")]),
        (restart("postgres"), [Operate("restart", ("postgres",))]),
        (start("postgres", {"en": "PostgreSQL"}), [Operate("up", ("postgres",))]),
        (None, []),
    ):
        seen = snapshot(module("n8n", "error", "it", remedy=remedy), POSTGRES)
        found = offered(submenu_of("n8n", seen).children)
        usual = {
            Operate("up", ("n8n",)),
            Operate("stop", ("n8n",)),
            Operate("restart", ("n8n",)),
            OpenDashboard("logs/n8n"),
        }
        assert [action for action in found if action not in usual] == actions


def test_a_module_s_reason_stands_in_its_submenu() -> None:
    view = shown(snapshot(module("n8n", "error", "exited with code 137")))
    assert "✗ n8n – failed\n    (exited with code 137)" in tree(view.menu)


def test_the_tooltip_names_the_worst_module_and_why() -> None:
    modules = (
        module("dify", "degraded", "slow"),
        module("n8n", "error", "exit code 137"),
        POSTGRES,
    )
    assert shown(snapshot(*modules)).tooltip == (
        "AI-Server Tray – Failed, 1 of 3 healthy – n8n: exit code 137"
    )
    assert shown(snapshot(*modules[1:])).tooltip == "AI-Server Tray – n8n is down – exit code 137"


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


def test_a_tooltip_is_one_line_without_control_characters() -> None:
    view = shown(snapshot(module("n8n", "error", "it\nsaid \x1b[31mno\x00")))
    assert view.tooltip.endswith("n8n is down – it said [31mno")


@pytest.mark.parametrize("state", ["stopped", "running", "stopping", "degraded", "error"])
def test_only_a_start_has_a_ring(state: State) -> None:
    assert shown(snapshot(module("n8n", state))).icon == IconSpec(state)


def test_the_ring_counts_the_services_of_all_wanted_modules() -> None:
    starting = module("n8n", "starting", ready=1, total=3)
    seen = snapshot(starting, POSTGRES, module("dify", "stopped", total=9))
    assert shown(seen).icon == IconSpec("starting", 2, 4)


def test_models_that_do_not_answer_turn_the_icon_of_a_stack_that_runs_amber() -> None:
    facts = replace(FACTS, silent=True)
    view = shown(snapshot(module("n8n")), facts)
    assert view.icon == IconSpec("degraded")
    assert view.tooltip.endswith("models don't answer")
    assert shown(snapshot(module("n8n", "error")), facts).icon == IconSpec("error")
    assert shown(snapshot(module("n8n", "stopped")), facts).icon == IconSpec("stopped")


def test_a_change_that_an_assistant_asks_for_is_allowed_or_refused_in_the_menu() -> None:
    asked = Proposal(id="change-1", client="Claude", kind="stop", subject="n8n", value=None)
    entries = shown(snapshot(module("n8n")), replace(FACTS, proposals=[asked])).menu
    (entry,) = [one for one in entries if "Claude" in one.text]
    assert entry.text == "“Claude” wants to stop n8n"
    assert [(one.text, one.action) for one in entry.children] == [
        ("Allow", AnswerAssistant("change-1", allow=True)),
        ("Refuse", AnswerAssistant("change-1", allow=False)),
    ]


def test_a_change_that_does_not_fit_in_the_menu_is_allowed_only_in_the_dashboard() -> None:
    value = "http://oneapi:3000/v1 " + "and more " * 8
    asked = Proposal(id="c", client="Claude", kind="setting", subject="n8n.URL", value=value)
    entries = shown(snapshot(module("n8n")), replace(FACTS, proposals=[asked])).menu
    (entry,) = [one for one in entries if "Claude" in one.text]
    assert entry.text.endswith("…")
    assert (entry.action, entry.children) == (OpenDashboard(), ())
