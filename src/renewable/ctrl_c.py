"""Ctrl-C ends a command within two seconds, also where a library keeps the signal back or turns it into an error.

dlt waits until its load is over, dbt until its queries are. What they were at is half done then, and is undone or gone
on with by the next run, as after a kill.
"""

import multiprocessing
import multiprocessing.util
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from renewable.errors import INTERRUPTED

INTERRUPTED_LINE = "interrupted; what was finished counts, the next run takes the rest"
_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
# Time to end by itself, so that all is over within two seconds.
_GRACE_S = 0.9
_LAST_WORDS_S = 0.4


@dataclass
class Interruption:
    """Whether the command was asked to end, and whether its last line was printed."""

    is_asked: bool = False
    _is_told: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, line: str = INTERRUPTED_LINE) -> None:
        """Print the last line, once."""
        with self._lock:
            if not self._is_told:
                self._is_told = True
                print(line, file=sys.stderr, flush=True)

    def end(self, line: str = INTERRUPTED_LINE) -> NoReturn:
        """Print the last line and end the process."""
        self.tell(line)
        sys.exit(INTERRUPTED)


def _nothing() -> None:
    pass


@contextmanager
def ending_soon(
    last_words: Callable[[], None] = _nothing, grace_s: float = _GRACE_S
) -> Iterator[Interruption]:
    """From the first signal on the process has `grace_s` seconds; then it is ended, with one line and code 130.

    `last_words` run before that, in another thread and for a moment at most. A signal that came inside of the block
    ends the process also after it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Interruption()
        return
    reads, writes = socket.socketpair()
    writes.setblocking(False)
    # The interpreter writes the number of each signal there at once, whoever handles it and whenever.
    before = signal.set_wakeup_fd(writes.fileno(), warn_on_full_buffer=False)
    found = Interruption()
    watch = threading.Thread(target=_watch, args=(reads, found, last_words, grace_s), daemon=True)
    watch.start()
    try:
        yield found
    finally:
        signal.set_wakeup_fd(before)
        writes.close()
        if not found.is_asked:
            watch.join(_LAST_WORDS_S)


@contextmanager
def interruptible(
    last_words: Callable[[], None] = _nothing, line: str = INTERRUPTED_LINE
) -> Iterator[Interruption]:
    """`ending_soon` around a whole command: an interruption inside is told with `line` and ends with code 130."""
    with ending_soon(last_words) as found:
        try:
            yield found
        except KeyboardInterrupt:
            found.end(line)


def _watch(reads: socket.socket, found: Interruption, last_words: Callable[[], None], grace_s: float) -> None:
    with reads:
        while numbers := reads.recv(64):
            if _ENDING.intersection(numbers):
                found.is_asked = True
                break
        else:
            return
    # Nobody wakes it any more: if the process is still there after this, it has to go.
    threading.Event().wait(grace_s)
    speaking = threading.Thread(target=_tidy_up, args=(last_words,), daemon=True)
    speaking.start()
    speaking.join(_LAST_WORDS_S)
    for child in multiprocessing.active_children():
        child.kill()
    found.tell()
    os._exit(INTERRUPTED)


def _tidy_up(last_words: Callable[[], None]) -> None:
    try:
        last_words()
    finally:
        # Semaphores of dbt's: Python's tracker of them would complain, after our last line.
        multiprocessing.util._run_finalizers(0)  # type: ignore[attr-defined]
