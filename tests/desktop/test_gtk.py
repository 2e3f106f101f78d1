"""The parts of the GTK half that need no display; the whole is tested on a desktop."""

from pathlib import Path

import pytest
from PIL import Image

from aiserver_tray.tray.actions import Operate
from aiserver_tray.tray.gtk import Pictures
from aiserver_tray.tray.icons import draw
from aiserver_tray.tray.menu import SEPARATOR, Entry, shape
from aiserver_tray.tray.view import IconSpec


def test_a_picture_is_written_once_and_under_another_name_than_others(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path / "icons")
    running, failed = (draw(IconSpec(s), 48, "dark") for s in ("running", "error"))
    file = pictures.file_of(running)
    with Image.open(file) as picture:
        assert picture.tobytes() == running.tobytes()
    written = file.stat().st_mtime_ns
    assert pictures.file_of(failed) != file
    assert pictures.file_of(running) == file
    assert file.stat().st_mtime_ns == written


def test_no_picture_is_left_behind(tmp_path: Path) -> None:
    folder = tmp_path / "icons"
    folder.mkdir()
    (folder / "0123abcd.part").write_text("of a process that was killed")
    pictures = Pictures(folder)
    assert list(folder.iterdir()) == []
    pictures.file_of(draw(IconSpec("running"), 48, "dark"))
    pictures.remove()
    assert not folder.exists()


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    own = tmp_path / "mine.png"
    own.write_text("the user's")
    pictures = Pictures(tmp_path)
    picture = pictures.file_of(draw(IconSpec("running"), 48, "dark"))
    pictures.remove()
    assert [*tmp_path.iterdir()] == [own]
    assert not picture.exists()


ONE = (Entry("text", Operate("up", ("a",))), SEPARATOR)


@pytest.mark.parametrize(
    "other",
    [
        (Entry("other text", Operate("up", ("a",))), SEPARATOR),
        (Entry("text", Operate("up", ("a",)), enabled=False), SEPARATOR),
    ],
)
def test_menu_with_the_same_actions_is_changed_in_place(other: tuple[Entry, ...]) -> None:
    assert shape(other) == shape(ONE)


def test_a_bold_line_is_recreated_for_another_text() -> None:
    first, second = (shape([Entry(text, is_default=True)]) for text in ("one", "other"))
    assert first != second


@pytest.mark.parametrize(
    "other",
    [
        (Entry("text", Operate("stop", ("a",))), SEPARATOR),
        (Entry("text", Operate("up", ("a",)), checked=True), SEPARATOR),
        (Entry("text", Operate("up", ("a",)), children=(Entry("x"),)), SEPARATOR),
        (Entry("text", Operate("up", ("a",))),),
        (Entry("text", Operate("up", ("a",))), Entry("no separator")),
    ],
)
def test_menu_with_another_action_is_recreated(other: tuple[Entry, ...]) -> None:
    assert shape(other) != shape(ONE)
