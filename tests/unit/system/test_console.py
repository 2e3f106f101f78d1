"""The streams of a command."""

import io
import sys

import pytest

from aiserver_tray.system.console import prepare_output


@pytest.mark.parametrize(("system", "written"), [("win32", "工"), ("linux", "\\u5de5")])
def test_redirected_output_keeps_all_characters_on_windows(
    system: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)  # a fake: only one system is at hand
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    prepare_output(stream)
    stream.write("工")
    stream.flush()
    assert stream.buffer.getvalue().decode() == written
