"""A worker whose attempts to move money or deliver webhooks time out early.

A killed worker is noticed only when its attempt times out, after a minute, which is too long for a short
soak. UNBUY_SOAK_ATTEMPT: the timeout in seconds.
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
