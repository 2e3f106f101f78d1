"""Which of our languages the system's is."""

import locale
import sys
from pathlib import Path

import pytest

from aiserver_tray.base.i18n import Language
from aiserver_tray.system import language as language_module
from aiserver_tray.system.language import system_language
from tests.support.systems import on_unix

VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


@pytest.mark.parametrize(
    ("values", "language"),
    [
        (("", "", "zh_CN.UTF-8"), "zh"),
        (("", "", "zh_TW"), "zh"),
        (("", "", "ZH_cn"), "zh"),
        (("", "", "en_GB.UTF-8"), "en"),
        (("", "", "de_AT"), "en"),
        (("", "", "C"), "en"),
        (("", "zh_CN", "en_US"), "zh"),
        (("", "en_US", "zh_CN"), "en"),
        (("C.UTF-8", "zh_CN", "zh_CN"), "en"),
        (("zh_CN", "en_US", "en_US"), "zh"),
        ((" not a locale\udcff", "", ""), "en"),
    ],
)
def test_the_first_variable_that_says_something_counts(
    values: tuple[str, ...], language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(VARIABLES, values, strict=True):
        monkeypatch.setenv(name, value)
    assert system_language() == language


def test_english_holds_where_neither_variables_nor_the_locale_say_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    try:
        assert system_language() == "en"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


@on_unix
@pytest.mark.parametrize(
    ("printed", "language"),
    [
        ('(\n    "zh-Hans-CN",\n    "en-CN"\n)', "zh"),
        ('(\n    "en-CN",\n    "zh-Hans-CN"\n)', "en"),
        ("(\n    zh\n)", "zh"),
        ("", "en"),
    ],
)
def test_macos_shows_the_user_s_languages(
    printed: str, language: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for its command: macOS sets no variable for what it starts by itself."""
    program = tmp_path / "defaults"
    program.write_text(f"#!/bin/sh\n[ \"$*\" = 'read -g AppleLanguages' ] && echo '{printed}'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "darwin")
    language_module._mac_language.cache_clear()
    assert system_language() == language
