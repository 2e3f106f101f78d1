"""How the command line takes its words, and what it writes where: usage, languages, streams."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.command_line import Tray, module_folder

ROOT = Path(__file__).parents[2]


def test_options_stand_before_or_after_the_command(tray: Tray, tmp_path: Path) -> None:
    folder = tmp_path / "more/extra"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {a: {image: 'i:1'}}\n", encoding="utf-8")
    for arguments in (
        ("--catalog", folder.parent, "catalog", "list"),
        ("catalog", "list", "--catalog", folder.parent),
    ):
        assert "extra" in tray(*arguments).stdout


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
    tray: Tray, arguments: tuple[str, ...], code: str
) -> None:
    done = tray(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{code}: ")
    assert "Traceback" not in done.stderr


def test_wrong_usage_ends_with_2(tray: Tray) -> None:
    for arguments in (("nonsense",), ("catalog", "list", "--nope"), ("catalog", "config")):
        done = tray(*arguments)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr


def test_without_a_desktop_the_applet_says_what_is_missing(tray: Tray) -> None:
    done = tray()

    assert done.returncode == 1
    assert done.stderr.startswith("E_NO_DESKTOP: ")
    assert "aiserver-tray serve" in done.stderr


CHINESE = {"LANG": "zh_CN.UTF-8"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("up", "n8n", "--all"), "请指定模块或 --all"),
        (("down", "--volumes"), "请用 --yes 确认"),
        (("logs", "--since", "yesterday"), "'yesterday' 既不是"),
        (("catalog", "check", ROOT / "docs"), "中没有模块"),
    ],
)
def test_wrong_usage_is_told_in_the_readers_language(
    tray: Tray, arguments: Sequence[object], told: str
) -> None:
    done = tray(*arguments, env=CHINESE)
    assert done.returncode == 2
    assert told in done.stderr
    assert tray("config", "set", "app.language", "en").returncode == 0
    assert told not in tray(*arguments, env=CHINESE).stderr


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
    tray: Tray, arguments: Sequence[str], heads: str
) -> None:
    lines = tray(*arguments, env=CHINESE).stdout.splitlines()
    assert heads.split() in [line.split() for line in lines]


def test_doctor_says_where_the_key_is_and_what_was_damaged(tray: Tray) -> None:
    tray("config", "set", "N8N_HOST_PORT", "28100")
    tray("config", "get", "--show", "N8N_DB_PASSWORD")
    checks = {c["name"]: c for c in json.loads(tray("doctor", "--json").stdout)["checks"]}
    assert checks["key"]["grade"] == "note"
    assert f"{tray.home}/secrets.key" in checks["key"]["message"]
    (tray.home / "settings.json").write_text("{ half", encoding="utf-8")
    done = tray("doctor", "--host", f"unix://{tray.home}/nothing.sock")
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")] == [
        f"PROBLEM  The Docker engine at unix://{tray.home}/nothing.sock does not answer "
        "(No such file or directory). Start it, then try again."
    ]
    assert "settings.json" in done.stdout + done.stderr
    assert tray("config", "get", "N8N_HOST_PORT").stdout == "28100\n"


def test_options_stand_between_the_words_of_a_command_too(tray: Tray, tmp_path: Path) -> None:
    done = tray("config", "--home", tmp_path / "other", "set", "N8N_HOST_PORT", "28100")
    assert done.returncode == 0
    assert tray("config", "get", "N8N_HOST_PORT").stdout == "18100\n"


def test_a_console_that_can_not_show_a_sign_gets_no_traceback(tray: Tray) -> None:
    environment = {"PYTHONIOENCODING": "cp1252", "LANG": "zh_CN.UTF-8"}
    done = tray("catalog", "list", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u5de5" in done.stdout


def test_json_stays_json_where_the_encoding_has_not_every_sign(tray: Tray) -> None:
    title = "Café 🚀 数据库"
    module_folder(
        tray,
        "cafe",
        f"x-aiserver: {{kind: feature, title: {title}}}\nservices: {{a: {{image: i}}}}",
    )
    for encoding in ("cp936", "cp1252", "ascii"):
        done = tray("catalog", "list", "--json", env={"PYTHONIOENCODING": encoding})
        assert (done.returncode, done.stderr) == (0, "")
        assert title in [row["title"] for row in json.loads(done.stdout)]


def test_a_reader_that_has_enough_is_no_error_to_tell(tray: Tray) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "aiserver_tray", "--home", tray.home, "catalog", "list"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_full_disk_behind_standard_output_is_told_in_a_line(tray: Tray) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "aiserver_tray", "catalog", "list"],
            env={"PATH": os.environ["PATH"], "AISERVER_HOME": str(tray.home)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_status_without_an_engine_is_one_document_and_needs_no_locks(tray: Tray) -> None:
    done = tray(
        "--host", "unix:///nowhere", "status", "--json", env={"XDG_RUNTIME_DIR": "/proc/nowhere"}
    )
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert (found["state"], found["engine"]) == ("engine_down", {"running": False, "version": None})


def test_why_there_is_no_engine_and_what_to_do_stands_where_it_fits(tray: Tray) -> None:
    asked = ("--host", "unix:///nowhere", "status")
    plain, as_json = tray(*asked), tray(*asked, "--json")
    why, next_ = plain.stdout.splitlines()
    assert why.startswith("The Docker engine at unix:///nowhere does not answer (")
    assert next_.endswith(": aiserver-tray --host unix:///nowhere doctor")
    assert (plain.stderr, as_json.stderr) == ("", plain.stdout)


def test_doctor_reports_a_settings_file_that_it_can_not_read(tray: Tray) -> None:
    tray("config", "set", "N8N_HOST_PORT", "28100")
    (tray.home / "settings.json").write_text('{"version": 99}', encoding="utf-8")
    done = tray("doctor")
    assert done.returncode == 1
    assert "PROBLEM" in done.stdout
    assert "settings.json" in done.stdout
    assert "Traceback" not in done.stderr


def test_who_only_looks_waits_for_nothing_else(tray: Tray) -> None:
    """What takes long to import, and is for those who change something or speak to a host."""
    others = ["aiserver_tray.control.client", "aiserver_tray.target.model"]
    others += ["aiserver_tray.logs.level", "difflib", "rich", "nacl"]
    code = (
        (
            "import sys\n"
            "from aiserver_tray.cli import main\n"
            "try:\n    main()\n"
            f"finally:\n    print({others} & sys.modules.keys())"
        )
        .replace("[", "{")
        .replace("]", "}")
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--home", tray.home, "--host", "unix:///nowhere", "status"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("host", ["tcp://[x", "tcp://[::1", "tcp://me:open-sesame@10.0.0.1:2375"])
def test_an_address_that_is_none_is_told_without_a_password(tray: Tray, host: str) -> None:
    for done in (tray("status", "--host", host), tray("config", "set", "app.engine", host)):
        assert done.returncode == 1
        assert done.stderr.startswith("E_SETTING: ")
        assert "Traceback" not in done.stderr
        assert "open-sesame" not in done.stderr


def test_no_folder_is_not_the_current_one(tray: Tray) -> None:
    done = tray("--home", "", "choose", "n8n")
    assert done.returncode == 2
    assert "a folder is needed" in done.stderr


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
    tray: Tray, closed: str, words: list[str]
) -> None:
    command = [sys.executable, "-m", "aiserver_tray", "--home", str(tray.home)]
    command += ["--host", "unix:///nowhere", *words]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr


def test_start_at_login_is_switched_by_a_command(tray: Tray, tmp_path: Path) -> None:
    env = {"DISPLAY": ":9", "XDG_CONFIG_HOME": str(tmp_path)}
    no, yes = "The applet does not start at login.\n", "The applet starts at login.\n"
    for word, said in (("", no), ("on", yes), ("", yes), ("on", yes), ("off", no), ("off", no)):
        assert tray("autostart", *word.split(), env=env).stdout == said, word
        assert len(list(tmp_path.glob("autostart/*"))) == (said == yes), word


def test_a_command_that_is_advised_means_the_same_installation(tray: Tray, tmp_path: Path) -> None:
    here, hive = tmp_path / "a b", tmp_path / "hive"
    hive.mkdir()
    asked = ("--catalog", hive, "config", "get", "n8n.PROT", "--home", here)
    advice = f"aiserver-tray --home '{here}' --catalog {hive} config list"
    assert advice in tray(*asked).stderr
    assert "aiserver-tray config list" in tray("config", "get", "n8n.PROT").stderr
