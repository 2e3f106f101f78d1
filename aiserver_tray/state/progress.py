"""The progress of an operation in a few words, and the words, signs and sort orders that tray,
pages and commands share. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from aiserver_tray.base.i18n import Given, Language, LocalText, Plural, Text, in_language
from aiserver_tray.model import OperationKind, State, StepKind
from aiserver_tray.state.views import ModuleView, OperationView, StepView

_IMAGES: tuple[StepKind, ...] = ("pull", "build")
_MOST_INTERESTING_FIRST: tuple[StepKind, ...] = (
    "wait", "build", "pull", "stop", "start", "remove", "create", "remove_volume",
    "remove_network", "volume", "network", "kernel_setting",
)  # fmt: skip
"""Of several running steps, the one whose kind comes first here is shown."""


def name_of(step: StepView) -> Text | str:
    """The name of *step*'s subject for display."""
    if step.kind in _IMAGES:
        return step.subject
    if step.kind in ("network", "remove_network"):
        return Text("network {name}", name=step.subject)
    if step.kind in ("volume", "remove_volume"):
        return Text("volume {name}", name=step.subject)
    if step.service is None:
        return step.subject
    return step.module if step.service == step.module else f"{step.module}/{step.service}"


def with_progress(view: OperationView) -> OperationView:
    """*view* with the progress of its steps."""
    done, total = _count(view)
    return replace(view, done=done, total=total, text=_current(view))


def _count(view: OperationView) -> tuple[int, int]:
    """The numbers of finished services and of all; of images if the operation has only these."""
    images = [step for step in view.steps if step.kind in _IMAGES]
    steps = [step for step in view.steps if step.service and step.kind not in _IMAGES] or images
    left = {step.subject for step in steps if step.status in ("pending", "running")}
    names = {step.subject for step in steps}
    return len(names - left), len(names)


def _current(view: OperationView) -> Text | None:
    """The current action or wait."""
    if view.status == "waiting":
        return view.detail
    running = [step for step in view.steps if step.status == "running"]
    order = _MOST_INTERESTING_FIRST.index
    first = min(running, key=lambda step: order(step.kind), default=None)
    return _doing(first) if first else None


def _doing(step: StepView) -> Text:  # noqa: PLR0911 - one for each kind
    name = name_of(step)
    match step.kind:
        case "wait":
            return Text("waiting for {name}", name=name)
        case "pull":
            return Text("pulling {name}", name=name)
        case "build":
            return Text("building {name}", name=name)
        case "start":
            return Text("starting {name}", name=name)
        case "stop":
            return Text("stopping {name}", name=name)
        case "create" | "network" | "volume":
            return Text("creating {name}", name=name)
        case "remove" | "remove_network" | "remove_volume":
            return Text("removing {name}", name=name)
        case "kernel_setting":
            return Text("setting {name} in the kernel", name=name)


STATES: Mapping[State, Text] = {
    "stopped": Text("stopped"),
    "starting": Text("starting"),
    "running": Text("running"),
    "degraded": Text("partly running"),
    "error": Text("failed"),
    "stopping": Text("stopping"),
    "engine_down": Text("Docker is off"),
}

CONDITIONS: Mapping[State, Text] = {
    "stopped": Text("Stopped"),
    "starting": Text("Starting"),
    "running": Text("Running"),
    "degraded": Text("Partly running"),
    "error": Text("Failed"),
    "stopping": Text("Stopping"),
    "engine_down": Text("Docker is off"),
}
"""The same words at the beginning of a line."""

COMING_BACK = Text("coming back")
"""Instead of the word for `starting`: nobody asked for this start."""

SIGNS: Mapping[State, str] = {
    "stopped": "○",
    "starting": "◐",
    "running": "●",
    "degraded": "▲",
    "error": "✗",
    "stopping": "◑",
    "engine_down": "⊘",
}
"""Each state has its own shape: colour is never the only sign."""

HEADS: Mapping[OperationKind, Text] = {
    "up": Text("Starting"),
    "stop": Text("Stopping"),
    "down": Text("Removing"),
    "restart": Text("Restarting"),
    "pull": Text("Pulling"),
    "build": Text("Building"),
}


def listed(titles: Iterable[LocalText]) -> Text:
    """*titles* as a list in a sentence."""
    known = list(titles)
    return Given(
        {
            "en": ", ".join(in_language(title, "en") for title in known),
            "zh": "、".join(in_language(title, "zh") for title in known),
        }
    )


def sentence(modules: Sequence[ModuleView]) -> Text | None:
    """What is wrong with *modules*, in a sentence that names the causes. None: nothing, or several
    different things."""
    failed = [m for m in modules if m.state == "error"]
    unstarted = [m for m in failed if m.trouble and m.trouble.kind in ("blocked", "start")]
    down = [m for m in failed if m not in unstarted]
    partly = [m for m in modules if m.state == "degraded" and not m.needs]
    back = [module for module in modules if module.word == COMING_BACK]
    affected = [module for module in modules if module.needs]
    said = (
        (unstarted, Text("{names} couldn't start", names=_titles(unstarted))),
        (down, Plural("{names} is down", "{names} are down", count=len(down), names=_titles(down))),
        (
            partly,
            Plural(
                "{names} is only partly running",
                "{names} are only partly running",
                count=len(partly),
                names=_titles(partly),
            ),
        ),
    )
    if causes := [text for found, text in said if found]:
        return causes[0] if len(causes) == 1 else None
    if back:
        return Plural(
            "{names} is coming back",
            "{names} are coming back",
            count=len(back),
            names=_titles(back),
        )
    if affected:
        return Text("{names}: {why}", names=_titles(affected[:1]), why=affected[0].word)
    return None


def _titles(modules: Iterable[ModuleView]) -> Text:
    return listed(module.title or {"en": module.name} for module in modules)


def sorted_by_title(modules: Iterable[ModuleView], language: Language) -> list[ModuleView]:
    """*modules* as every page and menu lists them, orphans last."""
    return sorted(modules, key=lambda m: (m.orphan, m.title_in(language).casefold(), m.name))


def sorted_by_name(modules: Iterable[ModuleView]) -> list[ModuleView]:
    """*modules* as the command line, which shows no titles, lists them, orphans last."""
    return sorted(modules, key=lambda module: (module.orphan, module.kind, module.name))
