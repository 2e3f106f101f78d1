"""Snapshots, printable menus and a stand-in for the icon, for the tests of the tray."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from queue import SimpleQueue
from threading import Event

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.alerts.files import Alert
from aiserver_tray.model import State
from aiserver_tray.state.abilities import Condition, module_abilities, stack_abilities
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.state.progress import sentence
from aiserver_tray.state.state import Work
from aiserver_tray.state.views import EngineView, ModuleView, OperationView, ServiceView, Snapshot
from aiserver_tray.tray.actions import Message
from aiserver_tray.tray.menu import Entry, TrayFacts
from aiserver_tray.tray.view import TrayView
from tests.support.limits import LIMIT
from tests.support.made import ABLE

FACTS = TrayFacts(
    titles={"n8n": "n8n", "dify": "Dify", "postgres": "PostgreSQL"},
    autostart=False,
    can_start_engine=True,
)
WORST_FIRST = ("error", "degraded", "stopping", "starting", "running", "stopped", "engine_down")
UP = EngineView(running=True, version="26.1.5", id="E")


def module(name: str, state: State = "running", reason: str = "", **changes: object) -> ModuleView:
    """A feature of one service; its container is there where that fits its state."""
    alive = state in ("running", "starting", "stopping", "degraded")
    service = ServiceView(
        name=name,
        container=f"ai-{name}",
        state="running" if alive else "absent" if state == "engine_down" else "exited",
        health="none",
        image="image",
        is_job=False,
        exit_code=None,
        started_at=None,
        reason=None,
    )
    view = ModuleView(
        name=name,
        title={"en": FACTS.titles.get(name, name)},
        kind="feature",
        state=state,
        ready=int(state == "running"),
        total=1,
        reason=Text("{why}", why=reason) if reason else None,
        orphan=False,
        wanted=state != "stopped",
        used_by=(),
        open=None,
        services=(service,),
        abilities=ABLE,
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def absent(view: ModuleView) -> ModuleView:
    """*view* without containers."""
    services = tuple(replace(service, state="absent") for service in view.services)
    return replace(view, services=services)


def snapshot(
    *modules: ModuleView,
    state: State | None = None,
    engine: EngineView = UP,
    operations: tuple[OperationView, ...] = (),
) -> Snapshot:
    states: list[State] = [module.state for module in modules]
    worst: State = min(states, key=WORST_FIRST.index, default="stopped")
    views = tuple(able(module, operations) for module in modules)
    chosen = ("n8n", "dify")
    abilities = stack_abilities(engine, views, operations, chosen)
    return Snapshot(
        engine,
        state or worst,
        views,
        operations,
        abilities=abilities,
        sentence=sentence(views),
        chosen=chosen,
    )


def able(view: ModuleView, operations: tuple[OperationView, ...] = ()) -> ModuleView:
    """*view* with what can be done with it while *operations* run."""
    statuses = {service.state for service in view.services}
    condition = Condition(
        state=view.state,
        is_alive=not statuses.isdisjoint(ALIVE),
        has_containers=statuses != {"absent"},
        is_wanted=view.wanted,
        is_busy=Work.of(operations).has(view.name),
        is_orphan=view.orphan,
        has_page=bool(view.open),
        is_published=bool(view.open),
        problem=view.problem,
        users=view.used_by,
    )
    return replace(view, abilities=module_abilities(condition))


def alert(kind: str, text: str, module: str = "n8n", **changes: object) -> Alert:
    """An alert of the built-in rule of *kind*."""
    made = Alert(
        id=f"{kind} {module}",
        rule=kind,
        kind=kind,
        module=module,
        name={"en": module},
        text={"en": text},
        page=f"modules/{module}",
        begun=0.0,
    )
    return made.model_copy(update=changes)


def tree(entries: Iterable[Entry]) -> str:
    """The menu as people see it: what can't be chosen in brackets, the default in stars."""
    return "\n".join(_lines(entries, ""))


def _lines(entries: Iterable[Entry], indent: str) -> Iterator[str]:
    for entry in entries:
        text = entry.text or "--"
        if entry.checked is not None:
            text = f"[{'x' if entry.checked else ' '}] {text}"
        if entry.is_default:
            text = f"*{text}*"
        if not entry.enabled:
            text = f"({text})"
        yield indent + text
        yield from _lines(entry.children, indent + "  ")


def offered(entries: Iterable[Entry]) -> list[object]:
    """All actions that can be chosen."""
    found: list[object] = []
    for entry in entries:
        if entry.action and entry.enabled:
            found.append(entry.action)
        if entry.enabled:
            found += offered(entry.children)
    return found


class Icon:
    """Stands for the icon on the task bar, and keeps what it is to show."""

    def __init__(self) -> None:
        self.views: SimpleQueue[TrayView] = SimpleQueue()
        self.told: SimpleQueue[str] = SimpleQueue()
        self.is_gone = Event()

    def run(self) -> None:
        assert self.is_gone.wait(LIMIT)

    def stop(self) -> None:
        self.is_gone.set()

    def show(self, view: TrayView) -> None:
        self.views.put(view)

    def notify(self, message: Message) -> None:
        self.told.put(f"{message.title}: {message.body}")

    def why_hidden(self) -> None:
        """It is seen."""

    def wait_for(self, state: str) -> None:
        """Until its picture, its tooltip or the first line of its menu shows *state*."""
        view = self.views.get(timeout=LIMIT)
        while not any(state in one for one in (view.icon.state, view.tooltip, view.menu[0].text)):
            view = self.views.get(timeout=LIMIT)
