"""``worker.py``, which gives up an attempt to move money sooner than the product does.

A worker that was killed in the middle of an attempt is missed only when the attempt's time is up: a minute.
A short soak has not got that minute. UNBUY_SOAK_ATTEMPT: seconds.
"""

import os
import sys
from datetime import timedelta

from worker import main
from workflows.options import MOVE_MONEY

ATTEMPT = "UNBUY_SOAK_ATTEMPT"

if __name__ == "__main__":
    MOVE_MONEY["start_to_close_timeout"] = timedelta(seconds=float(os.environ.pop(ATTEMPT)))
    sys.exit(main())
