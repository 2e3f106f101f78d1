"""How the command line takes its words, and what it writes where: usage, languages, streams."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.systems import NOWHERE, RUNTIME, on_linux, on_unix
from tests.unit.module_folders import write

ROOT = Path(__file__).parents[2]


@pytest.mark.smoke
def test_options_stand_before_within_and_after_a_command(cli: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "more/extra"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {a: {image: 'i:1'}}\n", encoding="utf-8")
    for arguments in (
        ("--catalog", folder.parent, "catalog", "list"),
        ("catalog", "list", "--catalog", folder.parent),
    ):
        assert "extra" in cli.call(*arguments).output
    other = ("config", "--home", tmp_path / "other", "set", "N8N_HOST_PORT", "28100")
    assert cli.call(*other).code == 0
    assert cli.call("config", "get", "N8N_HOST_PORT").output == "18100\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("catalog", "show", "n9n"), "E_UNKNOWN"),
        (("config", "get", "NOTHING"), "E_UNKNOWN"),
        (("config", "set", "N8N_HOST_PORT", "70000"), "E_SETTING"),
        (("config", "set", "POSTGRES_PASSWORD", "change-me-POSTGRES_PASSWORD"), "E_SETTING"),
    ],
)
def test_a_refused_request_ends_with_1_and_its_code(
    cli: CommandLine, arguments: tuple[str, ...], code: str
) -> None:
    done = cli.call(*arguments)
    assert (done.code, done.output) == (1, "")
    assert done.errors.startswith(f"{code}: ")
    assert "Traceback" not in done.errors


def test_wrong_usage_ends_with_2(cli: CommandLine) -> None:
    for arguments in (("nonsense",), ("catalog", "list", "--nope"), ("catalog", "config")):
        done = cli.call(*arguments)
        assert done.code == 2, arguments
        assert "Traceback" not in done.errors


def test_without_a_desktop_the_applet_of_a_login_says_what_is_missing(cli: CommandLine) -> None:
    done = cli.call("--at-login")

    assert done.code == 1
    assert done.errors.startswith("E_NO_DESKTOP: ")
    assert "aiserver-tray serve" in done.errors


CHINESE = {"LANG": "zh_CN.UTF-8"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("up", "n8n", "--all"), "只能使用其一"),
        (("down", "--volumes"), "请用 --yes 确认"),
        (("logs", "--since", "yesterday"), "实际为 'yesterday'"),
        (("catalog", "check", ROOT / "docs"), "中没有找到模块"),
    ],
)
def test_wrong_usage_is_reported_in_the_readers_language(
    cli: CommandLine, arguments: Sequence[object], told: str
) -> None:
    done = cli.call(*arguments, env=CHINESE)
    assert done.code == 2
    assert told in done.errors
    assert cli.call("config", "set", "app.language", "en").code == 0
    assert told not in cli.call(*arguments, env=CHINESE).errors


@pytest.mark.parametrize(
    ("arguments", "heads"),
    [
        (("catalog", "list"), "名称 类别 依赖 说明"),
        (("catalog", "show", "n8n"), "设置项 类型 值 标题"),
        (("catalog", "show", "n8n"), "服务 镜像 端口"),
        (("config", "list"), "名称 值 类型 说明"),
    ],
)
def test_tables_have_their_heads_in_the_readers_language(
    cli: CommandLine, arguments: Sequence[str], heads: str
) -> None:
    lines = cli.call(*arguments, env=CHINESE).output.splitlines()
    assert heads.split() in [line.split() for line in lines]


def test_doctor_says_where_the_key_is_and_what_was_damaged(cli: CommandLine) -> None:
    cli.call("config", "set", "N8N_HOST_PORT", "28100")
    cli.call("config", "get", "--show", "N8N_DB_PASSWORD")
    checks = {c["name"]: c for c in json.loads(cli.call("doctor", "--json").output)["checks"]}
    assert checks["key"]["grade"] == "note"
    assert f"{cli.home}/secrets.key" in checks["key"]["message"]
    (cli.home / "settings.json").write_text("{ half", encoding="utf-8")
    done = cli.call("doctor", "--host", f"unix://{cli.home}/nothing.sock")
    assert done.code == 1
    assert [line for line in done.output.splitlines() if line.startswith("PROBLEM")] == [
        f"PROBLEM  The Docker engine at unix://{cli.home}/nothing.sock does not respond "
        "(No such file or directory). Start it, then try again."
    ]
    assert "settings.json" in done.output + done.errors
    assert cli.call("config", "get", "N8N_HOST_PORT").output == "28100\n"
    (cli.home / "settings.json").write_text('{"version": 99}', encoding="utf-8")
    done = cli.call("doctor")
    assert done.code == 1
    assert "PROBLEM" in done.output
    assert "settings.json" in done.output
    assert "Traceback" not in done.errors


def test_a_console_that_can_not_show_a_sign_gets_no_traceback(cli: CommandLine) -> None:
    environment = {"PYTHONIOENCODING": "cp1252", "LANG": "zh_CN.UTF-8"}
    done = cli.call("catalog", "list", env=environment)
    assert (done.code, done.errors) == (0, "")
    assert "\\u5de5" in done.output


def test_json_stays_json_where_the_encoding_has_not_every_sign(cli: CommandLine) -> None:
    title = "Café 🚀 数据库"
    write(
        cli.home / "modules",
        "cafe",
        f"x-aiserver: {{kind: feature, title: {title}}}\nservices: {{a: {{image: i}}}}",
    )
    for encoding in ("cp936", "cp1252", "ascii"):
        done = cli.call("catalog", "list", "--json", env={"PYTHONIOENCODING": encoding})
        assert (done.code, done.errors) == (0, "")
        assert title in [row["title"] for row in json.loads(done.output)]


def test_a_reader_that_has_enough_is_no_error_to_tell(cli: CommandLine) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "aiserver_tray", "--home", cli.home, "catalog", "list"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_full_disk_behind_standard_output_is_reported_in_a_line(cli: CommandLine) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "aiserver_tray", "catalog", "list"],
            env={"PATH": os.environ["PATH"], "AISERVER_HOME": str(cli.home)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_new_home_that_can_not_be_written_can_be_looked_at(tmp_path: Path) -> None:
    cli = CommandLine(NOWHERE, tmp_path, f"unix://{tmp_path}/none.sock")
    status = cli.run("status")
    assert (status.code, status.failures) == (0, [])
    assert "This home folder is new and can't be written" in status.errors
    assert cli.run("config", "get", "app.bind").succeeded().output == "127.0.0.1\n"
    cli.run("up", "redis").failed("E_SETTING", str(NOWHERE))


def test_status_without_an_engine_needs_no_locks_and_shows_reason_and_next_command(
    cli: CommandLine,
) -> None:
    asked = ("--host", "unix:///nowhere", "status")
    plain, as_json = cli.call(*asked), cli.call(*asked, "--json", env={RUNTIME: str(NOWHERE)})
    why, next_ = plain.output.splitlines()
    assert why.startswith("The Docker engine at unix:///nowhere does not respond (")
    assert next_.endswith(": aiserver-tray --engine unix:///nowhere doctor")
    assert (plain.errors, as_json.errors, as_json.code) == ("", plain.output, 0)
    found = json.loads(as_json.output)
    assert (found["state"], found["engine"]) == ("engine_down", {"running": False, "version": None})


def test_status_imports_nothing_that_is_slow(cli: CommandLine) -> None:
    """What takes long to import, and is for those who change something or speak to a host."""
    others = ["aiserver_tray.carriers.local.client", "aiserver_tray.spec.model"]
    others += ["aiserver_tray.features.logs.line", "difflib", "rich", "nacl"]
    assert _imported_by_status(cli) & {*others} == set()


def test_a_status_without_a_change_needs_no_models_and_no_catalog(cli: CommandLine) -> None:
    slow = {"pydantic", "yaml", "filelock", "aiserver_tray.settings.store"}
    assert _imported_by_status(cli) >= slow  # it makes the outlines
    unwanted = {*slow, "aiserver_tray.catalog.catalog", "docker", "requests"}
    assert _imported_by_status(cli) & unwanted == set()


WORK = """
import sys
from pathlib import Path
import aiserver_tray.core.core, aiserver_tray.operations.operation
from aiserver_tray.operations.kernel import Kernel
from aiserver_tray.settings.entries import OperationEntry
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home

