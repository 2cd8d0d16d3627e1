"""What can be told of a DuckDB file from its bytes alone: is it one, is it whole, can this DuckDB read it.

Nothing here opens the database, so a lock of another program does not matter, nothing is tried that the file might
ask for (DuckDB wants to install an extension for an SQLite file), and a pipe cannot make it wait. What the database
holds is the matter of `renewable.warehouse`.

Layout, all numbers 8 bytes, little-endian: a main header and two database headers of 4096 bytes each, then blocks.
Each header begins with its checksum. The main header goes on with DUCK, the storage version, four flags and the
version of DuckDB that made the file. A database header goes on with iteration, catalogue, free list, number of blocks,
size of a block, vector size, storage version; the one with the higher iteration counts.
"""

import os
import stat
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import duckdb
import polars as pl

_HEADER_BYTES, _HEADERS = 4096, 3
_BLOCKS_FROM = _HEADERS * _HEADER_BYTES
_MAGIC_AT, _MAGIC = 8, b"DUCK"
_VERSION_AT, _FLAGS_AT, _MADE_BY_AT, _MADE_BY_BYTES = 12, 20, 52, 32
_ENCRYPTED = 1
# The main header holds this since the storage version moved to the database headers.
_SEE_DATABASE_HEADER = 999
_KNOWN_STORAGE = 69
_NOWHERE = (1 << 64) - 1
_BLOCK_ID = (1 << 56) - 1
_PARTS_OF_A_BLOCK = 64
_WORD = struct.Struct("<Q")
# Products of whole words keep their lowest 64 bits, in Polars as in DuckDB.
_FACTOR = pl.Series([0xBF58476D1CE4E5B9], dtype=pl.UInt64)
_SQLITE, _PARQUET = b"SQLite format 3\0", b"PAR1"

_MOVE = "Move it away, or name another file with RENEWABLE_WAREHOUSE"
_MEND = (
    "Put a backup in its place with `renewable restore`, or delete it and run `renewable ingest`, which loads all"
    " raw files"
)
_UPDATE = "Update the software, or put a backup that fits it in its place with `renewable restore`"


@dataclass(frozen=True)
class FileFault:
    """Why a file cannot be the warehouse. `what` names the file; both are one line."""

    what: str
    next_step: str

    @property
    def sentence(self) -> str:
        return f"{self.what}. {self.next_step}"


@dataclass(frozen=True)
class _DatabaseHeader:
    iteration: int
    free_list: int
    blocks: int
    block_bytes: int
    storage: int


def fault_of_file(path: Path) -> str | None:
    """Why `path` cannot be the warehouse, with the next step, in one line; None when nothing speaks against it.

    A path where nothing lies is no fault: the next load makes the file.
    """
    fault = look_at(path)
    return None if fault is None else fault.sentence


def look_at(path: Path) -> FileFault | None:
    """As `fault_of_file`, with fault and next step apart."""
    try:
        status = path.stat()
    except FileNotFoundError:
        if not path.is_symlink():
            return None
        return FileFault(
            f"{path} is a link to {path.readlink()}, where nothing lies",
            "Is the disk mounted? Else remove the link",
        )
    except OSError as error:
        return FileFault(f"{path} cannot be looked at: {error.strerror}", "RENEWABLE_WAREHOUSE names it")
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        return FileFault(f"{path} is {kind}, no warehouse of this pipeline", _MOVE)
    try:
        with path.open("rb") as file:
            return _fault_of_content(path, file)
    except OSError as error:
        return FileFault(
            f"{path} cannot be read: {error.strerror}", "Give this user the right to read and write it"
        )


def look_through(path: Path) -> FileFault | None:
    """As `look_at`, and whether each block that is in use has the checksum that it was written with.

    It reads the whole file. For a database that nobody has open.
    """
    if (fault := look_at(path)) is not None or not path.exists():
        return fault
    with path.open("rb") as file:
        header = _current(file.read(_BLOCKS_FROM))
        assert header is not None, "look_at has seen it"
        words = _metadata(file, header, header.blocks)
        free = set(islice(words, next(words, 0)))
        for block in range(header.blocks):
            if block in free:
                continue
            file.seek(_BLOCKS_FROM + block * header.block_bytes)
            if not _is_sound(file.read(header.block_bytes)):
                return damaged(path, f"the checksum of block {block} of {header.blocks} does not fit")
    return None


def damaged(path: Path, reason: str) -> FileFault:
    """The fault of a file that is broken inside; `reason` is cut to one line."""
    line = " ".join(reason.split())[:300]
    return FileFault(f"{path} is damaged: {line}", _MEND)


def newer(path: Path, what: str) -> FileFault:
    """The fault of a file that later software wrote."""
    return FileFault(f"{path} was written by newer software: {what}", _UPDATE)


def stranger(path: Path, what: str) -> FileFault:
    """The fault of a sound file that is something else."""
    return FileFault(f"{path} is {what}, no warehouse of this pipeline", _MOVE)


