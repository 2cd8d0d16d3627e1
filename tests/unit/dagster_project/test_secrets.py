"""No message shows a password: not of settings, not of addresses, not of Dagster's database."""

import logging
import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from dagster_project.failures import reported, sentence
from dagster_project.postgres import check_database, dagster_url
from renewable.ctrl_c import interruptible
from renewable.errors import RenewableError, SettingsError, WindowError
from renewable.notify import NotifyError, notify
from renewable.settings import Settings, load_settings

pytestmark = pytest.mark.unit
SECRET = "s3kret"


@pytest.mark.parametrize(
    "line",
    [
        f"RENEWABLE_POSTGRES_URI=postgresql://renewable:{SECRET}@h/d",
        f"RENEWABLE_ALERT_URL=json://user:{SECRET}@h",
        f"PASSWORD={SECRET}",
        f"postgresql://renewable:{SECRET}@h/d?sslmode=require",
        f"{SECRET}=1",
        f"RENEWABLE_{SECRET}@h=1",
    ],
)
def test_a_misspelled_setting_is_named_without_its_value(line: str, tmp_path: Path) -> None:
    profile = tmp_path / "profile.env"
    profile.write_text(f"RENEWABLE_SEED=many\n{line}\n")
    with pytest.raises(SettingsError, match="unknown") as caught:
        load_settings(profile)
    assert SECRET not in "".join(traceback.format_exception(caught.value)).lower()
    assert "RENEWABLE_SEED=many" in str(caught.value), "what is no secret helps"
    if line.startswith("RENEWABLE_P"):
        assert "RENEWABLE_POSTGRES_URI;" in str(caught.value)


def test_settings_show_no_secret_of_theirs() -> None:
    settings = Settings(postgres_url=f"postgresql://u:{SECRET}@h/d", alert_urls=f"json://u:{SECRET}@h")
    assert SECRET not in repr(settings) + str(settings)
    with pytest.raises(ValidationError) as caught:
        Settings(postgres_url=SECRET, seed="many", alert_urls=[SECRET])  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"user:{SECRET}@127.0.0.1",
        SECRET,
        f"nonsense://user:{SECRET}@h",
        f"json://user:{SECRET}@127.0.0.1:9/{SECRET}",
    ],
)
def test_an_address_is_named_by_its_place_whatever_it_looks_like(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotifyError, match="address 2 of 3 in RENEWABLE_ALERT_URLS") as caught:
        notify(url, "title", "body", name="address 2 of 3")
    said = "".join(traceback.format_exception(caught.value)) + caplog.text + "".join(capfd.readouterr())
    assert SECRET not in said


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://renewable:{SECRET}@127.0.0.1:1/dagster",
        f"postgresql://renewable:a@{SECRET}@127.0.0.1:1/dagster",
        f"postgresql://renewable:{SECRET}@127.0.0.1:port/dagster",
        f"postgresql://127.0.0.1:1/dagster?password={SECRET}&nonsense={SECRET}",
        f"renewable:{SECRET}@127.0.0.1/dagster",
        f"mysql://renewable:{SECRET}@127.0.0.1/dagster",
        SECRET,
    ],
)
def test_a_database_that_cannot_be_used_is_one_line_that_names_the_setting(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SettingsError, match=r"^RENEWABLE_POSTGRES_URL") as caught:
        check_database(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "\n" not in str(caught.value) and "postgresql://user:password@host" in str(caught.value)
    assert dagster_url("postgres://h/d") == dagster_url("postgresql://h/d") == "postgresql+psycopg2://h/d"


def test_what_nobody_foresaw_is_one_line_and_its_details_lie_in_a_file(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, postgres_url=f"postgresql://u:{SECRET}@h/d")
    error = RuntimeError(f"cannot talk to postgresql://u:{SECRET}@h/d")
    told = sentence(error, settings)
    (kept,) = settings.work_dir.iterdir()
    assert str(kept) in told and "\n" not in told and SECRET not in told
    assert "RuntimeError: cannot talk to" in kept.read_text() and SECRET not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
    without = sentence(ValueError("x"), None)
    Path(without.partition("details are in ")[2].partition(";")[0]).unlink()


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device", "/data/raw/x.parquet"),
        OSError(122, "Disk quota exceeded"),
        RuntimeError("(sqlite3.OperationalError) database or disk is full"),
        RuntimeError("IO Error: Could not write file: No space left on device"),
    ],
)
def test_a_full_disk_is_said_in_a_line_with_the_next_step(error: Exception, tmp_path: Path) -> None:
    try:
        try:
            raise error
        except Exception as cause:
            raise RenewableError("outer") from cause
    except RenewableError as outer:
        told = sentence(outer, Settings(data_dir=tmp_path))
    assert "disk is full" in told and "Free some space" in told and "\n" not in told


def test_sqlites_other_word_for_a_full_disk_counts_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, error = Settings(data_dir=tmp_path), RuntimeError("(sqlite3.OperationalError) disk I/O error")
    assert "disk is full" not in sentence(error, settings)
    monkeypatch.setattr("dagster_project.failures._LITTLE_BYTES", 1 << 62)
    assert "disk is full" in sentence(error, settings)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RenewableError("said"), 1),
        (SettingsError("said"), 2),
        (WindowError("said"), 2),
        (KeyboardInterrupt(), 130),
        (RuntimeError("x"), 1),
        (OSError(28, "full"), 1),
    ],
)
def test_a_command_ends_with_one_line_and_the_code_of_its_error(
    error: BaseException,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    with pytest.raises(SystemExit) as caught, interruptible(), reported([Settings(data_dir=tmp_path)]):
        raise error
    told = capsys.readouterr().err
    assert caught.value.code == code and told.count("\n") == 1 and "Traceback" not in told
