"""What the official ``docker compose config`` refuses, we refuse, and say where."""

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.load import load_project
from tests.support.oracle import Case, OracleRefusal, cases, oracle_config

REFUSED = cases("refused")

MARK = "# here"
"""Ends the line of a file at which the problem has to be reported."""

WITHOUT_LINE = {"bad_name_env", "empty", "not_utf8", "only_comment"}
"""What is wrong with these stands on no line of a Compose file."""


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_oracle_refuses(case: Case) -> None:
    with pytest.raises(OracleRefusal):
        oracle_config(case)


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_refused_file_is_reported_with_its_place(case: Case) -> None:
    with pytest.raises(CatalogError) as refused:
        load_project(case.path, read_env_file(case.env_file) if case.env_file else {})
    for problem in refused.value.problems:
        assert problem.place.file.parent == case.folder
        assert problem.text.render("en")
        assert problem.text.render("zh")
    if str(case) not in WITHOUT_LINE:
        assert all(problem.place.line for problem in refused.value.problems), str(refused.value)
    assert _marked_lines(case) <= {problem.place.line for problem in refused.value.problems}


def _marked_lines(case: Case) -> set[int | None]:
    lines = case.path.read_bytes().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith(MARK.encode())}
