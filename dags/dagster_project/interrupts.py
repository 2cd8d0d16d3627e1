"""Signals that ask a run to end, and that libraries inside its steps swallow.

dlt keeps the first signal back until its load is over, dbt takes an interruption for an error of one model.
"""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_AGAIN_S = 3.0
_asked = threading.Event()


def end_like_ctrl_c() -> None:
    """Let SIGTERM and a closed terminal end a run as Ctrl-C does: as a failed run that frees what it holds."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def asked_to_end() -> bool:
    """Whether the run at work, or the last one, was asked to end."""
    return _asked.is_set()


@contextmanager
def insistent_interrupts() -> Iterator[None]:
    """Once asked to end, the process is asked again every few seconds, until what stands in this block has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reads, writes = socket.socketpair()
    writes.setblocking(False)
    # The interpreter writes the number of each signal there, whoever handles it.
    before = signal.set_wakeup_fd(writes.fileno(), warn_on_full_buffer=False)
    _asked.clear()
    over = threading.Event()
    watch = threading.Thread(target=_insist, args=(reads, over, before), daemon=True)
    watch.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        over.set()
        writes.close()
        watch.join()
        reads.close()


def _insist(reads: socket.socket, over: threading.Event, before: int) -> None:
    while numbers := reads.recv(64):
        if before >= 0:
            # Who listened there still has to hear of it.
            os.write(before, numbers)
        if ENDING.intersection(numbers):
            _asked.set()
            while not over.wait(_AGAIN_S):
                os.kill(os.getpid(), signal.SIGINT)
            return


def _interrupt(_: int, frame: FrameType | None) -> None:
    on_ctrl_c = signal.getsignal(signal.SIGINT)
    if not callable(on_ctrl_c):
        raise KeyboardInterrupt
    on_ctrl_c(signal.SIGINT, frame)
