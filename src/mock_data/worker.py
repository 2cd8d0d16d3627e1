"""A child process of generate.py.

Takes an order and chunks of days from its standard input, answers once a day.
"""

import pickle
import signal
import sys

from mock_data.day import Simulator
from mock_data.generate import write_day


def main() -> None:
    """Work until the input ends.

    Ctrl-C is the parent's to handle; a polite kill lets the open file be cleared away.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    orders, answers = sys.stdin.buffer, sys.stdout.buffer
    order = pickle.load(orders)
    simulator = Simulator(order.fleet, order.seed, order.profile)
    pickle.dump("ready", answers)
    answers.flush()
    while True:
        try:
            days = pickle.load(orders)
        except EOFError:
            return
        for day in days:
            pickle.dump(write_day(simulator, order, day), answers)
            answers.flush()


if __name__ == "__main__":
    main()
