"""Deletion of old lines, and of all lines of a module, in short steps, so that new lines are stored
meanwhile."""

import sqlite3

from aiserver_tray.core.logs.store import block, table
from aiserver_tray.core.logs.store.batches import Batches
from aiserver_tray.core.logs.store.database import transaction, used_bytes

DAY_NS = 24 * 3600 * 10**9
_STEP_BLOCKS = 10
_MARK_DAYS = 365
"""Marks of containers that were silent for so long are deleted."""


def delete_older(db: sqlite3.Connection, batches: Batches, before: int) -> bool:
    """Delete some blocks whose lines are all older than a time; whether there may be more."""
    condition = f"last < ? ORDER BY last LIMIT {_STEP_BLOCKS}"
    with transaction(db):
        old = [item.id for item in table.items(db, condition, (before,))]
        _delete(db, batches, old)
        if not old:
            db.execute('DELETE FROM gap WHERE "end" < ?', (before,))
            db.execute("DELETE FROM mark WHERE time < ?", (before - _MARK_DAYS * DAY_NS,))
    return bool(old)


def delete_oldest(db: sqlite3.Connection, batches: Batches, keep_bytes: int) -> bool:
    """Delete some of the oldest blocks if the file has more than *keep_bytes*; whether there may be
    more to delete."""
    with transaction(db):
        excess = used_bytes(db) - keep_bytes
        old = []
        for item in table.items(db, f"true ORDER BY last LIMIT {_STEP_BLOCKS}"):
            if excess <= 0:
                break
            old.append(item.id)
            excess -= item.size
        _delete(db, batches, old)
    return bool(old)


class ModuleDeletion:
    """Deletes the lines of a module."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._reached = 0
        """the last block that was changed; blocks that are made meanwhile come after it"""

    def step(self, db: sqlite3.Connection, batches: Batches) -> bool:
        """Delete the lines in some blocks; whether there may be more."""
        with transaction(db):
            found = db.execute("SELECT id FROM source WHERE module=?", (self._module,))
            sources = {source for (source,) in found}
            condition = f"id > ? ORDER BY id LIMIT {_STEP_BLOCKS}"
            items = list(table.items(db, condition, (self._reached,)))
            gone = [item.id for item in items if not _keep_others(db, item, sources)]
            _delete(db, batches, gone)
            db.execute("DELETE FROM gap WHERE module=?", (self._module,))
        if items:
            self._reached = items[-1].id
        return bool(items)


def _keep_others(db: sqlite3.Connection, item: table.Item, sources: set[int]) -> bool:
    """Delete the lines of *sources* in a block; whether it has others."""
    tags, _ = item.head.counts()
    kept = {tag for tag in tags if block.source_of(tag) not in sources}
    if 0 < len(kept) < len(tags):
        try:
            rows = table.rows(db, item)
        except block.UnpackError:
            return False  # nobody can read the others either
        others = [row for row, tag in enumerate(rows.tags) if tag in kept]
        table.replace(db, item, block.encode(rows.picked(others)))
    return bool(kept)


def _delete(db: sqlite3.Connection, batches: Batches, ids: list[int]) -> None:
    if ids:
        table.store_next_number(db, batches.next)
        table.delete(db, ids)
        batches.refresh()
