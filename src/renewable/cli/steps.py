"""Steps of a long command on stderr: a line each, with what it is at and how long it took."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

Report = Callable[[str], None]


class Say:
    """What a step says meanwhile: lines worth keeping (called), and how far it is (`progress`), for terminals alone."""

    def __init__(self, line: Report, progress: Report | None = None) -> None:
        self._line, self.progress = line, progress

    def __call__(self, line: str) -> None:
        self._line(line)


Step = Callable[[Say], str]


class Steps:
    """On a terminal each step keeps its line and the line changes; elsewhere each message is a line."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)

    @contextmanager
    def shown(self) -> Iterator[Callable[[str, Step], str]]:
        """A function that does a step: its name, and what does it and returns a sentence at its end."""
        if not self._console.is_terminal:
            yield self._plain
            return
        width = max(20, self._console.width - 24)
        with Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}"),
            TextColumn(
                "{task.fields[said]}", table_column=Column(width=width, no_wrap=True, overflow="ellipsis")
            ),
            TimeElapsedColumn(),
            console=self._console,
        ) as progress:

            def do(name: str, step: Step) -> str:
                task = progress.add_task(name, total=1, said="")

                def say(line: str) -> None:
                    progress.update(task, said=escape(" ".join(line.split())))

                sentence = step(Say(say, say))
                progress.update(task, completed=1, said=escape(" ".join(sentence.split())))
                return sentence

            yield do

    def _plain(self, name: str, step: Step) -> str:
        said: list[str] = []

        def say(line: str) -> None:
            if said[-1:] != [line]:
                print(f"{name}: {line}", file=sys.stderr, flush=True)
            said.append(line)

        sentence = step(Say(say))
        say(sentence)
        return sentence


@contextmanager
def progress_of(name: str, console: Console | None = None) -> Iterator[Say]:
    """What one step says: on a terminal a line that changes and goes at the end, elsewhere the lines worth keeping."""
    shown = console or Console(stderr=True, highlight=False)
    if not shown.is_terminal:
        yield Say(lambda line: print(line, file=sys.stderr, flush=True))
        return
    width = max(20, shown.width - 24)
    with Progress(
        SpinnerColumn(),
        TextColumn(name),
        TextColumn("{task.description}", table_column=Column(width=width, no_wrap=True, overflow="ellipsis")),
        TimeElapsedColumn(),
        console=shown,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=None)

        def change(line: str) -> None:
            progress.update(task, description=escape(" ".join(line.split())))

        yield Say(lambda line: progress.console.print(escape(line)), change)