for _ in range(2):  # new files, and then existing ones
    settings = Settings(Home(Path(sys.argv[1]), "home"))
    assert settings.installation_id and not settings.app.stop_unused_basics
    settings.journal.add(OperationEntry(operation="down", modules=("n8n",), pid=1))
    with settings.engines.update("ENGINE") as state:
        state.desired.append("n8n")
assert settings.engines.desired("ENGINE") == ["n8n", "n8n"]
print(*sys.modules)
"""


def test_operations_need_no_models_no_catalog_and_no_sdk_until_they_read_or_pull(
    tmp_path: Path,
) -> None:
    """`down` and `stop` never do, as long as nobody else has written the files of the home."""
    command = [sys.executable, "-c", WORK, str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    unwanted = {"pydantic", "pydantic_core", "yaml", "docker", "requests"}
    assert {*done.stdout.split()} & {*unwanted, "aiserver_tray.catalog.modules"} == set()


def _imported_by_status(cli: CommandLine) -> set[str]:
    """The modules that ``status`` without an owner and without an engine imports."""
    code = (
        "import sys\n"
        "from aiserver_tray.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--home", cli.home, "--host", "unix:///nowhere", "status"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {*done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("host", ["tcp://[x", "tcp://[::1", "tcp://me:open-sesame@10.0.0.1:2375"])
def test_an_address_that_is_none_is_reported_without_a_password(
    cli: CommandLine, host: str
) -> None:
    for done in (cli.call("status", "--host", host), cli.call("config", "set", "app.engine", host)):
        assert done.code == 1
        assert done.errors.startswith("E_SETTING: ")
        assert "Traceback" not in done.errors
        assert "open-sesame" not in done.errors


def test_no_folder_is_not_the_current_one(cli: CommandLine) -> None:
    done = cli.call("--home", "", "choose", "n8n")
    assert done.code == 2
    assert "expected a folder" in done.errors


@on_unix
@pytest.mark.parametrize(
    ("closed", "words"),
    [
        ("<&-", ["up", "n8n"]),
        ("<&-", ["down", "--volumes"]),
        ("<&-", ["config", "set", "app.language", "-"]),
        (">&-", ["status"]),
    ],
)
def test_a_closed_stream_is_no_reason_for_a_traceback(
    cli: CommandLine, closed: str, words: list[str]
) -> None:
    command = [sys.executable, "-m", "aiserver_tray", "--home", str(cli.home)]
    command += ["--host", "unix:///nowhere", *words]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr


@on_linux
def test_start_at_login_is_switched_by_a_command(cli: CommandLine, tmp_path: Path) -> None:
    env = {"DISPLAY": ":9", "XDG_CONFIG_HOME": str(tmp_path)}
    no, yes = "The applet does not start at login.\n", "The applet starts at login.\n"
    for word, said in (("", no), ("on", yes), ("", yes), ("on", yes), ("off", no), ("off", no)):
        assert cli.call("autostart", *word.split(), env=env).output == said, word
        assert len(list(tmp_path.glob("autostart/*"))) == (said == yes), word


def test_a_command_that_is_advised_means_the_same_installation(
    cli: CommandLine, tmp_path: Path
) -> None:
    here, hive = tmp_path / "a b", tmp_path / "hive"
    hive.mkdir()
    asked = ("--catalog", hive, "config", "get", "n8n.PROT", "--home", here)
    advice = f"aiserver-tray --home '{here}' --catalog {hive} config list"
    assert advice in cli.call(*asked).errors
    assert "aiserver-tray config list" in cli.call("config", "get", "n8n.PROT").errors
