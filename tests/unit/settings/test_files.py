"""A versioned file: damage, versions, the lock, the modes."""

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import settings as configure
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter
from pydantic_core import from_json

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.file_version import file_version
from aiserver_tray.base.i18n import Text
from aiserver_tray.settings.content import EngineState, PlainContent, SealedContent, StateData
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import FileModel, SealedModel
from tests.support.systems import has_mode, on_unix


class Data(FileModel):
    version: Literal[3] = 3
    counts: dict[str, int] = Field(default_factory=dict)


@dataclass
class PlainData(PlainContent):
    version: Literal[3] = 3
    counts: dict[str, int] = field(default_factory=dict)


Kind = type[Data] | type[PlainData]
File = VersionedFile[Data] | VersionedFile[PlainData]


@pytest.fixture
def notices() -> list[Text]:
    return []


KINDS: tuple[Kind, ...] = (Data, PlainData)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def file(tmp_path: Path, notices: list[Text], kind: Kind) -> File:
    return opened(tmp_path / "data.json", kind, notices)


def opened(path: Path, kind: Kind, notices: list[Text]) -> File:
    if issubclass(kind, Data):
        return VersionedFile(path, Data, notices)
    return VersionedFile(path, PlainData, notices)


def _count(file: File, name: str, number: int = 1) -> None:
    with file.update() as data:
        data.counts[name] = number


def _names(folder: Path) -> set[str]:
    """The names without the lock's, which stays on Unix only."""
    names = {path.name.partition(".damaged-")[0] for path in folder.iterdir()}
    return names - {"data.json.lock"}


def test_a_missing_file_holds_the_defaults_and_reading_makes_none(file: File, kind: Kind) -> None:
    assert file.read() == kind()
    assert not file.path.exists()


def test_a_folder_is_made_by_the_first_write_and_not_by_reading(
    tmp_path: Path, notices: list[Text], kind: Kind
) -> None:
    file = opened(tmp_path / "a" / "b" / "data.json", kind, notices)
    assert file.read() == kind()
    assert list(tmp_path.iterdir()) == []
    _count(file, "a", 1)
    assert file.read().counts == {"a": 1}
    assert has_mode(file.path.parent, 0o700)


def test_a_folder_that_is_a_file_is_an_error_and_not_a_missing_folder(
    tmp_path: Path, notices: list[Text], kind: Kind
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "folder"):
        file = opened(folder / "data.json", kind, notices)
        with pytest.raises(SettingError, match=r"data\.json: it can't be read or written"):
            file.read()
        with pytest.raises(SettingError, match="can't create the folder"):
            _count(file, "a", 1)


def test_written_file_is_private_and_leaves_no_other_files(
    file: File, notices: list[Text], kind: Kind
) -> None:
    _count(file, "a", 1)
    assert opened(file.path, kind, notices).read().counts == {"a": 1}
    assert _names(file.path.parent) == {"data.json", "data.json.good"}
    assert all(has_mode(path, 0o600) for path in file.path.parent.iterdir())
    assert notices == []


@on_unix
def test_a_mode_that_was_widened_is_narrowed_by_the_next_write(file: File) -> None:
    _count(file, "a", 1)
    file.path.chmod(0o644)
    _count(file, "a", 2)
    assert has_mode(file.path, 0o600)


def test_an_update_that_fails_changes_nothing(file: File) -> None:
    _count(file, "a", 1)
    with pytest.raises(ZeroDivisionError), file.update() as data:
        data.counts["a"] = 1 // 0
    assert file.read().counts == {"a": 1}


