"""A file is written whole or not at all."""

from pathlib import Path

import polars as pl
import pytest

from renewable.atomic_write import write_parquet_atomic

pytestmark = pytest.mark.unit


def test_a_failed_write_leaves_the_old_file_and_no_scrap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weather_2025-01-01.parquet"
    write_parquet_atomic(pl.DataFrame({"a": [1]}), path)

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("renewable.atomic_write.os.fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        write_parquet_atomic(pl.DataFrame({"a": [2]}), path)
    assert pl.read_parquet(path)["a"].to_list() == [1]
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
