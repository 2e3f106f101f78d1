"""What is known of other processes."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from aiserver_tray.system.process import has_written, program_of


def ended() -> int:
    """The number of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_process_has_its_programs_name_and_one_that_ended_has_none() -> None:
    assert program_of(os.getpid()) == psutil.Process().name()
    assert program_of(ended()) is None


def test_only_a_process_that_runs_and_began_before_the_file_can_have_written_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    assert not has_written(os.getpid(), file)
    file.write_text("x")
    assert has_written(os.getpid(), file)
    assert not has_written(ended(), file)
    born = psutil.Process().create_time()
    os.utime(file, (born - 10, born - 10))
    assert not has_written(os.getpid(), file)
