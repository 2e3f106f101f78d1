"""The commands of the documents, and which test runs each.

`tests/engine/test_documents.py` types what a user types, except for `ELSEWHERE`.
"""

import re
import shlex
from collections.abc import Iterator

from tests.support.markdown import ROOT, Page, files, page

PROGRAM = "aiserver-tray"
PAGES = [page(path) for path in files()]
README = page(ROOT / "README.md")
_GUIDE = page(ROOT / "docs/guide/README.md")
_PARTS = dict.fromkeys(link for link in _GUIDE.links if re.fullmatch(r"\w+\.md", link))
GUIDE = [_GUIDE, *(page(_GUIDE.path.parent / name) for name in _PARTS)]
REFERENCE = page(ROOT / "docs/command-line.md")

_OWN = "tests/engine/test_local_models.py::test_a_model_of_the_hub_answers_through_one_api"
_MODELS = "tests/engine/test_models.py::test_a_model_answers_and_each_broken_link_is_told_as_itself"

ELSEWHERE = {
    # It shows an icon and windows.
    "aiserver-tray": "tests/desktop/test_tray_life.py::"
    "test_start_all_and_stop_all_show_on_the_icon",
    "aiserver-tray open": "tests/desktop/test_tray_windows.py::"
    "test_the_dashboard_shows_what_the_tray_shows",
    "aiserver-tray quit": "tests/desktop/test_tray_place.py::"
    "test_bar_without_a_host_is_no_place_for_the_icon",
    "build/dev.py run": "tests/desktop/test_tray_pointer.py::test_from_the_first_click_to_the_last",
    # They need the ID or the file of a backup, or a passphrase.
    "aiserver-tray backup restore": "tests/unit/cli/test_backup.py::"
    "test_a_restore_is_asked_about_and_sends_what_was_decided",
    "aiserver-tray backup key save": "tests/unit/cli/test_backup.py::"
    "test_schedule_key_and_deletion_ask_for_what_they_need",
    # It opens a module to a network of the machine.
    "aiserver-tray access": "tests/unit/cli/test_access.py::"
    "test_what_opening_does_is_said_and_asked_before",
    "aiserver-tray move": "tests/engine/test_backup_elsewhere.py::"
    "test_everything_moves_to_an_engine_that_reaches_no_registry",
    # They need a module with a newer version.
    "aiserver-tray upgrade": "tests/unit/cli/test_upgrade.py::"
    "test_modules_are_upgraded_rehearsed_and_put_back",
    # They need a model server.
    "aiserver-tray models use": _MODELS,
    "aiserver-tray models check": _MODELS,
    # An assistant starts it, and speaks on its input.
    "aiserver-tray mcp": "tests/engine/test_mcp.py::"
    "test_an_assistant_learns_the_causes_changes_nothing_unasked_and_sees_no_secret",
    "aiserver-tray models remove": _MODELS,
    # They need a hub with models.
    "aiserver-tray models pull": _OWN,
    "aiserver-tray models run": _OWN,
    # They need the module.
    "aiserver-tray connect open-webui": _OWN,
    "aiserver-tray config set OPENWEBUI_SEARCH": _OWN,
    "aiserver-tray up open-webui": _OWN,
    # It needs a program of others.
    "aiserver-tray adopt": "tests/unit/cli/test_adopt.py::"
    "test_programs_are_listed_copied_and_switched_over",
    # They change the machine, or build and install packages.
    "aiserver-tray engine install": "tests/engine/test_engine_install.py::"
    "test_docker_is_installed_and_the_user_may_use_it",
    "aiserver-tray engine find": "tests/engine/test_owner_engine.py::"
    "test_engine_has_a_name_that_every_command_takes",
    "aiserver-tray engine settings": "tests/unit/cli/test_engine_settings.py::"
    "test_a_change_is_made_after_a_yes_to_what_it_concerns",
    "aiserver-tray engine uninstall": "tests/wine/test_own_engine.py::"
    "test_from_nothing_to_a_module_and_back",
    "build/dev.py bundle": "tests/packages/test_setup.py::"
    "test_installer_installs_upgrades_and_leaves_nothing",
    "build/dev.py bundle --deb": "tests/packages/test_deb.py::"
    "test_package_installs_runs_and_leaves_nothing",
    "apt": "tests/packages/test_deb.py::test_package_installs_runs_and_leaves_nothing",
    "pipx": "tests/packages/test_wheel.py::"
    "test_commands_need_no_desktop_and_the_extra_adds_icon_and_windows",
    # It has an engine of its own.
    "build/dev.py demo": "tests/engine/test_lab_lifecycle.py::"
    "test_the_demo_shows_a_dashboard_and_leaves_nothing",
    # They run the tests.
    "build/dev.py check": "tests/packages/test_dev_commands.py::"
    "test_command_with_an_empty_home_reaches_its_first_long_step",
    "build/dev.py test": "tests/packages/test_dev_commands.py::"
    "test_command_with_an_empty_home_succeeds",
}
"""The first words of a command -> the test that runs it."""

_COMMAND = re.compile(r"(aiserver-tray|python3|py|pipx|(sudo )?apt)( |$)")


def words_of(line: str) -> list[str]:
    """The words of the command *line*, as all systems have them."""
    words = shlex.split(line.replace("\\", "/"), comments=True)
    return words[1:] if words[0] in {"python3", "py", "sudo"} else words


def elsewhere(line: str) -> str | None:
    """The key in `ELSEWHERE` of the command *line*, if it is there."""
    words = words_of(line)
    for key in sorted(ELSEWHERE, key=len, reverse=True):
        first = key.split()
        if words == first or (first != [PROGRAM] and words[: len(first)] == first):
            return key
    return None


def typed(one: Page) -> list[str]:
    """The commands that the page tells a reader to type, without those in `ELSEWHERE`."""
    lines = (line for line in one.console if not line.startswith("cd "))
    return [line for line in lines if not elsewhere(line)]


def mentioned(one: Page) -> Iterator[str]:
    """The commands of the page, also those in its text."""
    yield from (line for line in one.console if not line.startswith("cd "))
    yield from (span for span in one.spans if _COMMAND.match(span) and span != "python3")
