"""A child process of generate.py.

Takes an order and chunks of days from its standard input, answers once a day.
"""

import pickle
import signal
import sys

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
            pickle.dump(write_due(simulator.day(day), paths), answers)
            answers.flush()


if __name__ == "__main__":
    main()
