"""A worker that gives up an attempt to move money or to deliver a webhook sooner than it should.

A worker that was killed in the middle of an attempt is missed only when the attempt's time is up: a minute.
A short soak has not got that minute. UNBUY_SOAK_ATTEMPT: seconds.
"""

import os
import sys
from datetime import timedelta

from cli.app import main
from workflows.options import DELIVER_WEBHOOK, MOVE_MONEY

ATTEMPT = "UNBUY_SOAK_ATTEMPT"

if __name__ == "__main__":
    for options in (MOVE_MONEY, DELIVER_WEBHOOK):
        options["start_to_close_timeout"] = timedelta(seconds=float(os.environ[ATTEMPT]))
    del os.environ[ATTEMPT]
    sys.exit(main(["worker", *sys.argv[1:]]))
