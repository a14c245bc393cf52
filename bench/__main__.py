"""``python -m bench``: the load and soak runs, one command each."""

import sys
from typing import Final

from cli import help as cli_help
from cli.program import new_app, run

COMMANDS: Final = {
    "bench": "bench.performance.command:bench",
    "bench-many": "bench.performance.many:bench_many",
    "load-http": "bench.http.load:load_http",
    "soak-http": "bench.http.soak:soak_http",
    "soak-money": "bench.money.command:soak_money",
}
"""Each is imported only when it is asked for: the libraries that make requests and faults take seconds."""

app = new_app("python -m bench", help="Load and soak Unbuy.")
for _name, _path in COMMANDS.items():
    app.command(_path, name=_name, help=cli_help.description(_path))


if __name__ == "__main__":
    sys.exit(run(app, sys.argv[1:]))
