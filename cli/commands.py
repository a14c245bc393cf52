"""All commands, and where each is: what it needs is imported only once it is asked for."""

from typing import Final

COMMANDS: Final = {
    "place": "cli.orders:place",
    "send": "cli.messages:send",
    "show": "cli.orders:show",
    "watch": "cli.orders:watch",
    "list": "cli.orders:list_orders",
    "why": "cli.why:why",
    "outbox": "cli.outbox:outbox",
    "reconcile": "cli.accounting:reconcile",
    "books": "cli.accounting:books",
    "token": "cli.tokens:token",
    "end-sessions": "cli.sessions:end_sessions",
    "demo": "demo.command:demo",
    "up": "deploy.local:up",
    "worker": "worker:worker",
    "gateway": "gateway.__main__:gateway",
    "completion": "cli.completion:completion",
}
