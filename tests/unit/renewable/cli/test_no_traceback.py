"""The laws of the command line under wrong input: no traceback, one line that names the fault, the right exit code."""

import errno
import io
import os
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from renewable.places import CHECKOUT as REPO
from renewable.unforeseen import os_fault, report_unforeseen
from tests.conftest import Call, Called

pytestmark = pytest.mark.unit

LONG = "x" * 300
MAPPING = """
source: {{files: "{files}"{source}}}
timestamp: {{column: time, format: "%Y-%m-%d %H:%M", zone: UTC}}
asset: {{constant: nordermarsch-w-01}}
generation:
  active_power_kw: {{{channel}, unit: kW}}
"""


def _is_told(done: Called, code: int, said: str) -> None:
    assert done[0] == code, done
    assert "Traceback" not in done[1] + done[2]
    assert "unforeseen" not in done[2], "a known case has an error of its own"
    assert said in " ".join(done[2].split()), done[2]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["publish"], 1, "run `renewable ingest` first"),
        (["report"], 1, "run `renewable publish` first"),
        (["score"], 1, "no answer key"),
        (["transform"], 1, "run `renewable ingest` first"),
        (["backup", "copy.duckdb"], 1, "no warehouse"),
        (["restore", "copy.duckdb"], 1, "no such file"),
        (["quarantine", "show", "../../etc/passwd"], 2, "nothing is set aside"),
        (["quarantine", "show", LONG], 2, "nothing is set aside"),
        (["quarantine", "replay", "a\nb"], 2, "nothing is set aside"),
        (["generate", "--start", "9999-12-31"], 2, "last day"),
        (["generate", "--days", "1000000000"], 2, "fewer days"),
        (["ingest", "--days", "99999999999999999999999"], 2, "fewer days"),
        (["transform", "--start", "2025-01-02", "--end", "2025-01-01"], 2, "is empty"),
        (["import", "nowhere.yaml"], 1, "no such mapping file"),
        (["import", "."], 1, "Is a directory"),
        (["import", f"{LONG}.yaml"], 1, "name too long"),
        (["import", "--init", "."], 1, "Is a directory"),
        (["import", "--init", f"{LONG}.csv"], 1, "too long"),
        (["backup", f"{LONG}.duckdb"], 1, "too long"),
        (["fleet", "check", "/nowhere"], 1, "/nowhere/assets.csv"),
        (["fleet", "check", LONG], 1, "too long"),
        (["--profile", ".", "status"], 2, "there is no file"),
        (["--profile", "nowhere.env", "status"], 2, "nowhere.env"),
        (["no-such-command"], 2, "No such command"),
        (["report", "--days", "many"], 2, "--days"),
    ],
)
def test_wrong_use_and_steps_out_of_order_are_told_in_one_line(
    call: Call, arguments: list[str], code: int, said: str
) -> None:
    _is_told(call(*arguments), code, said)


