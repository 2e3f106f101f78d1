"""The progress of an operation in a few words, and the words, signs and sort orders that tray,
pages and commands share. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from aiserver_tray.base.i18n import Given, Language, Listed, LocalText, Plural, Text
from aiserver_tray.model import TASKS, OperationKind, State, StepKind, StepStatus
from aiserver_tray.state.views import (
    DownloadView,
    ModuleView,
    OperationSummary,
    OperationView,
    StepView,
)

IMAGES = "images"
"""The subject of a step that writes images to a file, or reads them from it."""
_IMAGES: tuple[StepKind, ...] = ("pull", "build")
_OVER: tuple[StepStatus, ...] = ("done", "skipped", "failed")
_MOST_MINUTES = 120
_SECONDS = 1.0
"""Of a step of which nothing is known."""
_UNFINISHED = 0.99
"""The share of downloads that are loaded, but not unpacked."""
_MOST_INTERESTING_FIRST: tuple[StepKind, ...] = (
    "wait", "build", "pull", "stop", "start", "remove", "create", "remove_volume",
    "remove_network", "volume", "network", "kernel_setting", "swap", "clone", "dump", "unpack",
    "pack", "proof", "trial", "probe", "discard",
)  # fmt: skip
"""Of several running steps, the one whose kind comes first here is shown."""
_TIMED: frozenset[OperationKind] = TASKS | {"rehearse"}
"""Operations whose steps all say how long they take."""


Titles = Mapping[str, LocalText]
"""The titles of modules by name."""


_OF_ENGINE: Mapping[StepKind, Callable[[str], Text]] = {
    **dict.fromkeys(("network", "remove_network"), lambda name: Text("network {name}", name=name)),
    **dict.fromkeys(("volume", "remove_volume"), lambda name: Text("volume {name}", name=name)),
}


def name_of(step: StepView, titles: Titles = MappingProxyType({})) -> Text | str:
    """The name of *step*'s subject for display: of images, that of the module or service that needs
    them. With *titles*, a module has its title, otherwise its name."""
    if (of_engine := _OF_ENGINE.get(step.kind)) is not None:
        return of_engine(step.subject)
    if step.kind in ("pack", "unpack") and step.subject == IMAGES:
        return Text("images")
    if step.service is None and step.kind not in _IMAGES:
        return step.subject
    title = titles.get(step.module)
    # The image for kernel settings belongs to no module.
    module = Given(title) if title else step.module or step.subject
    if step.service in (None, step.module):
        return module
    if isinstance(module, str):
        return f"{module}/{step.service}"
    return Text("{module} ({service})", module=module, service=step.service)


def how_far(view: OperationSummary) -> Text:
    """How far *view* is, and how long it still takes, as the dashboard says it."""
    percent = round(view.share * 100)
    if view.seconds_left is None:
        return Text("{percent} %, estimating…", percent=percent)
    minutes = round(view.seconds_left / 60)
    if not minutes:
        return Text("{percent} %, less than a minute left", percent=percent)
    if minutes < _MOST_MINUTES:
        return Text("{percent} %, about {minutes} min left", percent=percent, minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    return Text(
        "{percent} %, about {hours} h {minutes} min left",
        percent=percent,
        hours=hours,
        minutes=minutes,
    )


def with_progress(view: OperationView, titles: Titles = MappingProxyType({})) -> OperationView:
    """*view* with the progress of its steps. *titles* name the modules in its words."""
    done, total = _count(view)
    download = _download(view)
    share = _share(replace(view, download=download, done=done, total=total))
    text = _current(view, titles)
    return replace(view, done=done, total=total, download=download, share=share, text=text)


def _download(view: OperationView) -> DownloadView | None:
    """The downloads of *view* with their share."""
    pulls = [step for step in view.steps if step.kind == "pull"]
    if view.download is None or not pulls:
        return None
    over = [step.status in _OVER for step in pulls]
    loaded = view.download.current / view.download.total if view.download.total else 0.0
    if view.download.unsized:
        # Images of unknown size count like the others in the mean.
        loaded *= 1 - view.download.unsized / len(pulls)
    share = 1.0 if all(over) else min(loaded, _UNFINISHED)
    return replace(view.download, share=share)


def _share(view: OperationView) -> float:
    """How far *view* is: the mean of its phases, as far as it has them; of a backup, restore or
    upgrade, by the time that its steps are expected to take."""
    if view.kind in _TIMED:
        whole = sum(map(_usual, view.steps))
        return 1 - expected_left(view.steps) / whole if whole else 0.0
    shares = [
        sum(step.status in _OVER for step in steps) / len(steps)
        for kinds in (("build",), ("start",), ("wait",))
        if (steps := [step for step in view.steps if step.kind in kinds])
    ]
    if view.download:
        shares.append(view.download.share)
    if not shares:
        return view.done / view.total if view.total else 0.0
    return sum(shares) / len(shares)


def expected_left(steps: Iterable[StepView]) -> float:
    """The seconds that *steps*, one after the other, are expected to take from now on."""
    return sum(_usual(step) * (1 - _done(step)) for step in steps)


def _usual(step: StepView) -> float:
    return _SECONDS if step.usual is None else step.usual


def _done(step: StepView) -> float:
    if step.status == "running" and step.total:
        return min(step.current / step.total, _UNFINISHED)
    return float(step.status in _OVER)


def _count(view: OperationView) -> tuple[int, int]:
    """The numbers of finished services and of all; of images if the operation has only these."""
    images = [step for step in view.steps if step.kind in _IMAGES]
    steps = [step for step in view.steps if step.service and step.kind not in _IMAGES] or images
    left = {step.subject for step in steps if step.status in ("pending", "running")}
    names = {step.subject for step in steps}
    return len(names - left), len(names)


def _current(view: OperationView, titles: Titles) -> Text | None:
    """The current action or wait."""
    if view.status == "waiting":
        return view.detail
    running = [step for step in view.steps if step.status == "running"]
    order = _MOST_INTERESTING_FIRST.index
    first = min(running, key=lambda step: order(step.kind), default=None)
    return _doing(first, titles) if first else None


def _doing(step: StepView, titles: Titles) -> Text:
    is_loaded = step.total and step.current >= step.total and not step.awaits_shared
    kind: StepKind = "unpack" if step.kind == "pull" and is_loaded else step.kind
    return _DOING[kind](name_of(step, titles))


_DOING: Mapping[StepKind, Callable[[Text | str], Text]] = {
    "wait": lambda name: Text("waiting for {name}", name=name),
    "pull": lambda name: Text("downloading {name}", name=name),
    "build": lambda name: Text("building {name}", name=name),
    "start": lambda name: Text("starting {name}", name=name),
    "stop": lambda name: Text("stopping {name}", name=name),
    **dict.fromkeys(
        ("create", "network", "volume"), lambda name: Text("creating {name}", name=name)
    ),
    **dict.fromkeys(
        ("remove", "remove_network", "remove_volume"),
        lambda name: Text("removing {name}", name=name),
    ),
    "kernel_setting": lambda name: Text("setting {name} in the kernel", name=name),
    **dict.fromkeys(("clone", "dump"), lambda name: Text("copying {name}", name=name)),
    "pack": lambda name: Text("writing {name}", name=name),
    "unpack": lambda name: Text("unpacking {name}", name=name),
    "swap": lambda name: Text("replacing {name}", name=name),
    "proof": lambda name: Text("checking {name}", name=name),
    "trial": lambda name: Text("starting {name} on a copy", name=name),
    "probe": lambda name: Text("checking that {name} answers", name=name),
    "discard": lambda name: Text("removing the copy of {name}", name=name),
}


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

RECONNECTING = Text("reconnecting")
"""Of everything, while the connection to an engine elsewhere is lost."""

RESTARTING = Text("restarting")
"""Instead of the word for `starting`: it ran before."""

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
    "backup": Text("Backing up"),
    "move": Text("Packing"),
    "restore": Text("Restoring"),
    "rehearse": Text("Rehearsing"),
    "upgrade": Text("Upgrading"),
    "adopt": Text("Copying"),
}


def sentence(modules: Sequence[ModuleView]) -> Text | None:
    """What is wrong with *modules*, in a sentence that names the causes. None: nothing, or several
    different things."""
    failed = [m for m in modules if m.state == "error"]
    unstarted = [m for m in failed if m.trouble and m.trouble.kind in ("blocked", "start")]
    down = [m for m in failed if m not in unstarted]
    partly = [m for m in modules if m.state == "degraded" and not m.needs]
    back = [module for module in modules if module.word == COMING_BACK]
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
    if again := [module for module in modules if module.word == RESTARTING]:
        return Plural(
            "{names} is restarting",
            "{names} are restarting",
            count=len(again),
            names=_titles(again),
        )
    return None


def _titles(modules: Iterable[ModuleView]) -> Text:
    return Listed(module.title or {"en": module.name} for module in modules)


def sorted_by_title(modules: Iterable[ModuleView], language: Language) -> list[ModuleView]:
    """*modules* as every page and menu lists them, orphans last."""
    return sorted(modules, key=lambda m: (m.orphan, m.title_in(language).casefold(), m.name))


def sorted_by_name(modules: Iterable[ModuleView]) -> list[ModuleView]:
    """*modules* as the command line, which shows no titles, lists them, orphans last."""
    return sorted(modules, key=lambda module: (module.orphan, module.kind, module.name))