def test_write_to_a_full_disk_changes_nothing(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake: a disk with room for one more file only can't be had without root."""
    _count(file, "a", 1)
    room = iter([1])
    fsync = os.fsync

    def limited(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and next(room, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", limited)
    with pytest.raises(SettingError, match="free disk space"):
        _count(file, "a", 2)
    assert file.read().counts == {"a": 1}
    assert _names(file.path.parent) == {"data.json", "data.json.good"}


def test_an_operating_system_error_of_the_caller_is_not_taken_for_the_files(file: File) -> None:
    with pytest.raises(ConnectionError), file.update():
        raise ConnectionError


DAMAGE = {
    "empty": b"",
    "truncated": b'{"version": 3, "counts": {"a',
    "nul bytes": b"\0" * 100,
    "not UTF-8": b'{"version": 3, "counts": {"\xff": 1}}',
    "another shape": b"[1, 2]",
    "no version": b'{"counts": {}}',
    "version zero": b'{"version": 0}',
    "version true": b'{"version": true}',
    "wrong type": b'{"version": 3, "counts": {"a": "one"}}',
    "unknown key": b'{"version": 3, "typo": 1}',
    "deep": b"[" * 100_000,
    "huge number": b'{"version": 3, "counts": {"a": 1' + b"0" * 10_000 + b".5}}",
    "infinite": b'{"version": 3, "counts": {"a": Infinity}}',
    "lone surrogate": b'{"version": 3, "counts": {"\\ud800": 1}}',
}


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_set_aside_the_good_copy_used_and_the_user_told(
    file: File, notices: list[Text], content: bytes
) -> None:
    _count(file, "a", 7)
    file.path.write_bytes(content)
    assert file.read().counts == {"a": 7}
    [aside] = file.path.parent.glob("data.json.damaged-*")
    assert aside.read_bytes() == content
    [notice] = notices
    assert str(file.path) in str(notice)
    assert str(aside) in str(notice)
    assert file.read().counts == {"a": 7}
    assert len(notices) == 1


def test_file_edited_by_hand_is_the_good_copy_once_read(file: File, notices: list[Text]) -> None:
    _count(file, "a", 7)
    # Some editors write a byte order mark.
    file.path.write_text('{"version": 3, "counts": {"a": 8}}', encoding="utf-8-sig")
    assert file.read().counts == {"a": 8}
    file.path.write_text('{"version": 3, "counts": {"a": 9}')
    assert file.read().counts == {"a": 8}
    assert len(notices) == 1


def test_reading_writes_no_copy_where_nothing_was_changed(file: File) -> None:
    _count(file, "a", 7)
    good = file.path.with_name("data.json.good")
    before = file_version(good.stat())
    file.read()
    assert file_version(good.stat()) == before


def test_file_is_read_even_if_its_copy_cannot_be_written(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    _count(file, "a", 7)
    file.path.write_text('{"version": 3, "counts": {"a": 8}}')
    monkeypatch.setattr("aiserver_tray.settings.files.write_private", refuse)
    assert file.read().counts == {"a": 8}


def test_problem_of_a_file_reads_the_same_with_and_without_a_model(tmp_path: Path) -> None:
    for name, content in DAMAGE.items():
        (tmp_path / "data.json").write_bytes(content)
        told = []
        for kind in KINDS:
            notices: list[Text] = []
            opened(tmp_path / "data.json", kind, notices).read()
            told.append(str(notices[0]).partition(" The damaged file was kept as ")[0])
            (tmp_path / "data.json").write_bytes(content)
        assert told[0] == told[1], name


@pytest.mark.parametrize(
    ("engines", "why"),
    [
        (5, "engines: Input should be a valid dictionary"),
        ({"ID": 5}, "engines.ID: Input should be a valid dictionary or instance of EngineState"),
        ({"ID": {"x": 5}}, "engines.ID.x: Extra inputs are not permitted"),
        ({"ID": {"desired": {}}}, "engines.ID.desired: Input should be a valid list"),
    ],
)
def test_nested_problem_of_a_file_is_reported_with_its_place(
    tmp_path: Path, notices: list[Text], engines: object, why: str
) -> None:
    file = VersionedFile(tmp_path / "state.json", StateData, notices)
    file.path.write_text(json.dumps({"version": 1, "digest": "", "engines": engines}))
    assert file.read() == StateData()
    assert f"was damaged ({why}) and has" in str(notices[0])


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
seconds = st.floats(0.001, 1e6).map(lambda number: round(number, 3))


@configure(deadline=None)
@given(
    engines=st.dictionaries(
        texts,
        st.builds(
            EngineState,
            desired=st.lists(texts),
            stopped=st.lists(texts),
            learnt=st.dictionaries(texts, seconds),
            images=st.lists(texts),
        ),
    ),
    starts=st.dictionaries(texts, seconds),
)
def test_without_a_model_a_file_has_the_form_that_models_write(
    engines: dict[str, EngineState], starts: dict[str, float]
) -> None:
    data = StateData(engines=engines, starts=starts)
    written = data.written()
    assert written == TypeAdapter(StateData).dump_json(data, indent=2) + b"\n"
    assert StateData.validated(from_json(written)) == data
    assert StateData.read_plain(written) in (data, None)
    assert b"\\u" in written or StateData.read_plain(written) == data


class Sealed(SealedModel):
    version: Literal[1] = 1
    name: str = ""


@dataclass
class PlainSealed(SealedContent):
    version: Literal[1] = 1
    name: str = ""


def test_a_seal_is_the_same_with_and_without_a_model() -> None:
    sealed = Sealed()
    sealed.name = "é\n"
    written = sealed.written()
    assert PlainSealed(name="é\n").written() == written
    assert PlainSealed.read_plain(written) == PlainSealed.validated(from_json(written))
    older = b'{"version": 1, "digest": "DIGEST"}'
    digest = hashlib.sha256(b'{"version":1}').hexdigest().encode()
    assert PlainSealed.read_plain(older.replace(b"DIGEST", digest))
    assert PlainSealed.read_plain(older) is None


def test_problem_of_a_whole_file_is_reported_without_a_place(
    tmp_path: Path, notices: list[Text]
) -> None:
    plain = VersionedFile(tmp_path / "plain.json", PlainSealed, notices)
    plain.path.write_text('{"version": 1, "name": "ours", "digest": "none"}')
    plain.read()
    assert "was damaged (not what was written) and has" in str(notices.pop())

    file = VersionedFile(tmp_path / "sealed.json", Sealed, notices)
    file.path.write_text('{"version": 1, "name": "ours", "digest": "none"}')
    file.read()
    assert "was damaged (not what was written) and has" in str(notices[0])


def test_copy_of_a_sealed_file_has_the_written_content(tmp_path: Path, notices: list[Text]) -> None:
    file = VersionedFile(tmp_path / "sealed.json", Sealed, notices)
    with file.update() as data:
        data.name = "ours"
    written = file.path.read_bytes()
    forged = Sealed.model_construct(version=1, name="another")
    forged.seal()
    file.path.write_text(forged.model_dump_json())

    assert file.read().name == "another"
    assert file.path.with_name("sealed.json.good").read_bytes() == written


def test_a_deleted_file_comes_back_from_its_copy_and_the_user_is_notified(
    file: File, notices: list[Text]
) -> None:
    _count(file, "a", 7)
    file.path.unlink()
    assert file.read().counts == {"a": 7}
    assert file.path.exists()
    assert "it is missing" in str(notices)


def test_without_a_good_copy_the_defaults_apply_and_the_user_is_notified(
    file: File, notices: list[Text], kind: Kind
) -> None:
    file.path.write_text('{"counts": {}}')
    file.path.with_name("data.json.good").write_text("}")
    assert file.read() == kind()
    assert "it has no valid version" in str(notices[0])
    assert "没有有效的版本号" in notices[0].render("zh")
    assert _names(file.path.parent) == {"data.json", "data.json.good"}
    assert "Defaults are used instead" in str(notices)
    _count(file, "a", 1)
    assert file.read().counts == {"a": 1}


def test_a_file_that_must_not_be_lost_is_refused_and_stays(
    tmp_path: Path, notices: list[Text]
) -> None:
    file = VersionedFile(tmp_path / "data.json", Data, notices, lost="refuse")
    file.path.write_text("{")
    with pytest.raises(SettingError, match=r"data\.json: it is damaged"):
        _count(file, "a")
    assert file.path.read_text() == "{"
    assert _names(tmp_path) == {"data.json"}


@pytest.mark.parametrize("name", ["data.json", "data.json.good"])
def test_a_file_of_a_newer_version_is_refused_and_stays(file: File, name: str) -> None:
    _count(file, "a")
    file.path.write_text("{")
    newer = file.path.with_name(name)
    newer.write_text('{"version": 4, "shape": "unknown"}')
    with pytest.raises(SettingError, match="Update AI-Server Tray"):
        _count(file, "b")
    assert newer.read_text() == '{"version": 4, "shape": "unknown"}'


def test_a_write_that_the_disk_refuses_leaves_the_file_as_it_was(file: File) -> None:
    _count(file, "a", 1)
    blocked = file.path.with_name("data.json.tmp")
    blocked.mkdir()
    with pytest.raises(SettingError, match="it can't be read or written"):
        _count(file, "a", 2)
    blocked.rmdir()
    assert file.read().counts == {"a": 1}
    file.path.unlink()
    file.path.mkdir()
    with pytest.raises(SettingError, match=r"data\.json: it can't be read or written"):
        file.read()


WRITER = """
import sys
from pathlib import Path
from typing import Literal
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import FileModel, SealedModel

class Data(FileModel):
    version: Literal[3] = 3
    counts: dict[str, int] = {}

file = VersionedFile(Path(sys.argv[1]), Data, [])
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    with file.update() as data:
        data.counts["both"] = data.counts.get("both", 0) + 1
        data.counts[f"{sys.argv[2]}{number}"] = number
"""


def test_two_processes_that_change_a_file_at_once_lose_nothing(
    file: File, notices: list[Text]
) -> None:
    times = 100
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, file.path, name, str(times)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline().split() == [b"ready"]
    for writer in writers:
        assert writer.stdin
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0, 0]
    for writer in writers:
        assert writer.stdout
        writer.stdout.close()
    counts = file.read().counts
    assert counts.pop("both") == 2 * times
    assert counts == {f"{name}{n}": n for name in ("a", "b") for n in range(times)}
    assert notices == []


def test_threads_that_change_a_file_at_once_lose_nothing(file: File) -> None:
    def add() -> None:
        for _ in range(20):
            with file.update() as data:
                data.counts["all"] = data.counts.get("all", 0) + 1

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read().counts == {"all": 80}