@pytest.mark.parametrize("name", ["DATA_DIR", "FLEET_DIR"])
@pytest.mark.parametrize("command", ["status", "ingest", "docs", "summary"])
def test_a_file_where_a_setting_names_a_directory_is_told(
    call: Call, name: str, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(f"RENEWABLE_{name}", str(tmp_path / "file"))
    _is_told(call(command), 2, f"RENEWABLE_{name}")


@pytest.mark.parametrize("command", ["ingest", "status", "summary", "generate"])
def test_a_place_whose_name_is_too_long_is_told(
    call: Call, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENEWABLE_DATA_DIR", f"/tmp/{LONG}")
    _is_told(call(command), 1, "too long")


def test_a_profile_that_is_no_text_is_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / "binary.env").write_bytes(bytes(range(128, 256)))
    _is_told(call("--profile", "binary.env", "status"), 2, "binary.env is no text")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no mapping"),
        (b"- a\n- b\n", "holds no mapping"),
        (b"hello", "holds no mapping"),
        (b"a: [", "cannot be read as YAML"),
        (b"\xff\xfe\x00\x01", "cannot be read as YAML"),
        (b"a: \x00", "cannot be read as YAML"),
        (b"[" * 5000, "cannot be read as YAML"),
        (b"? {a: b}\n: c\n", "cannot be read as YAML"),
        (b"1: 2\n", "fault(s)"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(call: Call, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "mapping.yaml").write_bytes(content)
    _is_told(call("import", "mapping.yaml"), 1, said)
    _is_told(call("import", "--preview", "mapping.yaml"), 1, "mapping.yaml")


def _zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _with_password() -> bytes:
    content = bytearray(_zipped(a=b"time,p\n"))
    # The flag of a password, in the entry and in the directory.
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1
    return bytes(content)


BROKEN = {
    "empty.csv": b"",
    "binary.csv": bytes(range(256)) * 40,
    "zip.csv": b"PK\x03\x04garbage",
    "empty_zip.csv": b"PK\x03\x04" + _zipped(),
    "cut.zip": _zipped(a=b"time,p\n" * 100)[:-30],
    "password.zip": _with_password(),
    "two.zip": _zipped(a=b"time,p\n", b=b"time,p\n"),
    "gzip.csv": b"\x1f\x8bgarbage",
    "cut.parquet": b"PAR1garbagegarbage",
    "empty.xlsx": b"",
    "binary.xlsx": bytes(range(256)) * 40,
    "zip.xlsx": b"PK\x03\x04garbage",
    "other.xlsx": _zipped(a=b"no sheet"),
    "broken.xlsx": _zipped(**{"[Content_Types].xml": b"<", "xl/workbook.xml": b"<workbook", "xl/x": b""}),
    "old.xls": b"\xd0\xcf\x11\xe0garbage",
    "text.ods": b"hello",
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_export_that_cannot_be_read_is_named(call: Call, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BROKEN[name])
    (tmp_path / "mapping.yaml").write_text(MAPPING.format(files=name, source="", channel="column: p"))
    _is_told(call("import", "mapping.yaml"), 1, name)
    # A draft takes all members of an archive.
    if name != "two.zip":
        _is_told(call("import", "--init", name), 1, name)
    assert not list((tmp_path / "data").glob(".import-*"))


@pytest.mark.parametrize("files", [f"{LONG}.csv", f"*{LONG}/*.csv", f"{LONG}/**/*.csv", r"a\0b.csv", r"\0*"])
def test_a_name_that_no_file_can_have_is_told_with_the_setting(
    call: Call, tmp_path: Path, files: str
) -> None:
    (tmp_path / "mapping.yaml").write_text(MAPPING.format(files=files, source="", channel="column: p"))
    _is_told(call("import", "mapping.yaml"), 1, "source.files")


@pytest.mark.parametrize(
    "expression", ["p +* 2", "sum(", "nosuch(p)", "p; drop", "select p", "", "'x", "p::foo", "strftime(p)"]
)
def test_an_expression_that_is_no_sql_is_named_with_its_line(
    call: Call, tmp_path: Path, expression: str
) -> None:
    (tmp_path / "a.csv").write_text("time,p\n2025-01-01 00:00,1\n")
    channel = MAPPING.format(files="a.csv", source="", channel=f'expression: "{expression}"')
    (tmp_path / "mapping.yaml").write_text(channel)
    _is_told(call("import", "mapping.yaml"), 1, "line 6: generation.active_power_kw")
    keep = MAPPING.format(files="a.csv", source=f', keep: "{expression}"', channel="column: p")
    (tmp_path / "mapping.yaml").write_text(keep)
    _is_told(call("import", "mapping.yaml"), 1, "line 2: source")


@pytest.mark.parametrize(
    ("source", "channel", "said"),
    [
        ("", "expression: other + 1", "other"),
        ("", 'expression: "sum(p)"', "each row"),
        ("", "expression: \"p || 'x'\"", "cannot be used"),
        ("", 'expression: "p in (select 1)"', "mapping"),
        (", keep: p", "column: p", "no condition on a row"),
        (', keep: "sum(p) > 1"', "column: p", "keep"),
        (', keep: "other = 1"', "column: p", "other"),
    ],
)
def test_an_expression_that_does_not_fit_the_file_is_named(
    call: Call, tmp_path: Path, source: str, channel: str, said: str
) -> None:
    (tmp_path / "a.csv").write_text("time,p\n2025-01-01 00:00,1\n2025-01-01 00:10,2\n")
    (tmp_path / "mapping.yaml").write_text(MAPPING.format(files="a.csv", source=source, channel=channel))
    _is_told(call("import", "mapping.yaml"), 1, said)


def test_published_tables_that_are_broken_are_named(call: Call, tmp_path: Path) -> None:
    published = tmp_path / "data" / "published"
    published.mkdir(parents=True)
    (tmp_path / "data" / "warehouse").mkdir()
    for name in ("mart_asset_daily", "load_log", "build_log"):
        (published / f"{name}.parquet").write_bytes(b"PAR1garbage")
    _is_told(call("report"), 1, "mart_asset_daily.parquet")
    (tmp_path / "data" / "warehouse" / "renewable.duckdb").touch()
    for command in ("status", "summary"):
        _is_told(call(command), 1, "load_log.parquet")


class _UnforeseenError(Exception):
    pass


def _fails(error: BaseException) -> Callable[[], None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


class _Panic(BaseException):
    """As Polars raises it: no Exception."""


@pytest.mark.parametrize(
    "error", [_UnforeseenError("one\ntwo"), _Panic("rust"), MemoryError(), KeyError("x")]
)
def test_what_nobody_foresaw_is_one_line_and_its_details_lie_in_a_file(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr("renewable.operations.status.read_status", _fails(error))
    code, out, err = call("status")
    assert (code, out, err.count("\n")) == (1, "", 1)
    found = re.search(r"(/\S+/unforeseen-\S+\.log)", err)
    assert found and tmp_path in Path(found[1]).parents, "under the data directory"
    details = Path(found[1]).read_text()
    assert "Traceback" in details and type(error).__name__ in details and type(error).__name__ in err


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EACCES, "right"),
        (errno.EROFS, "right"),
        (errno.ENOTDIR, "folder is needed"),
        (errno.EISDIR, "is a folder"),
        (errno.ENOENT, "no such file"),
        (errno.EIO, "run the command again"),
    ],
)
def test_what_the_system_refuses_names_file_and_next_step(
    call: Call, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    error = OSError(code, os.strerror(code), "/some/file")
    monkeypatch.setattr("renewable.operations.status.read_status", _fails(error))
    done = call("status")
    _is_told(done, 1, said)
    assert "/some/file" in done[2] and done[2].count("\n") == 1


def test_a_full_disk_that_polars_meets_is_told_as_one() -> None:
    with pytest.raises(OSError, match="No space left") as full:
        pl.DataFrame({"a": range(1000)}).write_ipc("/dev/full")
    assert "no space left on the disk of /some/data" in os_fault(full.value, Path("/some/data"))


def test_a_full_disk_that_a_copy_meets_is_that_of_the_copy() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/from/file", None, "/to/file")
    assert "the disk of /to/file" in os_fault(full)


def test_an_interrupted_command_says_so_and_ends_with_130(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renewable.operations.status.read_status", _fails(KeyboardInterrupt()))
    code, _, err = call("status")
    assert code == 130 and err.count("\n") == 1 and "interrupted" in err


def test_details_go_where_they_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    assert str(tmp_path / "temporary") in report_unforeseen(ValueError("a"), tmp_path / "file")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file" / "below"))
    nowhere = report_unforeseen(ValueError("a\ud800\nb" * 500), tmp_path / "file")
    assert "No file could be written" in nowhere and "\n" not in nowhere
    nowhere.encode()


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path, fleet_dir: Path) -> None:
    import subprocess

    code = "import sys; from renewable.cli.entry import main; sys.argv = ['renewable', 'import', '--schema']; main()"
    environment = {**os.environ, "RENEWABLE_DATA_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=REPO,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
