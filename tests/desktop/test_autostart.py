"""The entry for start at login, as a desktop reads it."""

from pathlib import Path

from gi.repository import Gio

from aiserver_tray.system.login_items import AutostartFolder
from tests.support.waiting import eventually

NASTY = "a b\\c\"d$e`f%g%%h;i'j&k(l)#m=n~o*p?q<r>s|t\\"


def test_a_desktop_starts_just_the_command(tmp_path: Path) -> None:
    """GLib reads the entry and starts it, as GNOME does."""
    program, seen = tmp_path / 'our "own" $program', tmp_path / "seen"
    program.write_text(
        '#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done > "$SEEN.new"\n'
        'mv "$SEEN.new" "$SEEN"\n'
    )
    program.chmod(0o700)
    AutostartFolder(tmp_path).put("x", [str(program), NASTY, "", "tab\there", "plain"])
    context = Gio.AppLaunchContext()
    context.setenv("SEEN", str(seen))
    app = Gio.DesktopAppInfo.new_from_filename(str(tmp_path / "x.desktop"))
    assert app is not None
    assert app.launch([], context)
    eventually(seen.exists, "the program's words")
    assert seen.read_text().splitlines() == [NASTY, "", "tab\there", "plain"]
