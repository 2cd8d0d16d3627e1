"""The one door to the warehouse: every command knows it by its mark, and leaves alone whatever else lies there."""

import shutil
import sqlite3
import struct
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.errors import PipelineError, WarehouseError
from renewable.fleet import Fleet, load_fleet
from renewable.operations.backup import back_up, restore
from renewable.places import CHECKOUT as REPO
from renewable.settings import Settings
from renewable.warehouse import BOOKS, WAREHOUSE_LAYOUT, connect, exclusive, exclusive_connection
from renewable.warehouse_file import checksum
from renewable.windows import Window
from tests.conftest import Call

pytestmark = pytest.mark.integration

_DAY = date(2025, 3, 29)
ABOUT = f"{BOOKS}.about"


@pytest.fixture(scope="module")
def loaded(fleet_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with one day loaded."""
    data_dir = tmp_path_factory.mktemp("loaded") / "data"
    settings = Settings(data_dir=data_dir, fleet_dir=fleet_dir)
    generate(load_fleet(fleet_dir), Window.of_day(_DAY), data_dir=data_dir, seed=1)
    assert ingest(settings).files_loaded == 2
    return data_dir


def _half(place: Path, sound: bytes) -> None:
    place.write_bytes(sound[: len(sound) // 2])


def _text(place: Path, sound: bytes) -> None:
    place.write_text("a note\n" * 5000)


def _empty(place: Path, sound: bytes) -> None:
    place.touch()


def _folder(place: Path, sound: bytes) -> None:
    place.mkdir()
    (place / "file").touch()


def _sqlite(place: Path, sound: bytes) -> None:
    with sqlite3.connect(place) as connection:
        connection.execute("create table t (i int)")
    connection.close()


def _newer_storage(place: Path, sound: bytes) -> None:
    content = bytearray(sound)
    for start in (4096, 8192):
        struct.pack_into("<Q", content, start + 56, 1_234)
        struct.pack_into("<Q", content, start, checksum(bytes(content[start + 8 : start + 4096])))
    place.write_bytes(content)


def _flipped(place: Path, sound: bytes) -> None:
    content = bytearray(sound)
    for at in range(3 * 4096 + 100, len(content), 4096):
        content[at] ^= 0xFF
    place.write_bytes(content)


def _another_database(place: Path, sound: bytes) -> None:
    with duckdb.connect(str(place)) as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.load_log (file varchar, seen timestamp)")
        connection.execute("create schema renewable_books")
        connection.execute("create table renewable_books.about (title varchar)")


def _newer_layout(place: Path, sound: bytes) -> None:
    place.write_bytes(sound)
    with duckdb.connect(str(place)) as connection:
        connection.execute(
            f"update {ABOUT} set value = '{WAREHOUSE_LAYOUT + 1}' where name = 'layout_version'"
        )


# Whether it shows in the file's bytes alone, which is what `status` looks at.
STRANGERS: dict[Callable[[Path, bytes], None], tuple[str, bool]] = {
    _half: ("truncated", True),
    _text: ("no DuckDB database", True),
    _empty: ("empty", True),
    _folder: ("is a folder", True),
    _sqlite: ("SQLite", True),
    _newer_storage: ("newer software", True),
    _flipped: ("damaged", False),
    _another_database: ("database of something else", False),
    _newer_layout: ("newer software", False),
}


def _content(place: Path) -> dict[str, bytes]:
    files = [place] if place.is_file() else place.rglob("*")
    return {str(path): path.read_bytes() for path in files}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_every_command_names_what_is_no_warehouse_and_leaves_it_alone(
    stranger: Callable[[Path, bytes], None], loaded: Path, call: Call, tmp_path: Path
) -> None:
    said, in_the_bytes = STRANGERS[stranger]
    shutil.copytree(loaded, tmp_path / "data")
    (tmp_path / "data" / "truth").mkdir(exist_ok=True)
    place = tmp_path / "data" / "warehouse" / "renewable.duckdb"
    sound = place.read_bytes()
    (tmp_path / "copy.duckdb").write_bytes(b"an older backup")
    place.unlink()
    stranger(place, sound)
    before = _content(place)
    commands = ["ingest", "transform", "publish", "score", "docs", "backup copy.duckdb", "ingest --again"]
    for command in [*commands, *(["status"] if in_the_bytes else [])]:
        code, _, err = call(*command.split())
        assert code == 1 and said in err and str(place) in err, (command, err)
        assert err.count("\n") == 1 and "unforeseen" not in err, (command, err)
        assert _content(place) == before, command
    assert (tmp_path / "copy.duckdb").read_bytes() == b"an older backup"
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_is_no_copy_is_not_restored_and_over_what_is_no_warehouse_a_copy_is(
    stranger: Callable[[Path, bytes], None], loaded: Path, call: Call, tmp_path: Path
) -> None:
    shutil.copytree(loaded, tmp_path / "data")
    place = tmp_path / "data" / "warehouse" / "renewable.duckdb"
    sound = place.read_bytes()
    (tmp_path / "copy.duckdb").write_bytes(sound)
    stranger(tmp_path / "stranger", sound)
    code, _, err = call("restore", "stranger")
    assert code == 1 and STRANGERS[stranger][0] in err and err.count("\n") == 1, err
    assert place.read_bytes() == sound
    place.unlink()
    stranger(place, sound)
    before = {path.removeprefix(str(place)): content for path, content in _content(place).items()}
    # Nothing was built, so nothing can be published; what was loaded is back.
    call("restore", "copy.duckdb")
    assert place.read_bytes() == sound
    aside = place.with_name(f"{place.name}.before-restore")
    assert {path.removeprefix(str(aside)): content for path, content in _content(aside).items()} == before


def test_a_warehouse_from_before_the_mark_is_taken_and_marked(loaded: Path, settings: Settings) -> None:
    shutil.copytree(loaded, settings.data_dir)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(f"drop schema {BOOKS} cascade")
        before = connection.execute("from raw.load_log order by all").fetchall()
    with connect(settings.warehouse_path, read_only=True) as connection:
        assert (
            connection.execute(f"select 1 from duckdb_schemas() where schema_name = '{BOOKS}'").fetchall()
            == []
        )
    assert ingest(settings).files_loaded == 0
    with connect(settings.warehouse_path, read_only=True) as connection:
        mark = dict(connection.execute(f"from {ABOUT}").fetchall())
        assert connection.execute("from raw.load_log order by all").fetchall() == before
    assert mark["product"] == "renewable" and mark["layout_version"] == str(WAREHOUSE_LAYOUT)
    assert mark["duckdb_version"] == duckdb.__version__


def test_a_new_warehouse_bears_the_mark_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "new.duckdb"
    place.with_name("new.duckdb.wal").write_bytes(b"of a database that was deleted")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("renewable.warehouse._write_mark", killed)
        with pytest.raises(KeyboardInterrupt), exclusive_connection(place, 0):
            pass
    assert not place.exists()
    with exclusive_connection(place, 0) as connection:
        assert connection.execute(f"select value from {ABOUT} where name = 'product'").fetchall() == [
            ("renewable",)
        ]


def test_an_empty_database_is_taken_and_a_mark_is_kept(tmp_path: Path) -> None:
    place = tmp_path / "new.duckdb"
    duckdb.connect(str(place)).close()
    with connect(place) as connection:
        first = connection.execute(f"from {ABOUT} order by all").fetchall()
        connection.execute(f"update {ABOUT} set value = '1.0' where name = 'duckdb_version'")
    with connect(place) as connection:
        assert connection.execute(f"from {ABOUT} order by all").fetchall() == first


def test_no_connection_loads_or_installs_an_extension(tmp_path: Path) -> None:
    with exclusive_connection(tmp_path / "new.duckdb", 0) as connection:
        for setting in ("autoload_known_extensions", "autoinstall_known_extensions"):
            assert connection.execute(f"select current_setting('{setting}')").fetchall() == [(False,)]
    profile = (REPO / "dbt" / "renewable_dbt" / "profiles.yml").read_text()
    assert (
        'autoinstall_known_extensions: "false"' in profile and 'autoload_known_extensions: "false"' in profile
    )


def test_a_warehouse_called_like_a_schema_in_it_is_refused(tmp_path: Path) -> None:
    for name in ("raw", "Marts", BOOKS):
        with (
            pytest.raises(WarehouseError, match="another name"),
            exclusive_connection(tmp_path / f"{name}.duckdb", 0),
        ):
            pass


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            'IO Error: Could not write file "/d/published/x": No space left on device',
            "Free space on the disk of /d/published",
        ),
        ("Out of Memory Error: failed to allocate", "RENEWABLE_DUCKDB_MEMORY_LIMIT"),
        ("IO Error: Cannot open file: Permission denied", "right"),
        ("Corrupt database file: computed checksum 1 does not match", "renewable restore"),
        ("error in a model\n  Corrupt database file: computed checksum 1", "damaged: Corrupt database file"),
    ],
)
def test_what_duckdb_says_of_the_file_is_one_line_with_the_next_step(
    tmp_path: Path, message: str, said: str
) -> None:
    place = tmp_path / "new.duckdb"
    with pytest.raises(WarehouseError, match=said) as told, exclusive_connection(place, 0):
        raise duckdb.IOException(message)
    assert "\n" not in str(told.value) and ("/d/published/x" in message or str(place) in str(told.value))
    with pytest.raises(duckdb.CatalogException), exclusive(place, 0):
        raise duckdb.CatalogException("a fault of ours")


def test_neither_copy_nor_warehouse_is_put_onto_itself(loaded: Path, settings: Settings) -> None:
    shutil.copytree(loaded, settings.data_dir)
    before = settings.warehouse_path.read_bytes()
    for onto in (back_up, restore):
        with pytest.raises(PipelineError, match="itself"):
            onto(settings, settings.warehouse_path)
    assert settings.warehouse_path.read_bytes() == before


def test_what_was_there_before_a_restore_is_never_overwritten(
    loaded: Path, settings: Settings, fleet: Fleet, tmp_path: Path
) -> None:
    shutil.copytree(loaded, settings.data_dir)
    back_up(settings, tmp_path / "copy.duckdb")
    kept = []
    for number in range(2):
        settings.warehouse_path.write_bytes(f"written by a person, {number}".encode())
        kept.append(settings.warehouse_path.read_bytes())
        restore(settings, tmp_path / "copy.duckdb")
    aside = sorted(settings.warehouse_path.parent.glob("*.before-restore*"))
    assert [path.read_bytes() for path in aside] == kept


def test_a_backup_of_a_warehouse_with_a_damaged_block_leaves_the_backup_before(
    loaded: Path, settings: Settings, tmp_path: Path
) -> None:
    shutil.copytree(loaded, settings.data_dir)
    copy = tmp_path / "copy.duckdb"
    back_up(settings, copy)
    before = copy.read_bytes()
    with connect(settings.warehouse_path, read_only=True) as connection:
        ((block,),) = connection.execute(
            "select max(block_id) from pragma_storage_info('raw.generation') where block_id >= 0"
        ).fetchall()
    content = bytearray(settings.warehouse_path.read_bytes())
    content[3 * 4096 + block * (1 << 18) + 5_000] ^= 1
    settings.warehouse_path.write_bytes(content)
    with pytest.raises(WarehouseError, match="damaged"):
        back_up(settings, copy)
    assert copy.read_bytes() == before
    shutil.copyfile(settings.warehouse_path, tmp_path / "damaged.duckdb")
    with pytest.raises(PipelineError, match="damaged"):
        restore(settings, tmp_path / "damaged.duckdb")