def _fault_of_content(path: Path, file: BinaryIO) -> FileFault | None:
    headers = file.read(_BLOCKS_FROM)
    if not headers:
        return damaged(path, "it is empty")
    if headers[_MAGIC_AT:_VERSION_AT] != _MAGIC:
        return stranger(path, _kind(headers))
    if len(headers) < _BLOCKS_FROM:
        return damaged(path, f"it ends within its headers, after {len(headers)} bytes")
    # Before the checksums: those of later versions may be others.
    if (storage := _storage_version(headers)) > _KNOWN_STORAGE and storage > _newest_readable():
        made_by = headers[_MADE_BY_AT : _MADE_BY_AT + _MADE_BY_BYTES].rstrip(b"\0").decode("ascii", "replace")
        return newer(path, f"its storage version is {storage}, of DuckDB {made_by}")
    if _WORD.unpack_from(headers, _FLAGS_AT)[0] & _ENCRYPTED:
        return stranger(path, "an encrypted DuckDB database")
    if not _is_sound(headers[:_HEADER_BYTES]) or (header := _current(headers)) is None:
        return damaged(path, "the checksums of its headers do not fit")
    return _fault_of_length(path, file, header)


def _fault_of_length(path: Path, file: BinaryIO, header: _DatabaseHeader) -> FileFault | None:
    """Whether the file ends before its last used block, by the state that did not change while we looked."""
    while True:
        size = os.fstat(file.fileno()).st_size
        whole_blocks = max(0, size - _BLOCKS_FROM) // header.block_bytes
        missing = header.blocks > whole_blocks and not _only_free_blocks_are_missing(
            file, header, whole_blocks
        )
        file.seek(0)
        now = _current(file.read(_BLOCKS_FROM))
        if now == header:
            break
        if now is None:
            return damaged(path, "the checksums of its headers do not fit")
        # A writer finished a checkpoint meanwhile.
        header = now
    if not missing:
        return None
    told = _BLOCKS_FROM + header.blocks * header.block_bytes
    return damaged(path, f"it is truncated, {size} bytes of some {told}")


def _only_free_blocks_are_missing(file: BinaryIO, header: _DatabaseHeader, whole_blocks: int) -> bool:
    """DuckDB gives free blocks at the end back after it has written the header that still counts them."""
    words = _metadata(file, header, whole_blocks)
    count = next(words, 0)
    if not header.blocks - whole_blocks <= count <= header.blocks:
        return False
    return set(islice(words, count)).issuperset(range(whole_blocks, header.blocks))


def _metadata(file: BinaryIO, header: _DatabaseHeader, whole_blocks: int) -> Iterator[int]:
    """The numbers of the free list; they end early where its chain leads to a block that the file does not have.

    A block holds 64 parts after its checksum. A part begins with the pointer to the next one: the number of its block
    below, the number of the part in the highest byte.
    """
    part_bytes = (header.block_bytes - _WORD.size) // _PARTS_OF_A_BLOCK // _WORD.size * _WORD.size
    pointer = header.free_list
    while pointer != _NOWHERE and (pointer & _BLOCK_ID) < whole_blocks:
        block, part = pointer & _BLOCK_ID, pointer >> _BLOCK_ID.bit_length()
        file.seek(_BLOCKS_FROM + block * header.block_bytes + _WORD.size + part * part_bytes)
        (pointer,), *words = _WORD.iter_unpack(file.read(part_bytes))
        yield from (word for (word,) in words)


def _storage_version(headers: bytes) -> int:
    (version,) = _WORD.unpack_from(headers, _VERSION_AT)
    if version != _SEE_DATABASE_HEADER:
        return int(version)
    found = [_database_header(headers, number).storage for number in range(1, _HEADERS)]
    return max(found)


def _database_header(headers: bytes, number: int) -> _DatabaseHeader:
    iteration, _, free_list, blocks, block_bytes, _, storage = struct.unpack_from(
        "<7Q", headers, number * _HEADER_BYTES + _WORD.size
    )
    return _DatabaseHeader(iteration, free_list, blocks, block_bytes, storage)


def _current(headers: bytes) -> _DatabaseHeader | None:
    """The database header that counts; None when none is sound."""
    sound = [
        _database_header(headers, number)
        for number in range(1, _HEADERS)
        if _is_sound(headers[number * _HEADER_BYTES : (number + 1) * _HEADER_BYTES])
    ]
    return max(sound, key=lambda header: header.iteration, default=None)


def _is_sound(header: bytes) -> bool:
    (stored,) = _WORD.unpack_from(header)
    return bool(stored == checksum(header[_WORD.size :]))


def checksum(content: bytes) -> int:
    """DuckDB's checksum of a header or a block, without the 8 bytes that hold it; whole words only."""
    of_words = pl.Array(pl.UInt64, len(content) // _WORD.size)
    words = pl.Series([content]).bin.reinterpret(dtype=of_words, endianness="little").explode()
    return int(pl.select((words * _FACTOR).bitwise_xor()).item()) ^ 5381


@cache
def _newest_readable() -> int:
    """The storage version that the installed DuckDB writes when it may write its newest."""
    with tempfile.TemporaryDirectory(prefix="renewable-") as directory:
        path = Path(directory) / "probe.duckdb"
        duckdb.connect(str(path), config={"storage_compatibility_version": "latest"}).close()
        with path.open("rb") as file:
            return _storage_version(file.read(_BLOCKS_FROM))


def _kind(start: bytes) -> str:
    if start.startswith(_SQLITE):
        return "an SQLite database"
    if start.startswith(_PARQUET):
        return "a Parquet file"
    return "no DuckDB database"
