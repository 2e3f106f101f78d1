"""Whatever stands in a Compose file, loading it either works or says where it is wrong."""

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.catalog.compose.load import load_outline, load_project
from aiserver_tray.catalog.compose.reader import parse_documents
from aiserver_tray.catalog.compose.variables import find_variables

ROOT = Path(__file__).parents[3]
SOURCES = sorted(
    [
        *(ROOT / "tests/oracle/corpus").glob("*.yaml"),
        *(ROOT / "orchestration").glob("*/*/compose.yaml"),
    ]
)
TEXTS = {source: source.read_text(encoding="utf-8") for source in SOURCES}

FRAGMENTS = (
    "${", "}", "${A:?", "${A:-${B:-", "$", "$$", "{{", "[", "]", "{", ": ", "- ", "\n", "\t", "  ",
    "&a ", "*a", "<<: *a", "!reset ", "!override ", "!!int ", "!x ", "? ", "| ", "'", '"', "#", "%",
    "\x00", "\x07", "\x85", "\u2028", "\ufeff", "\u202e", "𐍈", "é", "\udce9", "---\n", "...\n",
    "99999999999999999999999999", "-1", "1e999", ".inf", "0x", "08", "1:2:3", "null", "~", "yes",
    "2001-02-30", "[" * 300, "- " * 300, "{a: " * 300, "9" * 5000, "x: &x [*x]\n",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 5, 1.5, 1e308, 10**30, "", " ", "x", "${A:?}", "${B:-5}", "é\u202e", "a:b:c",
    "a=b", "0", "1h", "1g", "/x", "~", "../..", "service:x", "-" * 300, [], [None], [1, "x", {}],
    [["x"]], {}, {"": None}, {"x": None}, {"x": {"y": []}}, {"x-y": 1}, {"path": "nowhere.yaml"},
    [{"target": 1}], {"file": "nowhere.yaml", "service": "x"}, ["nowhere.yaml"],
)  # fmt: skip
USES = {
    "included": {"include": ["other.yaml"]},
    "extended": {"services": {"own": {"extends": {"file": "other.yaml", "service": "app"}}}},
}
DEEP: Any = "x"
for _ in range(150):
    DEEP = [DEEP]


CHANGES = ("delete", "delete", *["replace"] * 6, "rename", "deepen")


@st.composite
def textual(draw: st.DrawFn) -> bytes:
    """A real file with pieces of its text cut out, doubled, moved, or strange ones put in."""
    text = TEXTS[draw(st.sampled_from(SOURCES))]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        piece = draw(st.sampled_from(("", text[start:end] * 2, *FRAGMENTS)))
        text = text[:start] + piece + text[end if draw(st.booleans()) else start :]
    return text.encode("utf-8", errors="surrogateescape")


@st.composite
def structural(draw: st.DrawFn) -> bytes:
    """A real file in which keys are gone, renamed, or hold values of other types."""
    tree = copy.deepcopy(parse_documents(draw(st.sampled_from(SOURCES)))[0].tree)
    for _ in range(draw(st.integers(1, 3))):
        _mutate(draw, tree)
    return json.dumps(tree).encode()


