"""What a shell may offer, as the shell asks: by a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiserver_tray.cli.complete import PROGRAM, VARIABLE
from tests.support.command_line import CommandLine
from tests.unit.module_folders import write


def offered(home: Path, *words: str) -> set[str]:
    """The values for the last of *words*, asked for in bash's way."""
    asked = {
        VARIABLE: "bash_complete",
        "COMP_WORDS": " ".join((PROGRAM, *words)),
        "COMP_CWORD": str(len(words)),
    }
    lines = printed(env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **asked}).splitlines()
    return {line.partition(",")[2] for line in lines if line}


def printed(*words: str, env: dict[str, str] | None = None) -> str:
    command = [sys.executable, "-m", "aiserver_tray", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("st", {"stats", "status", "stop"}),
        ("up n", {"n8n"}),
        ("stats n", {"n8n"}),
        ("logs --level e", {"error"}),
        ("exec n8n/n8n-r", {"n8n/n8n-runners"}),
        ("logs redis n8n/n8n-r", {"n8n/n8n-runners"}),
        ("config get n8n.N8N_H", {"n8n.N8N_HOST_PORT"}),
        ("config set N8N_H", {"N8N_HOST_PORT"}),
        ("catalog show po", {"postgres"}),
        ("exec nothing/", set()),
        ("action dify re", {"rebuild-index", "reset-password"}),
    ],
)
def test_names_are_completed(tmp_path: Path, words: str, values: set[str]) -> None:
    home = tmp_path / "home"
    assert offered(home, "--home", str(home), *words.split()) == values
    assert not home.exists(), "completion made something"


def test_config_unset_completes_the_settings_that_are_set(tmp_path: Path) -> None:
    values = {"gone.PORT": "1", "gone.other": "x", "n8n.N8N_HOST_PORT": "18101"}
    file, words = tmp_path / "settings.json", ("--home", str(tmp_path), "config", "unset")
    file.write_text(json.dumps({"version": 1, "values": values}), encoding="utf-8")
    assert offered(tmp_path, *words, "gone.") == {"gone.PORT", "gone.other"}
    assert offered(tmp_path, *words, "n8n.") == {"n8n.N8N_HOST_PORT"}
    file.write_text('{"version": 99}', encoding="utf-8")
    assert offered(tmp_path, *words, "n8n.") == set(), "and no noise in the shell"


def test_config_unset_completes_secrets_without_those_that_stored_data_needs(
    tmp_path: Path,
) -> None:
    cli = CommandLine(tmp_path, tmp_path, "")
    secret = "type: secret, generate: hex32"
    settings = f"{{A: {{{secret}, keep: true}}, B: {{{secret}}}, C: {{{secret}}}}}"
    head = f"x-aiserver: {{kind: feature, settings: {settings}}}\n"
    write(cli.home / "modules", "mine", head + "services: {a: {image: 'i:1'}}\n")
    for name in ("mine.A", "mine.B"):
        assert cli.call("config", "get", name, "--show").code == 0
    words = ("--home", str(tmp_path), "config", "unset", "mine.")
    assert offered(tmp_path, *words) == {"mine.B"}


def test_modules_of_a_further_catalog_folder_are_completed(tmp_path: Path) -> None:
    folder = tmp_path / "more/extra"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {a: {image: 'i:1'}}\n", encoding="utf-8")
    assert offered(tmp_path / "home", "up", "--catalog", str(folder.parent), "ex") == {"extra"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    script = printed("completion", shell)
    assert VARIABLE in script
    assert f"{shell}_complete" in script
    # fish, which is not here, would cut descriptions at their commas.
    assert ("string split --max 1" in script) == (shell == "fish")
