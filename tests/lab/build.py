"""Builds the images that the registry lacks, and pushes them to it."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

from tests.lab import engine, registry
from tests.lab.archives import make_archive
from tests.lab.place import LabError, Place
from tests.lab.recipes import Recipe

Report = Callable[[str], None]


def missing(place: Place, recipes: Iterable[Recipe]) -> list[Recipe]:
    """The recipes that the registry holds no image of, or one of another state of the recipe."""
    return [r for r in recipes if registry.stored_hash(place, r.name) != r.hash]


def build(place: Place, recipes: list[Recipe], report: Report) -> None:
    """Builds and pushes images, in the given order.

    Raises:
        LabError: A step failed; with the end of its output.
    """
    scratch = place.state / "build"
    with ThreadPoolExecutor(max_workers=4) as pool:
        # The longest first; the machine waits for the network most of that time.
        archives: dict[str, Future[Path]] = {
            recipe.archive: pool.submit(
                make_archive, recipe.archive_settings, scratch / recipe.archive
            )
            for recipe in reversed(recipes)
            if recipe.archive
        }
        client = engine.client(place)
        try:
            for recipe in recipes:
                begun = time.monotonic()
                archive = archives[recipe.archive].result() if recipe.archive else None
                _build_image(client, recipe, archive)
                _push(client, recipe, engine.registry_address(place))
                report(f"{recipe.name}: {time.monotonic() - begun:.0f} s")
            _forget(client, recipes)
        finally:
            client.close()
    shutil.rmtree(scratch, ignore_errors=True)


def _forget(client: docker.DockerClient, recipes: list[Recipe]) -> None:
    """Leaves the engine as if it had built nothing, so that a test's pull is a real one."""
    for recipe in reversed(recipes):
        with suppress(APIError):  # a container uses it
            client.api.remove_image(recipe.name, force=True)
    client.api.prune_images(filters={"dangling": True})


def _build_image(client: docker.DockerClient, recipe: Recipe, archive: Path | None) -> None:
    with tempfile.TemporaryFile() as context:
        recipe.write_context(context, archive)
        context.seek(0)
        steps = client.api.build(
            fileobj=context,
            custom_context=True,
            tag=recipe.name,
            labels={registry.RECIPE_LABEL: recipe.hash},
            # The machine's own network: its name servers may be on the loopback address.
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
        )
        _follow(steps, f"The image {recipe.name} can't be built")


def _push(client: docker.DockerClient, recipe: Recipe, address: str) -> None:
    path, tag = registry.repository(recipe.name)
    client.api.tag(recipe.name, f"{address}/{path}", tag)
    try:
        steps = client.api.push(f"{address}/{path}", tag, stream=True, decode=True)
        _follow(steps, f"The image {recipe.name} can't be pushed")
    finally:
        client.api.remove_image(f"{address}/{path}:{tag}")


def _follow(steps: Iterable[dict[str, Any]], failure: str) -> None:
    """Reads a progress stream to its end, since errors come in it."""
    output: list[str] = []
    for step in steps:
        output += step.get("stream", "").splitlines()
        if "error" in step:
            raise LabError("\n".join([f"{failure}: {step['error']}", *output[-30:]]))
