"""What the page of the JSON forms tells by hand, against the code. `build/dev.py check` compares
the tables that are generated."""

from typing import get_args

from aiserver_tray import model
from tests.unit.pages import names, sections

PAGE = sections("docs/json.md")


def test_the_page_has_every_state_and_every_kind_of_step() -> None:
    states = [(name, "service" in row[1]) for row in PAGE["States"] for name in names(row[0])]
    shown = [(state, False) for state in get_args(model.State)]
    engines = [(state, True) for state in (*get_args(model.ContainerStatus), "absent")]
    assert states == shown + engines
    steps = [name for row in PAGE["Kinds of steps"] for name in names(row[0])]
    assert sorted(steps) == sorted(get_args(model.StepKind))
