"""Hundreds of damaged files: never a traceback, never a silent loss."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as configure
from hypothesis import strategies as st

from aiserver_tray.base.errors import SettingError
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.settings.declared import Declared
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home

every = configure(
    max_examples=500,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Thousands of homes are written, and nothing here is about the disk."""

Damage = Callable[[bytes], bytes]


def _none(content: bytes) -> bytes:
    return content


def _truncated(share: float) -> Damage:
    return lambda content: content[: int(len(content) * share)]


def _flipped(share: float, bit: int) -> Damage:
    def flip(content: bytes) -> bytes:
        at = int(len(content) * share)
        return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]

    return flip


def _spliced(share: float, length: int, insert: bytes) -> Damage:
    def splice(content: bytes) -> bytes:
        at = int(len(content) * share)
        return content[:at] + insert + content[at + length :]

    return splice


def _reshaped(path: list[int], value: object) -> Damage:
    """Another JSON value in the place that *path* leads to."""

    def reshape(content: bytes) -> bytes:
        tree = json.loads(content)
        node = tree
        for step in path[:-1]:
            children = [child for child in node.values() if isinstance(child, dict) and child]
            if not children:
                break
            node = children[step % len(children)]
        node[list(node)[path[-1] % len(node)]] = value
        return json.dumps(tree).encode()

    return reshape


shares = st.floats(0, 1, exclude_max=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
damages = st.one_of(
    st.builds(_truncated, shares),
    st.builds(_flipped, shares, st.integers(0, 7)),
    st.builds(_spliced, shares, st.integers(0, 20), st.binary(max_size=20)),
    st.builds(_reshaped, st.lists(st.integers(0, 9), min_size=1, max_size=4), json_values),
    st.builds(lambda value: lambda _: json.dumps(value).encode(), json_values),
    st.builds(lambda content: lambda _: content, st.binary(max_size=60)),
)


DECLARED: Declared = {
    "n8n.HOST_PORT": Setting(type="port", default="18100"),
    "n8n.KEY": Setting(type="secret", generate="hex32", keep=True),
    "n8n.API_KEY": Setting(type="secret"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which every file has something to lose."""
    folder = tmp_path_factory.mktemp("good") / "home"
    settings = Settings(Home(folder, "home"))
    settings.change(DECLARED, {"n8n.HOST_PORT": "8080"})
    settings.change(DECLARED, {"n8n.API_KEY": "given by the user"})
    settings.choose(["n8n"])
    with settings.engines.update("engine") as state:
        state.desired.append("n8n")
        state.learnt["n8n"] = 12.5
    settings.values(DECLARED)
    return folder


@pytest.fixture(scope="module")
def whole(good: Path) -> Mapping[str, object]:
    """What `good` holds, by file."""
    return _everything(Settings(Home(good, "home")))


def _everything(settings: Settings) -> dict[str, object]:
    values = settings.values(DECLARED)
    return {
        "installation.json": settings.installation_id,
        "settings.json": (values.pop("n8n.HOST_PORT"), settings.chosen),
        "secrets.json": values,
        "state.json": settings.engines.state("engine"),
    }


@contextmanager
def _copied(good: Path) -> Iterator[Path]:
    with TemporaryDirectory(dir=MEMORY) as scratch:
        yield Path(shutil.copytree(good, Path(scratch) / "home"))


def _use(folder: Path) -> tuple[Mapping[str, object], list[str]]:
    """What the home holds, by file, nothing where that is an error; and what people are told
    when it is read and then written."""
    settings = Settings(Home(folder, "home"))
    held: dict[str, object] = {}
    told: list[str] = []
    try:
        held = _everything(settings)
        settings.entries(DECLARED)
        settings.change(DECLARED, {"n8n.HOST_PORT": "8081"})
        settings.change(DECLARED, {"n8n.API_KEY": "another secret"})
    except SettingError as error:
        told.append(str(error))
    told += map(str, settings.notices)
    assert "given by the user" not in str(told)
    return held, told


FILES = ("installation.json", "settings.json", "secrets.json", "state.json")


@pytest.mark.parametrize("name", ["settings.json", "secrets.json"])
@every
@given(damage=damages)
def test_damage_to_a_file_costs_nothing_and_is_reported(
    good: Path, whole: Mapping[str, object], name: str, damage: Damage
) -> None:
    with _copied(good) as folder:
        content = damage((folder / name).read_bytes())
        (folder / name).write_bytes(content)
        held, told = _use(folder)
    is_told = any(name in line for line in told)
    if name == "settings.json" and _is_settings_file(content):
        # People edit it: what is well-formed is what they wrote, if it is a value.
        assert held or any("n8n.HOST_PORT" in line for line in told)
    elif _parsed(content) == _parsed((good / name).read_bytes()):
        assert held == whole
    elif _is_newer(content):
        assert any("Update AI-Server Tray" in line for line in told)
    else:
        assert held == whole
        assert is_told


@every
@given(name=st.sampled_from(FILES), damage=damages, more=st.just(_none) | damages)
def test_damage_to_any_file_and_perhaps_its_copy_is_reported(
    good: Path, whole: Mapping[str, object], name: str, damage: Damage, more: Damage
) -> None:
    with _copied(good) as folder:
        original = (folder / name).read_bytes()
        (folder / name).write_bytes(damage(original))
        (folder / f"{name}.good").write_bytes(more(original))
        held, told = _use(folder)
    if name == "settings.json" and _is_settings_file(damage(original)):
        return
    assert held == whole or any(name in line for line in told)
    if name in ("installation.json", "secrets.json"):
        assert held in (whole, {})


def _parsed(content: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _is_newer(content: bytes) -> bool:
    raw = _parsed(content)
    return isinstance(raw, dict) and isinstance(raw.get("version"), int) and raw["version"] > 1


def _is_settings_file(content: bytes) -> bool:
    raw = _parsed(content)
    return (
        isinstance(raw, dict)
        and raw.keys() <= {"version", "values", "chosen", "trusted", "welcomed"}
        and raw.get("version") == 1
        and isinstance(values := raw.get("values", {}), dict)
        and all(map(_is_value, values.values()))
        and (raw.get("chosen") is None or _all_text(raw["chosen"]))
        and isinstance(trusted := raw.get("trusted", {}), dict)
        and _all_text([*trusted.values()])
        and isinstance(raw.get("welcomed", False), bool)
    )


def _is_value(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


def _all_text(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
