"""Only regular files of a sensible size are read, and what can't be read is told with its place."""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.files import find_compose_file, read_documents
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.compose.reader import MAX_SIZE
from aiserver_tray.catalog.compose.variables import find_variables
from tests.support.systems import on_linux, on_unix

SERVICE = "services: {a: {image: x}}"

Make = Callable[[Path], object]


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    os.mknod(path, 0o600 | stat.S_IFSOCK)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_SIZE + 1)


UNREADABLE = [
    pytest.param(_pipe, "not a regular file", marks=on_unix),
    pytest.param(_socket, "not a regular file", marks=on_linux),
    pytest.param(_endless, "not a regular file", marks=on_unix),
    (Path.mkdir, "it is a folder"),
    (_huge, "larger than 16 MiB"),
]
USES = {
    "extends": "services: {a: {extends: {file: odd, service: b}}}",
    "include": "include: [odd]",
    "include.path": "include: [{path: [odd]}]",
    "include.env_file": "include: [{path: other.yaml, env_file: odd}]",
    "env_file": "services: {a: {image: x, env_file: odd}}",
    "env_file.required": "services: {a: {image: x, env_file: [{path: odd, required: false}]}}",
    "label_file": "services: {a: {image: x, label_file: odd}}",
}


@pytest.mark.parametrize(("make", "why"), UNREADABLE)
@pytest.mark.parametrize("name", ["compose.yaml", "compose.override.yaml"])
def test_unreadable_compose_file_is_refused_with_the_reason(
    make: Make, why: str, name: str, tmp_path: Path
) -> None:
    if name != "compose.yaml":
        (tmp_path / "compose.yaml").write_text(SERVICE)
    make(tmp_path / name)

    for read in (read_documents, find_variables, lambda folder: load_project(folder, {})):
        with pytest.raises(CatalogError, match=why) as refused:
            read(tmp_path)
        assert refused.value.problems[0].place.file == tmp_path / name


@pytest.mark.parametrize(("make", "why"), UNREADABLE)
def test_unreadable_env_file_is_refused_with_the_reason(
    make: Make, why: str, tmp_path: Path
) -> None:
    make(tmp_path / "env")

    with pytest.raises(CatalogError, match=why):
        read_env_file(tmp_path / "env")


@pytest.mark.parametrize(("make", "why"), UNREADABLE)
@pytest.mark.parametrize("use", USES)
def test_unreadable_file_is_refused_at_the_place_that_names_it(
    make: Make, why: str, use: str, tmp_path: Path
) -> None:
    (tmp_path / "compose.yaml").write_text(USES[use])
    (tmp_path / "other.yaml").write_text(SERVICE)
    make(tmp_path / "odd")

    with pytest.raises(CatalogError, match=why) as refused:
        load_project(tmp_path, {})

    place = refused.value.problems[0].place
    assert (place.file, place.line) == (tmp_path / "compose.yaml", 1)


def test_a_file_of_the_greatest_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "env").write_bytes(b"A=1\n#".ljust(MAX_SIZE, b"x"))

    assert read_env_file(tmp_path / "env") == {"A": "1"}


def test_the_null_device_is_an_empty_file() -> None:
    assert read_env_file(Path(os.devnull)) == {}
    with pytest.raises(CatalogError, match="empty file"):
        load_project(Path(os.devnull), {})


@on_unix
def test_an_env_file_may_be_the_null_device(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x, env_file: /dev/null}}")

    assert load_project(tmp_path, {}).services["a"].environment == {}


@contextmanager
def _as_nobody() -> Iterator[None]:
    """To the administrator nothing is unreadable, so be someone else."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everyone may look into, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in folder.iterdir():
            path.chmod(0o755)


@on_unix
def test_a_folder_that_cannot_be_looked_into_is_refused(shared: Path) -> None:
    closed = shared / "closed"
    closed.mkdir()
    (closed / "compose.yaml").write_text(SERVICE)
    closed.chmod(0)

    for read in (find_compose_file, read_documents, find_variables):
        for path in (closed, closed / "compose.yaml"):
            with _as_nobody(), pytest.raises(CatalogError, match="Permission denied") as refused:
                read(path)
            assert refused.value.problems[0].place.file.is_relative_to(closed)


@on_unix
@pytest.mark.parametrize("use", ["alone", *USES])
def test_a_file_that_may_not_be_read_is_refused_where_it_is_named(use: str, shared: Path) -> None:
    (shared / "compose.yaml").write_text(USES.get(use, SERVICE))
    (shared / "other.yaml").write_text(SERVICE)
    (shared / "odd").write_text("A=1")
    (shared / ("compose.yaml" if use == "alone" else "odd")).chmod(0)

    with _as_nobody(), pytest.raises(CatalogError, match="Permission denied") as refused:
        load_project(shared, {})

    assert refused.value.problems[0].place.file == shared / "compose.yaml"


@on_unix
def test_an_optional_env_file_in_a_closed_folder_is_refused(shared: Path) -> None:
    closed = shared / "closed"
    closed.mkdir()
    closed.chmod(0)
    entry = "{path: closed/env, required: false}"
    (shared / "compose.yaml").write_text(f"services: {{a: {{image: x, env_file: [{entry}]}}}}")

    with _as_nobody(), pytest.raises(CatalogError, match="Permission denied"):
        load_project(shared, {})


@on_unix
def test_a_watched_path_in_a_closed_folder_is_taken_as_it_is(shared: Path) -> None:
    closed = shared / "closed"
    closed.mkdir()
    closed.chmod(0)
    watch = "[{path: closed/inner, action: rebuild}]"
    (shared / "compose.yaml").write_text(
        f"services: {{a: {{image: x, develop: {{watch: {watch}}}}}}}"
    )

    with _as_nobody():
        develop = load_project(shared, {}).services["a"].develop

    assert develop
    assert develop.watch
    assert develop.watch[0].path == str(closed / "inner")


@pytest.mark.parametrize("name", ["a\0b", pytest.param("x" * 300, marks=on_unix)])
def test_a_name_that_no_file_can_have_is_refused(name: str, tmp_path: Path) -> None:
    for read in (read_documents, find_compose_file, read_env_file):
        with pytest.raises(CatalogError, match="can't read"):
            read(tmp_path / name)
