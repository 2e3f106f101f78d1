"""The results of a check of the catalog's images, and the file that reports them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from aiserver_tray.base.strings import binary_size
from verifier.images import CatalogImage
from verifier.registry import PLATFORMS, Published

NONE = "–"


@dataclass
class ImageResult:
    """What was found of an image. ``unfit``: the services of a health check -> why it can't run in
    the image."""

    image: CatalogImage
    published: Published | None = None
    problems: list[str] = field(default_factory=list)
    note: str = ""
    unfit: dict[str, str] = field(default_factory=dict)
    is_checked: bool = False


@dataclass
class ModuleResult:
    """What was found of a module. ``ready``: service (``module/service``) -> seconds from its start
    until it was ready. ``log_in``: `NONE`, ``yes``, or the reason for not trying."""

    name: str
    seconds: float = 0.0
    ready: Mapping[str, float] = field(default_factory=dict)
    is_up: bool = False
    log_in: str = NONE
    problems: list[str] = field(default_factory=list)


@dataclass
class Report:
    """All results. *engine* describes the engine."""

    engine: str
    images: Sequence[ImageResult]
    modules: Sequence[ModuleResult]
    problems: list[str] = field(default_factory=list)
    """Of neither an image nor a module."""

    @property
    def all_problems(self) -> list[str]:
        """Everything that is wrong, a line each."""
        found = list(self.problems)
        for result in self.images:
            found += [f"{result.image.name}: {why}" for why in result.problems]
            found += [
                f"{result.image.name}: the health check of {service} can't run: {why}"
                for service, why in result.unfit.items()
            ]
        for module in self.modules:
            found += [f"{module.name}: {why}" for why in module.problems]
        return [" ".join(line.split()) for line in found]

    def document(self, today: date) -> str:
        """The report in Markdown."""
        problems = self.all_problems
        ready = {service: s for module in self.modules for service, s in module.ready.items()}
        parts = [
            "# Check of the catalog's images",
            f"{today.isoformat()}, {self.engine}. Problems: {len(problems)}.",
            "## Images",
            _table(
                ("image", "digest", *PLATFORMS, "health checks", "ready after", "note"),
                (_image_row(result, ready) for result in self.images),
            ),
            "## Modules",
            _table(("module", "start", "log-in"), map(_module_row, self.modules)),
            "## Problems",
            "\n".join(f"- {line}" for line in problems) or "None.",
        ]
        return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _image_row(result: ImageResult, ready: Mapping[str, float]) -> list[str]:
    published = result.published
    sizes = published.downloads if published else {}
    times = [ready[service] for service in result.image.services if service in ready]
    return [
        f"`{result.image.name}`",
        f"`{published.digest}`" if published else NONE,
        *(binary_size(sizes[p]) if p in sizes else NONE for p in PLATFORMS),
        _checks(result),
        f"{max(times):.0f} s" if times else NONE,
        result.note,
    ]


def _checks(result: ImageResult) -> str:
    total = len(result.image.checks)
    if not result.is_checked or not total:
        return NONE
    return f"{total - len(result.unfit)} of {total} can run"


def _module_row(result: ModuleResult) -> list[str]:
    return [result.name, f"{result.seconds:.0f} s" if result.is_up else "failed", result.log_in]
