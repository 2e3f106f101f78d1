"""What the command line shows of the catalog, and how settings and secrets are read and set."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.command_line import CommandLine
from tests.support.systems import on_unix
from tests.support.terminal import terminal
from tests.unit.module_folders import write

N8N = Path(__file__).parents[2] / "orchestration/features/n8n"


def test_catalog_list_names_every_module(cli: CommandLine) -> None:
    done = cli.call("catalog", "list")
    assert (done.code, done.errors) == (0, "")
    assert {"postgres", "redis", "n8n"} <= {line.split()[0] for line in done.output.splitlines()}
    rows = json.loads(cli.call("catalog", "list", "--json").output)
    assert next(row for row in rows if row["name"] == "n8n")["requires"] == ["postgres"]


def test_titles_follow_the_systems_language_or_the_setting(cli: CommandLine) -> None:
    assert "工作流自动化" in cli.call("catalog", "list", env={"LANG": "zh_CN.UTF-8"}).output
    assert cli.call("config", "set", "app.language", "zh").code == 0
    assert "工作流自动化" in cli.call("catalog", "list").output
    assert "端口" in cli.call("config", "set", "N8N_HOST_PORT", "x").errors


def test_the_modules_folder_of_the_home_is_a_catalog_folder(cli: CommandLine) -> None:
    folder = cli.home / "modules/mine"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {a: {image: 'i:1'}}\n", encoding="utf-8")
    assert "mine" in cli.call("catalog", "list").output


def test_a_broken_module_is_reported_on_stderr_and_the_others_are_listed(cli: CommandLine) -> None:
    folder = cli.home / "modules/broken"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: [\n", encoding="utf-8")
    done = cli.call("catalog", "list", "--json")
    assert done.code == 0
    assert json.loads(done.output)
    assert f"{folder}/compose.yaml:" in done.errors
    assert cli.call("catalog", "check", "--json").code == 1


def test_check_takes_a_file_and_refuses_a_place_without_modules(
    cli: CommandLine, tmp_path: Path
) -> None:
    assert (
        "1 module checked, 0 problems" in cli.call("catalog", "check", N8N / "compose.yaml").output
    )
    assert cli.call("catalog", "check", tmp_path).code == 2


def test_check_needs_no_settings_that_can_be_read(cli: CommandLine) -> None:
    write(cli.home / "modules", "mine", "services: {web: {image: 'i:1'}}\n")
    (cli.home / "settings.json").write_text('{"version": 99}', encoding="utf-8")
    done = cli.call("catalog", "check", cli.home / "modules/mine")
    assert done.code == 0, done.errors
    assert "settings.json: note: " in done.output


def test_show_masks_secrets_and_makes_none(cli: CommandLine) -> None:
    shown = json.loads(cli.call("catalog", "show", "n8n", "--json").output)
    values = {setting["address"]: setting["value"] for setting in shown["settings"]}
    assert values["n8n.N8N_HOST_PORT"] == "18100"
    assert values["n8n.N8N_ENCRYPTION_KEY"] == "********"
    assert shown["open"] == "http://localhost:18100"
    assert not (cli.home / "secrets.json").exists()


def test_show_contains_the_page_where_it_would_be(cli: CommandLine) -> None:
    for setting, value in (("N8N_HOST_PORT", "18199"), ("app.bind", "192.0.2.7")):
        assert cli.call("config", "set", setting, value).code == 0
    assert "\nopen:     http://192.0.2.7:18199\n" in cli.call("catalog", "show", "n8n").output


def test_catalog_show_lists_the_answers_of_a_choice(cli: CommandLine) -> None:
    lines = cli.call("catalog", "show", "minio").output.splitlines()
    (line,) = (line.split() for line in lines if line.startswith("minio.MINIO_SERVER"))
    assert line[:4] == ["minio.MINIO_SERVER", "choice:", "silo,", "rustfs"]
    shown = json.loads(cli.call("catalog", "show", "minio", "--json").output)
    choices = {setting["address"]: list(setting["choices"]) for setting in shown["settings"]}
    assert choices["minio.MINIO_SERVER"] == ["silo", "rustfs"]
    assert choices["minio.MINIO_HOST_PORT"] == []


def test_a_program_gets_help_and_choices_of_every_setting(cli: CommandLine) -> None:
    listed = json.loads(cli.call("config", "list", "--json").output)
    assert listed["app.language"]["choices"]["en"] == "English"
    assert "127.0.0.1 allows access" in listed["app.bind"]["help"]
    assert listed["n8n.N8N_HOST_PORT"]["title"] == "Port"


def test_show_contains_what_a_module_needs(cli: CommandLine) -> None:
    needs = "{memory: 1g, total_memory: 16g, sysctls: {vm.max_map_count: 262144}}"
    head = f"x-aiserver: {{kind: feature, needs: {needs}}}\n"
    write(cli.home / "modules", "big", head + "services: {a: {image: 'i:1'}}\n")
    shown = cli.call("catalog", "show", "big").output
    assert "\nneeds:    memory 1g, total_memory 16g, vm.max_map_count 262144\n" in shown
    assert json.loads(cli.call("catalog", "show", "big", "--json").output)["needs"] == {
        "memory": "1g",
        "total_memory": "16g",
        "sysctls": {"vm.max_map_count": 262144},
    }


def test_a_service_without_an_image_is_shown_as_built(cli: CommandLine) -> None:
    write(cli.home / "modules", "mine", "services: {a: {build: .}}\n")
    done = cli.call("catalog", "show", "mine")
    assert (done.code, done.errors) == (0, "")
    assert "(built)" in done.output


def test_config_prints_the_compose_form_with_secrets_from_the_file_only(
    cli: CommandLine, tmp_path: Path
) -> None:
    env = tmp_path / "values.env"
    env.write_text("N8N_DB_PASSWORD=given-by-file\nN8N_HOST_PORT=28100\n", encoding="utf-8")
    done = cli.call("catalog", "config", N8N, "--env-file", env, "--json")
    assert (done.code, done.errors) == (0, "")
    environment = json.loads(done.output)["services"]["n8n"]["environment"]
    assert environment["DB_POSTGRESDB_PASSWORD"] == "given-by-file"
    assert environment["N8N_ENCRYPTION_KEY"] == "********"
    assert environment["N8N_WEBHOOK_URL"] == "http://localhost:28100/"
    assert "name: n8n" in cli.call("catalog", "config", N8N).output


def test_config_never_reads_the_processs_environment(cli: CommandLine) -> None:
    done = cli.call("catalog", "config", N8N, "--json", env={"N8N_HOST_PORT": "1", "TZ": "Mars"})
    assert json.loads(done.output)["services"]["n8n"]["ports"][0]["published"] == "18100"


def test_a_secret_of_the_env_file_does_not_show_in_an_error(
    cli: CommandLine, tmp_path: Path
) -> None:
    folder = write(
        cli.home / "modules",
        "leaky",
        "x-aiserver: {kind: feature, settings: {PW: {type: secret, generate: hex32}}}\n"
        "services: {a: {image: 'i:1', ports: ['${PW}:80']}}\n",
    )
    env = tmp_path / "values.env"
    env.write_text("PW=s3cret-value-77\n", encoding="utf-8")
    done = cli.call("catalog", "config", folder, "--env-file", env)
    assert (done.code, done.output) == (1, "")
    assert "********:80" in done.errors
    assert "s3cret-value-77" not in done.errors


def test_settings_are_set_shown_and_unset(cli: CommandLine) -> None:
    assert cli.call("config", "get", "N8N_HOST_PORT").output == "18100\n"
    assert cli.call("config", "set", "N8N_HOST_PORT", "28100").code == 0
    assert cli.call("config", "get", "n8n.N8N_HOST_PORT").output == "28100\n"
    listed = json.loads(cli.call("config", "list", "--json").output)
    assert listed["n8n.N8N_HOST_PORT"]["value"] == "28100"
    assert listed["postgres.POSTGRES_PASSWORD"]["value"] == "********"
    assert cli.call("config", "unset", "N8N_HOST_PORT").code == 0
    assert cli.call("config", "get", "N8N_HOST_PORT").output == "18100\n"


def test_config_unset_removes_a_setting_that_no_module_declares(cli: CommandLine) -> None:
    assert cli.call("config", "set", "N8N_HOST_PORT", "28100").code == 0
    path = cli.home / "settings.json"
    raw = json.loads(path.read_bytes())
    raw["values"]["n8n.N8N_PROT"] = "1"
    path.write_text(json.dumps(raw), encoding="utf-8")
    done = cli.call("config", "unset", "n8n.N8N_PROT")
    assert (done.code, done.errors) == (
        0,
        ("Removed n8n.N8N_PROT. No module declares this setting\n"),
    )
    assert json.loads(path.read_bytes())["values"] == {"n8n.N8N_HOST_PORT": "28100"}
    assert cli.call("config", "unset", "n8n.N8N_PROT").code == 1


def test_a_secret_is_shown_only_when_asked_for_and_stays_the_same(cli: CommandLine) -> None:
    assert cli.call("config", "get", "N8N_ENCRYPTION_KEY").output == "********\n"
    first = cli.call("config", "get", "N8N_ENCRYPTION_KEY", "--show").output
    assert len(first.strip()) == 64
    assert cli.call("config", "get", "--show", "N8N_ENCRYPTION_KEY").output == first
    refused = cli.call("config", "set", "N8N_ENCRYPTION_KEY", "a-new-key-of-my-own")
    assert refused.code == 1
    assert refused.errors.startswith("E_SETTING: n8n.N8N_ENCRYPTION_KEY: ")
    assert "a-new-key" not in refused.errors
    everything = "".join(
        file.read_text(encoding="utf-8") for file in cli.home.rglob("*.json") if file.is_file()
    )
    assert first.strip() not in everything


def test_a_secret_can_be_given_on_standard_input(cli: CommandLine) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aiserver_tray", "config", "set", "REDIS_PASSWORD", "-"],
        input="from-a-pipe\n",
        env={"PATH": os.environ["PATH"], "AISERVER_HOME": str(cli.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "history" not in done.stderr
    assert cli.call("config", "get", "--show", "REDIS_PASSWORD").output == "from-a-pipe\n"


def test_a_secret_in_an_argument_is_stored_with_a_warning(cli: CommandLine) -> None:
    warned = cli.call("config", "set", "REDIS_PASSWORD", "seen-by-the-shell")
    assert (warned.code, warned.output) == (0, "")
    assert "history of your shell" in warned.errors
    assert warned.errors.endswith("run: aiserver-tray config set REDIS_PASSWORD -\n")
    assert "seen-by" not in warned.errors
    assert "history" not in cli.call("config", "set", "N8N_HOST_PORT", "28100").errors


@on_unix
def test_a_secret_is_asked_for_on_a_terminal(cli: CommandLine) -> None:
    with terminal("config", "set", "REDIS_PASSWORD", "-", "--home", str(cli.home)) as asked:
        asked.wait_for("REDIS_PASSWORD: ")
        asked.type("typed-by-hand\n")
        assert asked.end() == 0
    assert "typed-by-hand" not in asked.text
    assert "redis.REDIS_PASSWORD is now ********" in asked.text
    assert cli.call("config", "get", "--show", "REDIS_PASSWORD").output == "typed-by-hand\n"
    with terminal("config", "set", "NO_SUCH", "-", "--home", str(cli.home)) as refused:
        assert refused.end() == 1
    assert refused.text.startswith("E_UNKNOWN: ")


@on_unix
def test_a_catalogs_texts_can_do_nothing_to_a_terminal(cli: CommandLine) -> None:
    text = (
        "x-aiserver:\n"
        "  kind: feature\n"
        '  title: "Red \\e[31m\\nsecond\\u202E"\n'
        '  settings: {COLOUR: {default: "\\e[31m"}}\n'
        "services: {web: {image: 'i:1'}}\n"
    )
    write(cli.home / "modules", "evil", text)
    for words, seen in (
        (["catalog", "list"], "Red [31m second"),
        (["catalog", "show", "evil"], "Red [31m second"),
        (["config", "get", "evil.COLOUR"], "␛[31m"),
    ):
        with terminal(*words, "--home", str(cli.home)) as shown:
            assert shown.end() == 0
        assert not re.search("\x1b.31m|\u202e", shown.seen)
        assert seen in shown.seen
    listed = cli.call("catalog", "list", "--json").output
    assert "\u202e" not in listed


def test_a_wrong_stored_value_is_blamed_on_the_setting_not_on_the_file(cli: CommandLine) -> None:
    cli.call("config", "set", "N8N_HOST_PORT", "28100")
    settings = cli.home / "settings.json"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("28100", "zz"), encoding="utf-8"
    )
    done = cli.call("catalog", "show", "n8n")
    assert done.code == 1
    assert "E_SETTING: n8n.N8N_HOST_PORT: " in done.errors


def test_show_and_check_list_what_a_module_asks_for(cli: CommandLine) -> None:
    write(cli.home / "modules", "mine", "services: {web: {image: 'i:1', pid: host}}\n")
    wish = "share the pid namespace of this machine"
    listed = [
        {
            "kind": "namespace",
            "subject": "pid",
            "text": wish,
            "note": "",
            "services": ["web"],
            "isNew": False,
        }
    ]
    assert f"Needs your permission to:\n- {wish}\n" in cli.call("catalog", "show", "mine").output
    shown = json.loads(cli.call("catalog", "show", "mine", "--json").output)
    assert shown["permissions"] == listed
    checked = json.loads(cli.call("catalog", "check", "--json").output)
    assert checked["permissions"] == {"mine": listed}
    assert f"mine needs your permission to: {wish}" in cli.call("catalog", "check").output
    assert "ermission" not in cli.call("catalog", "show", "n8n").output
