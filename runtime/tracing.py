"""OpenTelemetry traces, where the settings ask for them; else nothing of OpenTelemetry is imported."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runtime.settings import Settings

if TYPE_CHECKING:
    from runtime.spans import Tracing


@contextmanager
def tracing(settings: Settings, service: str) -> Iterator["Tracing | None"]:
    """Traces of this process by the name of its service, as long as the context; None where they are off."""
    if settings.traces_url is None:
        yield None
        return
    # An extra; the settings say so where it is missing.
    from runtime.spans import Tracing

    started = Tracing.to(settings.traces_url, settings.traces_share, service)
    try:
        yield started
    finally:
        started.close()
