from typing import Any

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.interpolate import interpolate
from aiserver_tray.catalog.compose.keypath import KeyPath


def filled(tree: dict[str, Any], **env: str) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    problems: dict[KeyPath, str] = {}

    def report(path: KeyPath, text: Text) -> None:
        problems[path] = text.render()

    return interpolate(tree, env.get, report), problems


def test_items_of_lists_are_reached_and_keys_are_left_alone() -> None:
    tree = {"services": {"$V": {"ports": [{"target": "$V"}, "$V:1"]}}, "x-y": ["$V", 1, None]}

    assert filled(tree, V="8")[0] == {
        "services": {"$V": {"ports": [{"target": 8}, "8:1"]}},
        "x-y": ["8", 1, None],
    }


def test_the_tree_given_stays_as_it_is() -> None:
    tree = {"a": ["$V"]}

    filled(tree, V="8")

    assert tree == {"a": ["$V"]}


def test_every_problem_is_reported_at_its_path() -> None:
    tree = {"services": {"a": {"cpus": "x", "scale": "1.5", "init": "2", "image": ["${"]}}}

    _, problems = filled(tree)

    assert problems[("services", "a", "cpus")] == "expected a number, found 'x'"
    assert problems[("services", "a", "scale")] == "expected a whole number, found '1.5'"
    assert problems[("services", "a", "init")] == "expected true or false, found '2'"
    assert "variable such as ${NAME}" in problems[("services", "a", "image", 0)]
