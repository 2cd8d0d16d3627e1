"""The command line that generate_weather.py and generate_generation.py share."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from mock_data import words
from mock_data.events import PROFILES
from mock_data.generate import generate
from mock_data.worlds import WORLDS, parse_scale
from renewable import windows
from renewable.contract import RawTable
from renewable.errors import INTERRUPTED, WRONG_USE, RenewableError, exit_code
from renewable.fleet import load_fleet
from renewable.settings import Settings, load_settings
from renewable.windows import requested_window

_DEFAULT = "Default: %(default)s."
_ALSO = {"weather": "", "generation": " and the answer key in <data-dir>/truth"}


def run(table: RawTable, arguments: Sequence[str]) -> int:
    """Write one table's files for a range of days.

    The exit code is one of `renewable.errors`.
    """
    try:
        settings = load_settings()
        asked = command_line(table, settings).parse_args(arguments)
        window = requested_window(asked.start, asked.end, asked.days, today=datetime.now(UTC).date())
        if window is None:
            print("say which days: --start DAY [--end DAY], or --days N", file=sys.stderr)
            return WRONG_USE
        done = generate(
            load_fleet(asked.fleet_dir),
            window,
            data_dir=asked.data_dir,
            seed=asked.seed,
            profile=asked.profile,
            world=asked.world,
            scale=parse_scale(asked.scale),
            overwrite=asked.overwrite,
            jobs=asked.jobs,
            tables=(table,),
            report=lambda line: print(line, file=sys.stderr),
            progress=sys.stderr.isatty(),
        )
    except RenewableError as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        print("stopped; the files written so far are whole, run again to go on", file=sys.stderr)
        return INTERRUPTED
    print(f"{table} {window}: {done.sentence}")
    return 0


def command_line(table: RawTable, settings: Settings) -> argparse.ArgumentParser:
    """The options of a script, with their defaults out of `settings`."""
    parser = argparse.ArgumentParser(
        prog=f"generate_{table}.py",
        description=f"Write simulated {table} files, one a UTC day, to <data-dir>/raw/{table}{_ALSO[table]}.",
    )
    parser.add_argument("--start", type=_day, metavar="DAY", help=windows.START)
    parser.add_argument("--end", type=_day, metavar="DAY", help=windows.END)
    parser.add_argument("--days", type=int, metavar="N", help=windows.DAYS)
    parser.add_argument("--seed", type=int, default=settings.seed, help=f"{words.SEED} {_DEFAULT}")
    parser.add_argument(
        "--data-dir", type=Path, default=settings.data_dir, metavar="DIR", help=f"Where to write. {_DEFAULT}"
    )
    parser.add_argument(
        "--fleet-dir",
        type=Path,
        default=settings.fleet_dir,
        metavar="DIR",
        help=f"Where assets.csv and power_curves.csv lie. {_DEFAULT}",
    )
    parser.add_argument(
        "--events",
        "--profile",
        dest="profile",
        choices=PROFILES,
        default=settings.events,
        help=f"{words.EVENTS} {_DEFAULT}",
    )
    parser.add_argument("--world", choices=WORLDS, default=settings.world, help=f"{words.WORLD} {_DEFAULT}")
    parser.add_argument("--scale", action="append", default=[], metavar="NAME=FACTOR", help=words.SCALE)
    parser.add_argument("--overwrite", action="store_true", help=words.OVERWRITE)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help=f"{words.JOBS} {_DEFAULT}")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2025-01-31") from error
