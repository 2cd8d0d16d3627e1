"""Ctrl-C ends a command within two seconds, also where a library keeps the signal back or turns it into an error.

dlt waits until its load is over, dbt until its queries are. What they
leave half done, the next run undoes or completes, as after a kill.
"""

import multiprocessing
import multiprocessing.util
import os
import signal
import socket
import sys
import threading
import time
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
# Set where a library's threads, which wait for what is gone, would keep the process from ending.
ends_at_once = threading.Event()


@dataclass
class Interruption:
    """Whether the command was asked to end, and whether `line`, its last one, was printed."""

    line: str
    is_asked: bool = False
    _is_told: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self) -> None:
        """Print the last line, once."""
        with self._lock:
            if not self._is_told:
                self._is_told = True
                print(self.line, file=sys.stderr, flush=True)

    def end(self) -> NoReturn:
        """Print the last line and end the process."""
        self.tell()
        sys.exit(INTERRUPTED)


def _nothing() -> None:
    pass


@contextmanager
def interruptible(
    last_words: Callable[[], None] = _nothing, line: str = INTERRUPTED_LINE
) -> Iterator[Interruption]:
    """Put around a whole command: Ctrl-C ends it with `line` and code 130, at the latest after a second or two.

    Where a library keeps the signal back, `last_words` run in another thread, for a moment at most, before the process
    is ended. A signal that came inside of the block ends the process also after the block.
    """
    found = Interruption(line)
    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    reads, writes = socket.socketpair()
    writes.setblocking(False)
    # The interpreter writes the number of each signal there at once, whoever handles it and whenever.
    before = signal.set_wakeup_fd(writes.fileno(), warn_on_full_buffer=False)
    watch = threading.Thread(target=_watch, args=(reads, found, last_words), daemon=True)
    watch.start()
    try:
        yield found
    except KeyboardInterrupt:
        found.end()
    finally:
        # An interrupt inside of exec("…") (a named tuple being made) leaves Python with the mark "not caught": it would
        # then end by the signal, whatever code was asked for. Another exec takes the mark away.
        exec("")
        signal.set_wakeup_fd(before)
        writes.close()
        if not found.is_asked:
            watch.join(_LAST_WORDS_S)


def _watch(reads: socket.socket, found: Interruption, last_words: Callable[[], None]) -> None:
    with reads:
        while numbers := reads.recv(64):
            if _ENDING.intersection(numbers):
                found.is_asked = True
                break
        else:
            return
    # A process that ends by itself ends this thread too.
    time.sleep(_GRACE_S)
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
        # Else Python complains of dbt's semaphores after our last line.
        multiprocessing.util._run_finalizers(0)  # type: ignore[attr-defined]