def _mutate(draw: st.DrawFn, tree: dict[str, Any]) -> None:
    parent: Any = tree
    while True:
        key = draw(
            st.sampled_from(list(parent) if isinstance(parent, dict) else range(len(parent)))
        )
        child = parent[key]
        if not (isinstance(child, dict | list) and child) or draw(st.integers(0, 4)) == 0:
            break
        parent = child
    match draw(st.sampled_from(CHANGES)):
        case "delete" if len(parent) > 1:
            del parent[key]
        case "rename" if isinstance(parent, dict):
            parent[draw(st.sampled_from(("x", "x-y", "", "a.b", "<<", "é", "image")))] = child
        case "deepen":
            parent[key] = copy.deepcopy(DEEP)
        case _:
            parent[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad")


ROLES = ("alone", "override", "extended", "included")


@settings(
    max_examples=500,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(content=st.one_of(textual(), structural()), role=st.sampled_from(ROLES), data=st.data())
def test_any_file_loads_or_is_refused_with_its_places(
    content: bytes, role: str, data: st.DataObject, folder: Path
) -> None:
    main = folder / "compose.yaml"
    (folder / "compose.override.yaml").unlink(missing_ok=True)
    match role:
        case "override":
            main.write_text(TEXTS[data.draw(st.sampled_from(SOURCES))], encoding="utf-8")
            (folder / "compose.override.yaml").write_bytes(content)
        case "extended" | "included":
            main.write_text(json.dumps(USES[role]))
            (folder / "other.yaml").write_bytes(content)
        case _:
            main.write_bytes(content)
    try:
        find_variables(folder)
        project = load_project(folder, {"A": "", "TAG": "1"})
    except CatalogError as error:
        _check_problems(error, folder)
    else:
        json.dumps(project.to_compose(), allow_nan=False)


def _check_problems(error: CatalogError, folder: Path) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.place.file.is_relative_to(folder)
        assert problem.text.render("en").strip()
        assert problem.text.render("zh").strip()
        if problem.place.line is not None:
            # As str has it, not bytes: to YAML, too, U+0085 and U+2028 end a line.
            lines = problem.place.file.read_text(encoding="utf-8", errors="replace").splitlines()
            assert 1 <= problem.place.line <= len(lines) + 1
    json.dumps(error.data)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_bottomless_nesting_is_refused(opening: str, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("x-deep:\n  " + opening * 50_000)

    with pytest.raises(CatalogError, match="levels of nesting"):
        load_project(file, {})


ALIASES = {
    "by ten at each": "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    + "\n".join(f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)),
    "in each document": f"---\nx-a: &a [{'1, ' * 300}]\nx-b: [{'*a, ' * 300}]\n" * 2,
}


@pytest.mark.parametrize("text", ALIASES.values(), ids=ALIASES)
def test_aliases_that_multiply_are_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(text)

    with pytest.raises(CatalogError, match="aliases"):
        load_project(file, {})


def test_services_that_multiply_are_refused(tmp_path: Path) -> None:
    base = 'services: {b: {image: i, ports: ["1-20000:1-20000"]}}'
    (tmp_path / "base.yaml").write_text(base)
    one = "{extends: {file: base.yaml, service: b}}"
    file = tmp_path / "compose.yaml"
    file.write_text("services:\n" + "".join(f"  s{n}: {one}\n" for n in range(50)))

    with pytest.raises(CatalogError, match=r"services\.s\d+\.extends: .* 1000000 values"):
        load_project(file, {})


@pytest.mark.parametrize(
    "files",
    [
        {f"f{n}": f"include: [{', '.join([f'f{n + 1}.yaml'] * 10)}]" for n in range(20)},
        {"f0": f"include: [{'f1.yaml, ' * 50}]", "f1": f"x-a: [{'1, ' * 90_000}]"},
        {
            "f0": f"include: [{'f1.yaml, ' * 50}]",
            "f1": "services: {a: {extends: {file: f2.yaml, service: b}}}",
            "f2": f"x-a: [{'1, ' * 90_000}]\nservices: {{b: {{image: i}}}}",
        },
    ],
    ids=["by ten at each level", "of one large file", "that extend one large file"],
)
def test_includes_that_multiply_are_refused(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "f20.yaml").write_text("services: {a: {image: i}}")
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)

    with pytest.raises(CatalogError, match="1000000 values from included files"):
        load_outline(tmp_path / "f0.yaml", {})


@pytest.mark.parametrize(
    "use",
    [
        "include: [{path: f.yaml, env_file: large.env}]",
        "services: {a: {image: i, env_file: large.env}}",
        "services: {a: {image: i, label_file: large.env}}",
    ],
)
def test_env_files_that_multiply_are_refused(use: str, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("services: {f: {image: i}}")
    (tmp_path / "large.env").write_text("#" * 2**23)  # a comment, which is read fast

    def load(times: int) -> None:
        for n in range(times):
            (tmp_path / f"f{n}.yaml").write_text(use.replace("a:", f"a{n}:"))
        files = ", ".join(f"f{n}.yaml" for n in range(times))
        (tmp_path / "compose.yaml").write_text(f"include: [{files}]")
        load_project(tmp_path, {})

    load(8)
    with pytest.raises(CatalogError, match="at most 64 MiB together"):
        load(9)


@pytest.mark.parametrize(
    "source", SOURCES, ids=lambda source: f"{source.parent.name}/{source.name}"
)
def test_loading_leaves_the_documents_as_they_are(source: Path) -> None:
    documents = parse_documents(source)
    before = copy.deepcopy([document.tree for document in documents])

    for load in (load_project, load_outline):
        with suppress(CatalogError):  # of variables that have no value
            load(source, {})

    assert parse_documents(source) is documents
    assert [document.tree for document in documents] == before
