"""What our processes log, to standard error."""

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal

from opentelemetry import trace
from temporalio import activity, workflow

from workflows import ids

log = logging.getLogger("unbuy")

LogFormat = Literal["lines", "json"]

_FORMAT = "%(asctime)s %(levelname)s %(message)s"
_FRAMES: Final = 8


class JsonLines(logging.Formatter):
    """One JSON object a line, with the order and the trace that it is about, where there are such.

    An error is told by its type and place: its text may be somebody's (case 54).
    """

    def format(self, record: logging.LogRecord) -> str:
        """See base class."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **dict(_about()),
        }
        if record.exc_info and (error := record.exc_info[1]):
            frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
            line["error"] = type(error).__name__
            line["at"] = [f"{it.filename}:{it.lineno} {it.name}" for it in frames]
        return json.dumps(line, ensure_ascii=False)


def _about() -> Iterator[tuple[str, Any]]:
    info: workflow.Info | activity.Info | None = None
    if workflow.in_workflow():
        info = workflow.info()
    elif activity.in_activity():
        info = of_activity = activity.info()
        yield "activity", of_activity.activity_type
        yield "attempt", of_activity.attempt
    if info and info.workflow_id:
        yield "workflow_id", info.workflow_id
        if info.workflow_type == "OrderWorkflow":
            yield "order_id", ids.read_order_workflow_id(info.workflow_id)
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        yield "trace_id", trace.format_trace_id(context.trace_id)


def log_in_lines(level: str, form: LogFormat = "lines") -> None:
    """Log what our own code says from this level on, and what libraries say from INFO on (case 117).

    Below that a database's driver repeats whatever is stored, and an HTTP client whatever it sends.
    """
    ours = logging.getLevelNamesMapping()[level]
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(_FORMAT))
    logging.basicConfig(level=max(ours, logging.INFO), handlers=[handler])
    log.setLevel(ours)
    if ours < logging.INFO:
        log.warning("UNBUY_LOG_LEVEL=%s is for looking for a fault: INFO is for production", level)
