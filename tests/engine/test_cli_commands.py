"""The command line on a real engine: what it prints where, and how it ends."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import docker
import pytest

from tests.engine.waiting import logged
from tests.lab.fixtures import borrowed, have_image
from tests.lab.place import Place
from tests.support.command_line import LIMIT, CommandLine
from tests.support.forwarding import forwarded
from tests.support.stack import IMAGE, Service, service, write
from tests.support.terminal import terminal


def talking(*lines: str) -> Service:
    """A service that writes *lines*, then stays."""
    # The shell's own printf, so that an escape may stand in a line.
    writes = "; ".join(f"printf '%b\\n' '{line}'; sleep 0.01" for line in lines)
    script = f"trap 'exit 0' TERM; {writes}; while :; do sleep 60 & wait $$!; done"
    return {"image": IMAGE, "command": ["sh", "-c", script], "volumes": []}


@pytest.fixture
def cli(lab: Place, engine: docker.DockerClient, tmp_path: Path) -> CommandLine:
    """A new installation with the modules web (on base) and talk."""
    have_image(engine, IMAGE)
    return installed(lab, tmp_path)


def installed(lab: Place, folder: Path) -> CommandLine:
    """A new installation in *folder* with the modules web (on base) and talk."""
    catalog = folder / "catalog"
    write(catalog, "base", {"base": service(volume="data")}, kind="basic")
    write(catalog, "web", {"api": service(), "web": service("api")},
          kind="feature", requires=["base"])  # fmt: skip
    write(catalog, "talk", {
        "one": talking("INFO: first", "ERROR: lost", "  at line 1", "\\033[2J\\033[31mred"),
        "two": talking("debug: quiet", "[warn] slow"),
    }, kind="feature")  # fmt: skip
    return CommandLine(folder / "home", catalog, lab.host)


# -- operations ----------------------------------------------------------------------------------


@pytest.mark.smoke
def test_up_shows_each_step_on_stderr_and_its_result_as_json(cli: CommandLine) -> None:
    done = cli.run("up", "web", "--json").succeeded()
    result = json.loads(done.output)
    assert (result["success"], result["code"], result["status"]) == (True, None, "succeeded")
    assert [module["name"] for module in result["modules"]] == ["web"]
    assert result["modules"][0]["state"] == "running"
    for line in ("base: ready (", "web/api: created", "web/api: started", "web: ready ("):
        assert line in done.errors
    assert done.errors.index("web/api: ready") < done.errors.index("web: starting")
    assert "\x1b" not in done.errors
    assert re.search(r"^web is running \(\d+\.\d s\)$", done.errors, re.MULTILINE)


def test_without_json_stdout_is_empty_and_nothing_to_do_is_a_success(cli: CommandLine) -> None:
    assert cli.run("up", "base").succeeded().output == ""
    again = cli.run("up", "base").succeeded()
    assert again.output == ""
    assert re.fullmatch(r"base is running \(\d+\.\d s\)\n", again.errors)
    assert "Stopped: base" in cli.run("stop").succeeded().errors
    assert "There is nothing to do." in cli.run("stop").succeeded().errors


def test_up_goes_on_when_its_output_is_closed(cli: CommandLine) -> None:
    with cli.started("up", "web") as running:
        assert running.process.stderr
        assert running.process.stderr.readline()
        running.process.stderr.close()
        assert running.process.wait(LIMIT) == 0
    assert cli.module("web")["state"] == "running"


def test_a_dry_run_prints_the_plan_and_does_nothing(
    cli: CommandLine, engine: docker.DockerClient
) -> None:
    plan = cli.run("up", "web", "--dry-run").succeeded().output.splitlines()
    assert plan[0].split() == ["STEP", "OBJECT", "MODULE"]
    rows = [re.split(r"  +", line) for line in plan[1:]]
    assert ["create volume", "ai-base-data", "base"] in rows
    assert rows[-1] == ["wait until ready", "ai-web", "web"]
    steps = json.loads(cli.run("up", "web", "--dry-run", "--json").succeeded().output)
    assert [step["subject"] for step in steps if step["kind"] == "start"] == [
        "ai-base", "ai-web-api", "ai-web",
    ]  # fmt: skip
    assert engine.containers.list(all=True) == []


def test_a_refused_request_is_json_too(cli: CommandLine) -> None:
    cli.run("up", "web").succeeded()
    done = cli.run("stop", "base", "--json").failed("E_IN_USE", "web")
    result = json.loads(done.output)
    assert (result["success"], result["code"], result["data"]["users"]) == (
        False, "E_IN_USE", ["web"],
    )  # fmt: skip
    assert "--cascade" in result["message"]
    cli.run("stop", "base", "--cascade").succeeded()
    assert cli.status()["state"] == "stopped"


def test_volumes_are_removed_only_when_confirmed(
    cli: CommandLine, engine: docker.DockerClient
) -> None:
    cli.run("up", "base").succeeded()
    refused = cli.run("down", "--volumes")
    assert refused.code == 2
    assert "--yes" in refused.errors
    assert cli.module("base")["state"] == "running"
    with terminal("down", "--volumes", *cli.options) as asked:
        asked.wait_for("Remove them? [y/N]: ")
        assert "ai-base-data" in asked.text
        asked.type("n\n")
        assert asked.end() == 130
    assert cli.module("base")["state"] == "running"
    with terminal("down", "--volumes", *cli.options) as asked:
        asked.wait_for("Remove them? [y/N]: ")
        write(cli.catalog, "late", {"late": service(volume="data")})
        cli.run("up", "late").succeeded()
        asked.type("y\n")
        assert asked.end() == 0
    assert engine.containers.list(all=True) == []
    late = [volume.name for volume in engine.volumes.list()]
    assert late == ["ai-late-data"], "what came after the question is not removed with the answer"
    cli.run("down", "--volumes", "--yes").succeeded()
    assert engine.volumes.list() == []


def test_names_and_all_together_are_wrong_usage(cli: CommandLine) -> None:
    assert cli.run("up", "web", "--all").code == 2
    assert cli.run("restart").code == 2


def test_up_without_a_name_means_the_chosen_modules(cli: CommandLine) -> None:
    cli.run("choose", "talk").succeeded()
    assert cli.run("choose").output == "talk\n"
    assert json.loads(cli.run("choose", "--json").output) == {"chosen": ["talk"]}
    plan = json.loads(cli.run("up", "--dry-run", "--json").output)
    assert {step["module"] for step in plan} == {"talk"}
    cli.run("choose", "tolk").failed("E_UNKNOWN", "talk")
    assert cli.run("choose").output == "talk\n"


# -- on a terminal -------------------------------------------------------------------------------


def test_on_a_terminal_progress_is_live_and_ends_in_a_summary(cli: CommandLine) -> None:
    with terminal("up", "web", *cli.options) as shown:
        shown.wait_for("not ready yet")
        assert "Starting web" in shown.text
        assert shown.end() == 0
        assert "\x1b[32m" in shown.seen, "no colours"
        assert shown.seen.rstrip().endswith(" s)")
        assert "\x1b[?25h" in shown.seen, "the cursor stayed hidden"
        assert "web is running (" in shown.text
    with terminal("status", *cli.options, NO_COLOR="1") as plain:
        assert plain.end() == 0
        assert "● running" in plain.text
        assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain.seen), "colours in spite of NO_COLOR"


def test_ctrl_c_cancels(cli: CommandLine) -> None:
    with terminal("up", "web", *cli.options) as shown:
        shown.wait_for("not ready yet")
        shown.type("\x03")
        assert shown.end() == 130
        assert "E_CANCELLED" in shown.text
        assert "Traceback" not in shown.text
    cli.run("up", "web").succeeded()


# -- status --------------------------------------------------------------------------------------


def test_watching_shows_each_change_until_ctrl_c(
    cli: CommandLine, engine: docker.DockerClient
) -> None:
    cli.run("up", "base").succeeded()
    with cli.started("status", "--watch", "--json") as watching:
        lines = watching.process.stdout
        assert lines is not None
        assert json.loads(lines.readline())["state"] == "running"
        engine.containers.get("ai-base").pause()
        states = []
        while "error" not in states:
            states.append(json.loads(lines.readline())["state"])
        watching.interrupt()
        assert watching.wait().code == 130
    with cli.started("status", "--watch") as plain:
        assert plain.process.stdout is not None
        # One line for each module of the catalog.
        assert any(line.startswith("base  failed  0/1") for line in plain.process.stdout)
        plain.interrupt()
        assert plain.wait().code == 130


def test_status_without_an_engine_says_why_and_is_no_failure(cli: CommandLine) -> None:
    lost = CommandLine(cli.home, cli.catalog, "unix:///nowhere/docker.sock")
    done = lost.run("status").succeeded()
    assert "/nowhere/docker.sock does not respond" in done.output
    assert lost.status()["state"] == "engine_down"
    assert lost.status()["engine"] == {"running": False, "version": None}
    lost.run("logs").failed("E_ENGINE_DOWN")
    lost.run("exec", "base").failed("E_ENGINE_DOWN")


# -- logs and exec -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def talk(lab: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """An installation with talk running and everything said, for all tests of logs."""
    with borrowed(lab) as client:
        have_image(client, IMAGE)
        cli = installed(lab, tmp_path_factory.mktemp("talk"))
        cli.run("up", "talk").succeeded()
        logged(client.containers.get("ai-talk-one"), "red")
        logged(client.containers.get("ai-talk-two"), "slow")
        yield cli


def test_logs_are_merged_by_time_with_the_service_before_each_line(talk: CommandLine) -> None:
    entries = [json.loads(line) for line in talk.run("logs", "talk", "--json").output.splitlines()]
    times = [datetime.fromisoformat(entry["time"]) for entry in entries]
    assert times == sorted(times)
    assert [(e["service"], e["level"]) for e in entries if e["service"] == "two"] == [
        ("two", "debug"), ("two", "warn"),
    ]  # fmt: skip
    lines = talk.run("logs", "talk").succeeded().output.splitlines()
    assert "talk/two | [warn] slow" in lines
    assert len(lines) == len(entries) == 6


def test_logs_can_be_narrowed(talk: CommandLine) -> None:
    def messages(*words: str) -> list[str]:
        output = talk.run("logs", "talk", "--json", *words).succeeded().output
        return sorted(json.loads(line)["message"] for line in output.splitlines())

    assert messages("--level", "error") == ["  at line 1", "ERROR: lost"]
    assert messages("--level", "warn") == ["  at line 1", "ERROR: lost", "[warn] slow"]
    assert messages("--tail", "1") == ["\x1b[2J\x1b[31mred", "[warn] slow"]
    assert messages("--since", "2099-01-01") == []
    assert len(messages("--since", "10m")) == 6
    assert talk.run("logs", "--since", "soon").code == 2
    talk.run("logs", "nothing").failed("E_UNKNOWN")


def test_on_a_terminal_a_log_can_not_move_the_cursor(talk: CommandLine) -> None:
    with terminal("logs", "talk", *talk.options) as shown:
        assert shown.end() == 0
        assert "\x1b[2J" not in shown.seen
        assert "␛[2J\x1b[31mred" in shown.seen
    assert "\x1b[2J" in talk.run("logs", "talk").output, "elsewhere lines stay as they are"


def test_following_goes_on_with_what_starts_again_and_ends_with_the_last(
    talk: CommandLine, engine: docker.DockerClient
) -> None:
    with talk.started("logs", "talk", "-f") as following:
        assert following.process.stdout is not None
        first = [following.process.stdout.readline() for _ in range(6)]
        assert sum("first" in line for line in first) == 1
        engine.containers.get("ai-talk-one").restart()
        again = [following.process.stdout.readline() for _ in range(4)]
        assert [line.split(" | ")[1] for line in again] == [
            "INFO: first\n", "ERROR: lost\n", "  at line 1\n", "\x1b[2J\x1b[31mred\n",
        ]  # fmt: skip
        talk.run("down").succeeded()  # so this is the last test of it
        done = following.wait()
        assert (done.code, done.output, done.errors) == (0, "", "")


def test_exec_passes_input_and_status_and_is_a_shell_without_a_command(cli: CommandLine) -> None:
    cli.run("up", "base").succeeded()
    done = subprocess.run(
        [sys.executable, "-m", "aiserver_tray", *cli.options, "exec", "base",
         "sh", "-c", "cat; echo no >&2; exit 7"],
        input="yes\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (7, "yes\n", "no\n")
    cli.run("exec", "base/other").failed("E_UNKNOWN", "base/base")
    a_shell_runs_on_the_terminal(cli)
    cli.run("stop").succeeded()
    cli.run("exec", "base", "true").failed("E_EXITED", cli.advice("up base"))


def a_shell_runs_on_the_terminal(cli: CommandLine) -> None:
    """See what `exec` without a command is."""
    with terminal(*cli.options, "exec", "base") as shell:
        shell.wait_for("# ")  # what is typed before belongs to nobody
        shell.type("stty size; exit 3\n")
        assert shell.end() == 3
        assert "24 80" in shell.text


# -- doctor --------------------------------------------------------------------------------------


def test_the_doctor_finds_a_port_that_a_process_has(cli: CommandLine) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        write(cli.catalog, "web", {"web": service(ports=[f"{port}:80"])}, kind="feature")
        cli.run("choose", "web").succeeded()
        done = cli.run("doctor", "--json")
        assert done.code == 1
        checks = json.loads(done.output)["checks"]
        problems = [check for check in checks if check["grade"] == "problem"]
        assert [problem["name"] for problem in problems] == ["ports"]
        assert str(port) in problems[0]["message"]
    healthy = cli.run("doctor").succeeded()
    assert f"The Docker engine at {cli.host} responds: version " in healthy.output
    assert "PROBLEM" not in healthy.output


def test_doctor_of_another_machine_reports_only_its_engine(
    cli: CommandLine, lab: Place, engine: docker.DockerClient
) -> None:
    cli.run("choose", "web").succeeded()
    gateway = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    with forwarded(lab, gateway) as host:
        far = CommandLine(cli.home, cli.catalog, host).run("doctor", "--json")
    near = cli.run("doctor", "--json")
    seen = [{check["name"] for check in json.loads(run.output)["checks"]} for run in (near, far)]
    assert {"engine", "memory", "names"} <= seen[1]
    assert seen[0] - seen[1] == {"disk", "ports", "resources"}


def test_the_doctor_reports_another_installation(cli: CommandLine) -> None:
    cli.run("up", "base").succeeded()
    other = CommandLine(cli.home.parent / "other", cli.catalog, cli.host)
    other.run("choose", "base").succeeded()
    done = other.run("doctor")
    assert done.code == 1
    assert "ai-base" in done.output
    told = re.search(r"^NOTE +Another installation of AI-Server Tray.*", done.output, re.MULTILINE)
    assert told
    assert str(cli.home) in told[0]
