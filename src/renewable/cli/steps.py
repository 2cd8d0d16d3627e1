"""Steps of a long command on stderr: a line each, with what it is at and how long it took."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

Report = Callable[[str], None]


class Steps:
    """On a terminal each step keeps its line and the line changes; elsewhere each message is a line."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)

    @contextmanager
    def shown(self) -> Iterator[Callable[[str, Callable[[Report], str]], str]]:
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

            def do(name: str, step: Callable[[Report], str]) -> str:
                task = progress.add_task(name, total=1, said="")

                def say(line: str) -> None:
                    progress.update(task, said=escape(" ".join(line.split())))

                sentence = step(say)
                progress.update(task, completed=1, said=escape(" ".join(sentence.split())))
                return sentence

            yield do

    def _plain(self, name: str, step: Callable[[Report], str]) -> str:
        said: list[str] = []

        def say(line: str) -> None:
            if said[-1:] != [line]:
                print(f"{name}: {line}", file=sys.stderr, flush=True)
            said.append(line)

        sentence = step(say)
        say(sentence)
        return sentence
