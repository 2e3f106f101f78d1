"""Check every image of the catalog on a real engine. See docs/verify-images.md."""

import argparse
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from aiserver_tray.base.errors import AiServerError, each
from aiserver_tray.base.strings import binary_size
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.registry import HUB
from aiserver_tray.engine.values import PullProgress
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.request import Request
from aiserver_tray.state.views import OperationView
from aiserver_tray.system import ports, resources
from developer.cache import VERIFIER, cache_folder
from verifier.images import images_of, missing_program, remove_leftovers, with_required
from verifier.log_ins import LOG_INS, Stack, why_refused
from verifier.registry import RegistryError, Repository, record
from verifier.report import ImageResult, ModuleResult, Report

_PORTS = range(20000, 32768)
"""Ports that no system gives a program that asks for any port."""


def say(text: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Raise `KeyboardInterrupt` only at the end of the block, for a Ctrl-C during it."""
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


class ProgressLines:
    """Shows the progress of a pull, a line every ten seconds."""

    def __init__(self) -> None:
        self._shown_at = time.monotonic()

    def __call__(self, progress: PullProgress) -> None:
        if time.monotonic() - self._shown_at > 10:
            self._shown_at = time.monotonic()
            layers = progress.layers.values()
            current = binary_size(sum(layer.current for layer in layers))
            say(f"  {current} of {binary_size(sum(layer.total for layer in layers))}")


@dataclass(frozen=True)
class Verification:
    """A check of *modules* on the engine of *core*, whose installation is *app*. *hub*: the URL of
    Docker Hub, or of a mirror of it."""

    app: App
    core: Core
    modules: Sequence[str]
    hub: str = HUB
    left: list[str] = field(default_factory=list)
    """Why something of it may still be on the engine."""

    def look_up(self) -> list[ImageResult]:
        """Read all images' manifests."""
        results = []
        for image in images_of(self.app.catalog, self.modules).values():
            say(f"looking up {image.name}")
            result = ImageResult(image)
            try:
                result.published = Repository(image.name, self.hub).published()
            except RegistryError as error:
                result.problems.append(f"its manifest can't be read: {error}")
            results.append(result)
        return results

    def needs(self, results: Sequence[ImageResult]) -> str:
        """What the check will download and store, for the user."""
        missing = [r for r in results if self.core.engine.images.find(r.image.name) is None]
        sizes = [max(r.published.downloads.values(), default=0) for r in missing if r.published]
        modules = map(self.app.catalog.module, self.modules)
        disk = sum(parse_size(module.needs.disk or 0) for module in modules)
        info = self.core.engine.info()
        free = resources.free_disk(info.data_root) if info.shares_kernel else None
        return (
            f"{len(missing)} of {len(results)} images are not on the engine. Their download: at "
            f"most {binary_size(sum(sizes))}. Images and data need about {binary_size(disk)} of "
            f"disk space{f', and {binary_size(free)} are free' if free is not None else ''}."
        )

    def check_image(self, result: ImageResult) -> None:
        """Pull the image if the engine lacks it, and run its health checks."""
        engine, name = self.core.engine, result.image.name
        image = engine.images.find(name)
        try:
            if image is None:
                say(f"pulling {name}")
                shown = ProgressLines()
                image = engine.images.pull(name, on_progress=shown, cancelled=Cancellation())
            for check, services in result.image.checks.items():
                say(f"running the health check of {', '.join(services)}")
                if why := missing_program(engine, self._installation, image, check):
                    result.unfit[", ".join(services)] = why
            result.is_checked = True
            digest = result.published and result.published.digest
            if digest and not any(known.endswith(f"@{digest}") for known in image.names):
                result.note = "the engine has another digest"
        except AiServerError as error:
            result.problems.append(_text(error))

    def check_module(self, name: str) -> ModuleResult:
        """Start the module with what it requires, and log in."""
        say(f"starting {name}")
        result, begin = ModuleResult(name), time.monotonic()
        view = self._run(Request("up", (name,)))
        result.seconds, result.is_up = time.monotonic() - begin, view.status == "succeeded"
        waits = [step for step in view.steps if step.kind == "wait" and step.seconds is not None]
        result.ready = {f"{step.module}/{step.service}": step.seconds or 0.0 for step in waits}
        if not result.is_up:
            result.problems.append(_text(view.error) if view.error else view.status)
        elif name not in LOG_INS:
            result.log_in = "not known"
        elif not self.core.engine.address.is_local:
            result.log_in = "not tried: the engine is on another machine"
        else:
            self._log_in(result)
        return result

    def _log_in(self, result: ModuleResult) -> None:
        say(f"logging in at {result.name}")
        app = self.app
        stack = Stack(self.core, lambda address: app.settings.reveal(app.declared, address))
        why = why_refused(stack, result.name)
        result.log_in = "failed" if why else "yes"
        if why:
            result.problems.append(f"a user can't log in: {why}")

    def check_all(self, results: Sequence[ModuleResult]) -> None:
        """See that what has started still runs beside all that came later."""
        states = {module.name: module for module in self.core.store.snapshot.modules}
        for result in results:
            module = states[result.name]
            if result.is_up and module.state != "running":
                result.problems.append(f"it no longer runs beside the others: {module.reason}")

    def remove(self) -> None:
        """Remove all containers, networks and volumes of this installation."""
        error: AiServerError | None
        self.left[:] = ["the removal was interrupted"]
        try:
            remove_leftovers(self.core.engine, self._installation)
            error = self._run(Request("down", volumes="all")).error
        except AiServerError as failure:
            error = failure
        self.left[:] = [f"not everything was removed: {_text(error)}"] if error else []

    @property
    def _installation(self) -> str:
        return self.app.settings.installation_id

    def _run(self, request: Request) -> OperationView:
        """The end of an operation, which Ctrl-C cancels."""
        operation: Operation | None = None
        try:
            with interrupts_held_back():  # otherwise, it would run on, and nobody could cancel it
                operation = self.core.operations.start(request)
            while not (view := operation.wait(0.5)).is_over:
                pass
        except KeyboardInterrupt:
            if operation:
                operation.cancel()
                operation.wait()
            raise
        return view


def _text(error: AiServerError) -> str:
    return " ".join(str(one) for one in each(error))


def verify(
    work: Verification, is_agreed: Callable[[str], bool], record_file: Path
) -> Report | None:
    """Do the whole check. None if *is_agreed*, which is asked with what it needs, says no."""
    work.remove()  # what a killed check left
    info = work.core.engine.info()
    images = work.look_up()
    if not is_agreed(work.needs(images)):
        return None
    published = {r.image.name: r.published for r in images if r.published}
    catalog = work.app.catalog
    record(record_file, published, images_of(catalog, catalog.modules), date.today())
    report = Report(f"Docker Engine {info.version} on {info.operating_system}", images, [])
    work.core.publish_modules()
    try:
        for result in images:
            work.check_image(result)
        report.modules = [work.check_module(name) for name in work.modules]
        work.check_all(report.modules)
    finally:
        say("removing what was started")
        work.remove()
    report.problems += work.left
    return report


def choose_ports(app: App) -> None:
    """Give each port setting a free port, so that other installations don't matter."""
    chosen = iter(random.sample(_PORTS, len(_PORTS)))
    free = (port for port in chosen if ports.is_free("127.0.0.1", port, "tcp"))
    wanted = [address for address, one in app.declared.items() if one.type == "port"]
    app.settings.change(app.declared, {address: str(next(free)) for address in wanted})


def ask(needs: str) -> bool:
    """Whether the user at the terminal agrees."""
    say(needs)
    if not sys.stdin.isatty():
        say("verify_images.py: confirm this with --yes")
        return False
    return input("Continue? [y/N] ").strip().lower() in ("y", "yes")


def agree(needs: str) -> bool:
    """The user has agreed in advance."""
    say(needs)
    return True


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, as `build/dev.py` passes them on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--module", action="append", default=[])
    parser.add_argument("--engine")
    parser.add_argument("--registry", default=HUB)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--yes", action="store_true")
    return parser.parse_args(arguments)


def forget(home: Path, left: Sequence[str]) -> None:
    """Remove the *home*, unless the next check needs it to remove what is *left*."""
    if not left:
        shutil.rmtree(home)


def main(arguments: Sequence[str]) -> int:
    """Check what *arguments* ask for, in a home of its own, and write the report. The exit status:
    0 if everything works."""
    given = parsed(arguments)
    home = cache_folder(VERIFIER) / "home"
    app = App(home, [], given.engine)
    modules = with_required(app.catalog, given.module or list(app.catalog.modules))
    choose_ports(app)
    with ExitStack() as at_end, app.core() as core:
        if error := core.store.snapshot.engine.error:
            raise error
        work = Verification(app, core, modules, given.registry)
        at_end.callback(forget, home, work.left)
        report = verify(work, agree if given.yes else ask, given.record)
    if report is None:
        return 1
    given.report.write_text(report.document(date.today()), encoding="utf-8")
    say("\n".join([*report.all_problems, f"The report is {given.report}."]))
    return 1 if report.all_problems else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except AiServerError as error:
        sys.exit(f"verify_images.py: {_text(error)}")
