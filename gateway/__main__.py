"""``python -m gateway``: the command that serves the HTTP API and the pages."""

import asyncio
import sys

from cli.app import main
from cli.failure import Failure
from cli.settings import read_settings
from gateway.observability import log_as_json
from gateway.server import serve
from i18n.catalogues import LOCALES
from i18n.current import use_locale
from runtime.logs import log_in_lines
from runtime.temporal import CannotServe


def gateway() -> int:
    """Serve the HTTP API and its pages, until SIGTERM or SIGINT."""
    settings = read_settings()
    log_in_lines(settings.log_level, settings.log_format)
    log_as_json()
    try:
        # Responses and logs do not depend on the terminal's language.
        with use_locale(LOCALES[0]):
            asyncio.run(serve(settings))
    except CannotServe as error:
        raise Failure(str(error), status=1) from None
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(["gateway", *sys.argv[1:]]))
