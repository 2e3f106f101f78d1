"""The catalog is complete: every service has what it needs, or there is a reason why not."""

import catalog_table as table

CATALOG = table.load()
ROWS = {name: table.rows(CATALOG, module) for name, module in CATALOG.modules.items()}
EMPTY = [
    (name, row, column)
    for name, rows in ROWS.items()
    for row in rows
    for column in table.COLUMNS
    if not row.cells[column]
]


def test_the_whole_catalog_can_be_used() -> None:
    assert not CATALOG.problems


def test_no_cell_is_empty_without_a_reason() -> None:
    unexplained = [
        f"{name}/{row.service}: {column}"
        for name, row, column in EMPTY
        if not row.why_empty(column)
    ]
    assert not unexplained


def test_only_empty_cells_have_a_reason() -> None:
    assert not [
        f"{name}/{row.service}: {column}"
        for name, rows in ROWS.items()
        for row in rows
        for column in row.without
        if row.cells[column]
    ]


def test_the_table_is_what_the_files_say() -> None:
    assert table.README.read_text(encoding="utf-8") == table.document(), (
        "run: python3 build/dev.py exec -- python build/catalog_table.py"
    )
