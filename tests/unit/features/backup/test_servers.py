"""How dumps are told to be whole, and names of databases are quoted."""

from collections.abc import Generator, Iterator

import pytest

from aiserver_tray.base.errors import BackupError
from aiserver_tray.features.backup import mysql, postgres
from aiserver_tray.features.backup.servers import Dump, loader_of, not_dumped

TOKEN = b"0a1b"
WHOLE = b"head 0a1 sign and the rest 0a" + TOKEN


class Program:
    """Instead of a program in a container: its output, and its last words, which come at the end of
    its input."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.errors = ""

    def output(self) -> Generator[bytes, None, None]:
        yield from self._pieces

    def end_input(self) -> None:
        self.errors = "last words"


def dump_of(*pieces: bytes) -> Dump:
    return Dump(Program(*pieces), TOKEN, not_dumped("app"))  # type: ignore[arg-type]


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """*data* in pieces of each size."""
    for size in range(1, len(data) + 1):
        yield [data[at : at + size] for at in range(0, len(data), size)]


def test_a_dump_in_any_pieces_is_what_is_before_its_end() -> None:
    for pieces in cuts(WHOLE + b"000"):
        dump = dump_of(*pieces)
        dump.await_sign(b"sign")
        assert b"".join(dump) == WHOLE[: -len(TOKEN)]


@pytest.mark.parametrize("end", [b"", TOKEN, TOKEN + b"00", TOKEN + b"001", TOKEN + b"143"])
def test_a_dump_that_is_cut_or_whose_program_fails_ends_with_its_last_words(end: bytes) -> None:
    for pieces in cuts(b"head and some rows" + end):
        with pytest.raises(BackupError, match="app can't be backed up: last words"):
            b"".join(dump_of(*pieces))


NAME = "a\"b`c'd\\e_f%g"


def test_names_are_quoted_and_roles_named_as_each_server_takes_them() -> None:
    assert postgres.name(NAME) == '"a""b`c\'d\\e_f%g"'
    assert postgres.literal(NAME) == "'a\"b`c''d\\e_f%g'"
    assert postgres.conninfo(NAME) == "dbname='a\"b`c\\'d\\\\e_f%g'"
    assert mysql.name(NAME) == "`a\"b``c'd\\e_f%g`"
    assert mysql.literal(NAME) == "'a\"b`c''d\\\\e_f%g'"
    assert mysql.pattern("rag_flow%\\") == "`rag\\_flow\\%\\\\`"
    assert loader_of("app") != loader_of("app2")
    assert len(loader_of(1000 * "é")) <= 32
