"""What is told of a DuckDB file from its bytes: a healthy one is never refused, a cut or foreign one always is."""

import os
import random
import sqlite3
import struct
from pathlib import Path

import duckdb
import pytest

from renewable.warehouse_file import checksum, fault_of_file, look_through

pytestmark = pytest.mark.unit

HEADER = 4096


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A DuckDB file whose last block is in use."""
    path = tmp_path_factory.mktemp("database") / "some.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table numbers as select range as number, hash(range) as mixed from range(300000)"
        )
    return path.read_bytes()


@pytest.mark.parametrize("seed", range(3))
def test_a_healthy_database_is_never_refused(tmp_path: Path, seed: int) -> None:
    """Whatever was inserted, deleted, checkpointed or is still in the write-ahead log; also with blocks given back."""
    chance, path, tables = random.Random(seed), tmp_path / "some.duckdb", 0
    connection = duckdb.connect(str(path))
    for _ in range(40):
        present = [name for (name,) in connection.execute("show tables").fetchall()]
        match chance.randrange(5):
            case 0 | 1:
                tables += 1
                rows = chance.choice([10, 5_000, 150_000])
                connection.execute(
                    f"create table t{tables} as select range as n, random() as r from range({rows})"
                )
            case 2 if present:
                connection.execute(f"drop table {chance.choice(present)}")
            case 3 if present:
                connection.execute(f"delete from {chance.choice(present)} where n % 2 = 0")
            case _:
                connection.execute("checkpoint")
        assert fault_of_file(path) is None
    connection.close()
    assert look_through(path) is None
    connection = duckdb.connect(str(path))
    size = path.stat().st_size
    for (name,) in connection.execute("show tables").fetchall():
        connection.execute(f"drop table {name}")
    connection.execute("checkpoint")
    assert path.stat().st_size < size, "blocks at the end are given back"
    assert fault_of_file(path) is None
    connection.close()
    assert fault_of_file(path) is None


@pytest.mark.parametrize("kept", [0, 1, 100, HEADER, 3 * HEADER - 1, 3 * HEADER, 0.5, -(1 << 18), -1])
def test_a_cut_database_is_told_from_a_whole_one(tmp_path: Path, database: bytes, kept: float) -> None:
    path = tmp_path / "some.duckdb"
    path.write_bytes(database[: int(kept * len(database)) if kept == 0.5 else int(kept)])
    before = path.read_bytes()
    assert ("damaged" if kept != 1 else "is no DuckDB database") in (fault_of_file(path) or "")
    assert path.read_bytes() == before


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    sqlite, pipe, link = tmp_path / "sqlite", tmp_path / "pipe", tmp_path / "link"
    with sqlite3.connect(sqlite) as other:
        other.execute("create table t (i int)")
    other.close()
    os.mkfifo(pipe)
    link.symlink_to("/nowhere/renewable.duckdb")
    for name, content in {"text": b"hello\n" * 5000, "short": b"hello", "parquet": b"PAR1" * 5000}.items():
        (tmp_path / name).write_bytes(content)
    said = {
        sqlite: "is an SQLite database",
        pipe: "no regular file",
        link: "is a link to /nowhere/renewable.duckdb",
        tmp_path: "is a folder",
        tmp_path / "text": "is no DuckDB database",
        tmp_path / "short": "is no DuckDB database",
        tmp_path / "parquet": "is a Parquet file",
    }
    for path, what in said.items():
        fault = fault_of_file(path) or ""
        assert fault.startswith(f"{path} {what}") or what in fault, fault
        assert "\n" not in fault
    assert fault_of_file(tmp_path / "nothing") is None, "the next load makes it"


@pytest.mark.parametrize("summed", [True, False], ids=["its checksum", "another checksum"])
@pytest.mark.parametrize(
    ("at", "headers"), [(12, [0]), (56, [1, 2])], ids=["main header", "database headers"]
)
def test_a_newer_storage_version_is_told(
    tmp_path: Path, database: bytes, at: int, headers: list[int], summed: bool
) -> None:
    content = bytearray(database)
    for header in headers:
        start = header * HEADER
        struct.pack_into("<Q", content, start + at, 1_234)
        if summed:
            struct.pack_into("<Q", content, start, checksum(bytes(content[start + 8 : start + HEADER])))
    path = tmp_path / "some.duckdb"
    path.write_bytes(content)
    assert "newer software: its storage version is 1234" in (fault_of_file(path) or "")


@pytest.mark.parametrize("version", ["v1.0.0", "v1.4.0", "latest"])
def test_every_storage_version_that_this_duckdb_writes_is_read(tmp_path: Path, version: str) -> None:
    path = tmp_path / "some.duckdb"
    with duckdb.connect(str(path), config={"storage_compatibility_version": version}) as connection:
        connection.execute("create table numbers as from range(1000)")
    assert fault_of_file(path) is None


@pytest.mark.parametrize("header", [0, 1])
def test_a_flipped_byte_in_a_header_that_counts_is_told(tmp_path: Path, database: bytes, header: int) -> None:
    content = bytearray(database)
    for start in [0] if header == 0 else [HEADER, 2 * HEADER]:
        content[start + 3000] ^= 1
    path = tmp_path / "some.duckdb"
    path.write_bytes(content)
    assert "damaged: the checksums of its headers" in (fault_of_file(path) or "")


def test_a_flipped_byte_in_any_block_is_told(tmp_path: Path, database: bytes) -> None:
    path, block_bytes = tmp_path / "some.duckdb", 1 << 18
    path.write_bytes(database)
    assert look_through(path) is None
    for at in range(3 * HEADER, len(database), block_bytes):
        content = bytearray(database)
        content[at + block_bytes // 2] ^= 1
        path.write_bytes(content)
        fault = look_through(path)
        assert fault and f"block {(at - 3 * HEADER) // block_bytes} " in fault.what
