"""``python -m bench.performance.receivers``: a mail server and a receiver of webhooks, until SIGTERM.

In a process of their own, so that what they use counts for no one. The first line of output has their
addresses, as JSON.
"""

import asyncio
import json
import signal
import sys

from testing.mail_server import mail_server
from testing.webhook_receiver import receiver


async def main() -> None:
    """Take mails and webhooks."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with mail_server() as mails, receiver() as webhooks:
        sys.stdout.write(json.dumps({"smtp": mails.url, "webhooks": webhooks.url}) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
