"""Light or dark, as the desktop's own files and programs say."""

from pathlib import Path

import pytest

from aiserver_tray.system.desktop import app_theme, taskbar_theme

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="desktops of Linux")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration, on a desktop of no name and without programs."""
    for name in ("GTK_THEME", "XDG_CURRENT_DESKTOP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def say_style(config: Path, style: str) -> None:
    """A fake of gsettings, which would need a session of GNOME."""
    program = config / "bin/gsettings"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\necho "{style}"\n')
    program.chmod(0o700)


def test_a_forced_theme_wins_over_the_style_and_without_both_it_is_light(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (app_theme(), taskbar_theme()) == ("light", "light")
    say_style(config, "'prefer-dark'")
    assert (app_theme(), taskbar_theme()) == ("dark", "dark")
    monkeypatch.setenv("GTK_THEME", "Adwaita")
    assert app_theme() == "light"
    say_style(config, "'prefer-light'")
    monkeypatch.setenv("GTK_THEME", "Adwaita:dark")
    assert app_theme() == "dark"


def test_gnome_has_a_dark_bar_with_any_theme(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    say_style(config, "'default'")
    assert (app_theme(), taskbar_theme()) == ("light", "dark")


@pytest.mark.parametrize(("scheme", "theme"), [("BreezeDark", "dark"), ("BreezeLight", "light")])
def test_kde_says_it_in_its_own_file(
    config: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, theme: str
) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "KDE")
    content = f"[General]\nColorScheme={scheme}\n[KDE]\nx=%\n"
    (config / "kdeglobals").write_text(content, encoding="utf-8")
    assert app_theme() == theme


@pytest.mark.parametrize(
    ("lines", "theme"),
    [
        (b"gtk-theme-name=Arc-Dark", "dark"),
        (b"gtk-application-prefer-dark-theme = 1", "dark"),
        (b"\xff[", "light"),
    ],
)
def test_else_gtks_own_file_says_it(config: Path, lines: bytes, theme: str) -> None:
    (config / "gtk-3.0").mkdir()
    (config / "gtk-3.0/settings.ini").write_bytes(b"[Settings]\n" + lines + b"\n")
    assert app_theme() == theme
