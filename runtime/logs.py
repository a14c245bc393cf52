"""What our processes log, to standard error."""

import logging

log = logging.getLogger("unbuy")

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def log_in_lines(level: str) -> None:
    """Log what our own code says from this level on, and what libraries say from INFO on (case 117).

    Below that a database's driver repeats whatever is stored, and an HTTP client whatever it sends.
    """
    ours = logging.getLevelNamesMapping()[level]
    logging.basicConfig(level=max(ours, logging.INFO), format=_FORMAT)
    log.setLevel(ours)
    if ours < logging.INFO:
        log.warning("UNBUY_LOG_LEVEL=%s is for looking for a fault: INFO is for production", level)
