"""The status as rows and on a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.status_rows import rows
from aiserver_tray.cli.tables import status_table
from aiserver_tray.cli.words import PLAIN_SIGNS
from aiserver_tray.model import State
from aiserver_tray.state.encode import status_json
from aiserver_tray.state.progress import SIGNS, STATES
from aiserver_tray.state.views import EngineView, ModuleView, PortView, Snapshot
from tests.support.made import STACK_ABLE
from tests.unit.cli.modules import MODULE


def snapshot(*modules: ModuleView, state: State = "running") -> Snapshot:
    return Snapshot(EngineView(running=True, version="28.0"), state, modules, abilities=STACK_ABLE)


def cells(module: ModuleView) -> tuple[str, ...]:
    return rows(snapshot(module), "en")[0].cells


def printed(shown: Snapshot, width: int = 80, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(
        file=file, width=width, highlight=False, markup=False, legacy_windows=False, no_color=True
    )
    with console.capture() as capture:
        console.print(status_table(shown, "en", console))
    return capture.get()


def test_modules_stand_by_name_wherever_the_snapshot_comes_from() -> None:
    minio, mysql = (replace(MODULE, name=name, kind="basic") for name in ("minio", "mysql"))
    gone = replace(MODULE, name="dify", orphan=True)
    by_title = snapshot(mysql, MODULE, minio, gone)
    expected = ["minio", "mysql", "n8n", "dify"]
    assert [row.module for row in rows(by_title, "en")] == expected
    assert [module["name"] for module in status_json(by_title)["modules"]] == expected


def test_the_cells_of_a_module() -> None:
    assert cells(MODULE) == ("n8n", "running", "3/3", "http://localhost:18100", "-")
    ports = (
        PortView("n8n", "127.0.0.1", 15432, 5432, "tcp"),
        PortView("n8n", "::1", 53, 53, "udp"),
    )
    assert cells(replace(MODULE, open=None, ports=ports))[3] == "127.0.0.1:15432, [::1]:53/udp"
    stopped = replace(MODULE, state="stopped", ready=0, services=(), ports=())
    assert cells(stopped) == ("n8n", "stopped", "-", "-", "-")
    orphan = replace(MODULE, orphan=True)
    assert cells(orphan)[4] == "no longer in the catalog"
    assert cells(replace(orphan, reason=Text("was killed")))[4] == "was killed"


@pytest.mark.parametrize("width", [40, 50, 60, 70, 80, 120])
def test_the_table_fits_and_says_the_whole_reason_and_address(width: int) -> None:
    reason = Text("n8n: exited with code 137 since there was not enough memory for it")
    shown = printed(snapshot(replace(MODULE, state="error", reason=reason), state="error"), width)
    assert max(map(len, shown.splitlines())) <= width
    for word in str(reason).split():
        assert word in shown
    assert "✗ failed" in shown
    assert "http://localhost:18100" in printed(snapshot(MODULE), width)


def test_a_reason_can_not_move_the_cursor_and_an_old_console_gets_plain_signs() -> None:
    evil = Text("{check}", check="\x1b[2Jgone")
    assert "\x1b" not in printed(snapshot(replace(MODULE, reason=evil)))
    printed(snapshot(MODULE), encoding="cp437").encode("ascii")
    assert len(set(SIGNS.values())) == len(SIGNS) == len(STATES) == len(PLAIN_SIGNS)


def test_without_an_engine_the_reason_stands_instead_of_the_table() -> None:
    error = EngineDownError("unix:///x.sock", "refused")
    engine = EngineView(running=False, error=error)
    shown = printed(replace(snapshot(MODULE, state="engine_down"), engine=engine))
    assert "⊘ Docker is off" in shown
    assert "Start it, then try again." in " ".join(shown.split())
    assert "aiserver-tray doctor" in shown
    assert "n8n" not in shown
