"""Writes simulated days: which files are due, in how many processes, with progress.

What is in them is day.py's.
"""

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from mock_data.day import Simulator, write_due
from mock_data.events import check_profile
from mock_data.worlds import check_world
from renewable.contract import TABLES, RawTable
from renewable.errors import PipelineError, UsageError
from renewable.fleet import Fleet
from renewable.raw_files import RawFileName
from renewable.windows import Window

_CHUNK_DAYS = 1


@dataclass(frozen=True)
class GenerateSummary:
    """Files written, files that existed and were kept, and rows written."""

    written: int
    kept: int
    rows: int

    @property
    def sentence(self) -> str:
        """One line for people."""
        return f"{self.written} files written, {self.kept} kept, {self.rows} rows"


Due = tuple[date, dict[str, Path]]


def generate(
    fleet: Fleet,
    window: Window,
    *,
    data_dir: Path,
    seed: int,
    profile: str = "typical",
    world: str = "plain",
    scale: Mapping[str, float] | None = None,
    overwrite: bool = False,
    jobs: int = 1,
    tables: Sequence[RawTable] = TABLES,
    report: Callable[[str], None] | None = None,
    progress: bool = False,
) -> GenerateSummary:
    """Write the raw files and the answer key of every day of `window`.

    `profile` says how much happens, `world` how plants, instruments and registry behave (worlds.py); `scale` multiplies
    constants of the world by name. Files that exist are kept unless `overwrite`.
    Files appear whole or not at all, also after Ctrl-C. `jobs` processes share the days; bytes do not depend
    on it. Raises UsageError for a profile, world, number of jobs or table that does not exist.
    """
    check_profile(profile)
    if fleet.assets["interval_offset_minutes"].drop_nulls().len():
        raise UsageError(
            "the simulator's intervals start at the full hour: take interval_offset_minutes out of assets.csv"
        )
    check_world(world)
    if jobs < 1:
        raise UsageError(f"--jobs must be at least 1, got {jobs}")
    unknown = [table for table in tables if table not in TABLES]
    if unknown:
        raise UsageError(f"there is no raw table {', '.join(unknown)}; choose of {', '.join(TABLES)}")
    files = [(day, _files_of(day, data_dir, tables)) for day in window.days]
    due = [
        (day, {name: path for name, path in paths.items() if overwrite or not path.exists()})
        for day, paths in files
    ]
    due = [(day, paths) for day, paths in due if paths]
    kept = sum(len(paths) for _, paths in files) - sum(len(paths) for _, paths in due)
    if report is not None and kept:
        report(f"{kept} files exist and are kept; --overwrite replaces them")
    written = rows = 0
    simulator = Simulator(fleet, seed, profile, world, scale)
    work = _in_processes(simulator, due, jobs) if jobs > 1 else _in_this_process(simulator, due)
    bar = _progress_bar(len(due)) if progress else nullcontext(lambda: None)
    with closing(work), bar as advance:
        for day_files, day_rows in work:
            written, rows = written + day_files, rows + day_rows
            advance()
    return GenerateSummary(written, kept, rows)


def is_simulated(window: Window, data_dir: Path, tables: Sequence[RawTable] = TABLES) -> bool:
    """Whether all files of the window are there, so that `generate` would keep them."""
    return all(path.exists() for day in window.days for path in _files_of(day, data_dir, tables).values())


def _files_of(day: date, data_dir: Path, tables: Sequence[RawTable]) -> dict[str, Path]:
    """The files of a day by frame name; the answer key comes with the generation that it explains."""
    paths: dict[str, Path] = {table: RawFileName(table, day).path_under(data_dir / "raw") for table in tables}
    if "generation" in tables:
        paths["truth"] = data_dir / "truth" / f"truth_{day.isoformat()}.parquet"
    return paths


def _in_this_process(simulator: Simulator, due: Sequence[Due]) -> Generator[tuple[int, int], None, None]:
    """Where Polars may use several threads, one day is written while the next is simulated."""
    if pl.thread_pool_size() == 1:
        for day, paths in due:
            yield write_due(simulator.day(day), paths)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="write") as writer:
        before: Future[tuple[int, int]] | None = None
        for day, paths in due:
            frames = simulator.day(day)
            if before is not None:
                yield before.result()
            before = writer.submit(write_due, frames, paths)
        if before is not None:
            yield before.result()


def _in_processes(
    simulator: Simulator, due: Sequence[Due], jobs: int
) -> Generator[tuple[int, int], None, None]:
    """This process works from the first day on, `jobs` - 1 child processes from the last day back.

    Nobody waits for a start.
    """
    chunks = deque(due[start : start + _CHUNK_DAYS] for start in range(0, len(due), _CHUNK_DAYS))
    done: queue.SimpleQueue[tuple[int, int] | Exception] = queue.SimpleQueue()
    children = [_Child(simulator, chunks, done, jobs) for _ in range(min(jobs, len(chunks)) - 1)]
    try:
        for child in children:
            child.start()
        missing = len(due)
        while missing:
            chunk = _taken(chunks.popleft)
            for day, paths in chunk:
                done.put(write_due(simulator.day(day), paths))
            while missing and (not chunk or not done.empty()):
                news = done.get()
                if isinstance(news, Exception):
                    raise news
                missing -= 1
                yield news
    finally:
        chunks.clear()
        for child in children:
            child.join()


def _taken(take: Callable[[], Sequence[Due]]) -> Sequence[Due]:
    try:
        return take()
    except IndexError:
        return ()


class _Child(threading.Thread):
    """Feeds one child process with chunks of days and passes on what it reports.

    It is a plain process, so that any caller may use several jobs: a script without a main guard, a shell, a
    test.
    """

    def __init__(
        self,
        simulator: Simulator,
        chunks: deque[Sequence[Due]],
        done: "queue.SimpleQueue[tuple[int, int] | Exception]",
        jobs: int,
    ) -> None:
        super().__init__(daemon=True)
        self._chunks, self._done = chunks, done
        self._simulator = pickle.dumps(simulator)
        source = str(Path(__file__).parents[1])
        environment = dict(os.environ)
        environment.setdefault("POLARS_MAX_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mock_data.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def run(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(self._simulator)
            self._process.stdin.flush()
            pickle.load(self._process.stdout)
            while chunk := _taken(self._chunks.pop):
                pickle.dump(chunk, self._process.stdin)
                self._process.stdin.flush()
                for _ in chunk:
                    self._done.put(pickle.load(self._process.stdout))
        except (EOFError, OSError) as error:
            self._done.put(
                PipelineError(f"a simulator process ended early: {error or 'see its message above'}")
            )
        finally:
            with suppress(OSError):
                self._process.stdin.close()
            self._process.wait()
            self._process.stdout.close()


@contextmanager
def _progress_bar(total: int) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("days, {task.fields[rate]} days/s, left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, rate="-")

        def advance() -> None:
            speed = bar.tasks[0].speed
            bar.update(task, advance=1, rate="-" if speed is None else f"{speed:.1f}")

        yield advance
