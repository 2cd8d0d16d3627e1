"""A child process of generate.py.

Takes an order and chunks of days from its standard input, answers once a day: with what was written, or with the error.
"""

import pickle
import signal
import sys
import traceback

from mock_data.day import write_due


def main() -> None:
    """Work until the input ends.

    Ctrl-C is the parent's to handle; a polite kill lets the file in the making be cleared away.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    orders, answers = sys.stdin.buffer, sys.stdout.buffer
    simulator = pickle.load(orders)
    pickle.dump("ready", answers)
    answers.flush()
    while True:
        try:
            chunk = pickle.load(orders)
        except EOFError:
            return
        for day, paths in chunk:
            answer: tuple[int, int] | Exception
            try:
                answer = write_due(simulator.day(day), paths)
            # The parent raises it: one error is told once, by the command.
            except Exception as error:
                error.add_note(traceback.format_exc())
                answer = error
            pickle.dump(answer, answers)
            answers.flush()


if __name__ == "__main__":
    main()
