"""Dashboard, alert rules and runbook are about what a really started worker and gateway say."""

import json
import os
import re
import shlex
import signal
import sys
from asyncio import create_subprocess_exec, wait_for
from asyncio.subprocess import DEVNULL, PIPE
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import promql_parser as promql
import pytest
import pytest_asyncio
import temporalio.bridge
import yaml  # type: ignore[import-untyped]
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ConfigDict, Field

from cli.app import app
from cli.program import QUIETLY
from client import orders
from database.connection import Database
from demo.waiting import until
from deploy.embedded import embedded_server, temporal_executable
from deploy.ports import LOOPBACK, free_port
from orders.errors import NotAllowedNow
from orders.messages import parse
from tests.database.samples import book, posting
from tests.orders.builders import message, place
from workflows import ids

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()

# What Prometheus itself adds.
OF_PROMETHEUS = {"up": {"job", "instance"}}
TARGET = {"job", "instance"}

ONLY_AFTER_A_FAILURE = {
    "temporal_activity_execution_failed_total": {"activity_type"},
    "temporal_request_failure_total": {"operation"},
    "temporal_workflow_task_execution_failed_total": {"workflow_type", "failure_reason"},
}
"""Counters that the SDK does not show before they count; their names are in its binary."""


class Rule(BaseModel):
    """An alert rule as Prometheus takes it."""

    model_config = ConfigDict(extra="forbid")

    alert: str = Field(pattern=r"^Unbuy[A-Za-z]+$")
    expr: str
    wait: str = Field(alias="for")
    labels: dict[str, str]
    annotations: dict[str, str]


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    rules: list[Rule]


class Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")

    groups: list[Group]


def rules() -> list[Rule]:
    read = Rules.model_validate(yaml.safe_load((MONITORING / "alerts.yml").read_text()))
    return [rule for group in read.groups for rule in group.rules]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
    return found


def queries() -> dict[str, str]:
    """Each PromQL query, by what it is of."""
    of_panels = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard()["panels"]
        for target in panel.get("targets", ())
    }
    return of_panels | {rule.alert: rule.expr for rule in rules()}


def nodes(query: str) -> list[Any]:
    found: list[Any] = []
    promql.walk(promql.parse(query), found.append)
    return found


def asked(query: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics that a query is of, each with the labels that it chooses or groups by."""
    found = nodes(query)
    grouped = {
        label
        for it in found
        if isinstance(it, promql.AggregateExpr) and it.modifier
        for label in it.modifier.labels
    }
    for it in found:
        if isinstance(it, promql.VectorSelector):
            yield it.name or "", grouped | {matcher.name for matcher in it.matchers.matchers}


@asynccontextmanager
async def _served(*command: str, **environment: str) -> AsyncIterator[None]:
    process = await create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, env=os.environ | environment, stdout=DEVNULL
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        await wait_for(process.wait(), 60)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def measured(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Mapping[str, set[str]]]:
    """The labels of every metric that a worker and a gateway show after some work."""
    folder = tmp_path_factory.mktemp("monitoring")
    workers, gateways = (f"http://{LOOPBACK}:{free_port()}" for _ in range(2))
    async with embedded_server(time_skipping=False) as server, httpx.AsyncClient() as http:
        environment = {
            "TEMPORAL_ADDRESS": server.address,
            "UNBUY_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/unbuy.db",
            "UNBUY_TOKEN_SECRET": "a secret of this test run, 32 or more",
            "UNBUY_WORKER_PORT": workers.rpartition(":")[2],
            "UNBUY_GATEWAY_PORT": gateways.rpartition(":")[2],
        }

        async def is_ready(address: str) -> bool:
            try:
                return (await http.get(f"{address}/readyz")).is_success
            except httpx.TransportError:
                return False

        database = await Database.open(environment["UNBUY_DATABASE_URL"])
        await book(
            database,
            posting("received", 500, "stray", "stray/p-9"),
            posting("chargeback", 30, "unmatched", "A-9"),
        )
        await database.close()
        async with (
            _served("worker.py", "--processes", "1", **environment),
            _served("-m", "gateway", **environment),
        ):
            for address in (workers, gateways):
                await until(partial(is_ready, address), within=timedelta(seconds=90))
            await orders.place(server.client, place(order_id="measured"))
            with pytest.raises(NotAllowedNow):
                await orders.update(server.client, "measured", message("cancel_withdrawal"))
            # An activity that is not local.
            await server.client.get_schedule_handle(ids.RETENTION).trigger()

            async def labels() -> dict[str, set[str]]:
                shown: defaultdict[str, set[str]] = defaultdict(set)
                for address in (workers, gateways):
                    text = (await http.get(f"{address}/metrics")).text
                    for family in text_string_to_metric_families(text):
                        for name in {it.name for it in family.samples} or {family.name}:
                            shown[name] |= TARGET
                        for it in family.samples:
                            shown[it.name] |= it.labels.keys()
                return shown

            yield await until(
                labels, lambda it: "temporal_activity_execution_latency_seconds_bucket" in it
            )


def test_the_rules_and_the_dashboard_are_what_prometheus_and_grafana_take() -> None:
    """By their own models: nothing is lost when Grafana reads the dashboard."""
    register_default_plugins()
    written = dashboard()

    read = json.loads(JSONEncoder().encode(Dashboard.from_json(written)))

    assert list(_lost(written, read, "")) == []
    assert len({panel["id"] for panel in written["panels"]}) == len(written["panels"])
    assert all(promql.parse_duration(rule.wait) >= timedelta(minutes=5) for rule in rules())
    assert {rule.labels["severity"] for rule in rules()} == {"page", "ticket"}


def _lost(written: Any, read: Any, where: str) -> Iterator[str]:
    match written:
        case dict():
            for key, value in written.items():
                yield from _lost(value, read.get(key), f"{where}/{key}")
        case list():
            for number, value in enumerate(written):
                yield from _lost(value, read[number], f"{where}/{number}")
        case _ if written != read:
            yield where


def test_every_query_is_of_metrics_that_worker_and_gateway_show(
    measured: Mapping[str, set[str]],
) -> None:
    known = {**measured, **OF_PROMETHEUS}
    for name, labels in ONLY_AFTER_A_FAILURE.items():
        known.setdefault(name, labels | TARGET)

    wrong = {
        what: (metric, labels - known.get(metric, set()))
        for what, query in queries().items()
        for metric, labels in asked(query)
        if not labels <= known.get(metric, set()) or metric not in known
    }

    assert wrong == {}
    assert len(queries()) > 50


def test_counters_of_failures_are_the_sdks() -> None:
    """They are not shown before something fails; their names are in its binary."""
    (binary,) = Path(temporalio.bridge.__path__[0]).glob("temporal_sdk_bridge*")
    code = binary.read_bytes()
    for name, labels in ONLY_AFTER_A_FAILURE.items():
        for text in (name.removeprefix("temporal_").removesuffix("_total"), *labels):
            assert text.encode() in code, text


def test_every_alert_has_its_section_in_the_runbook() -> None:
    alerts = [rule.alert for rule in rules()]
    sections = dict(re.findall(r"^## (Unbuy\w+)\n(.*?)(?=^## )", RUNBOOK, re.M | re.S))

    assert list(sections) == alerts
    for alert, rule in zip(alerts, rules(), strict=True):
        assert rule.annotations["runbook_url"] == f"docs/runbook.md#{alert.lower()}"
        assert rule.annotations["summary"]
        assert "**Means**: " in sections[alert]
        assert "**Do**: " in sections[alert]


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", RUNBOOK, re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("command", sorted({*commands()}))
async def test_every_command_of_the_runbook_exists(command: str) -> None:
    """With its options: ours by our own parser, Temporal's by its help."""
    program, *arguments = shlex.split(command)
    match program:
        case "unbuy":
            app.parse_args(arguments, **QUIETLY)
            if arguments[0] == "send":
                parse(arguments[2], [arguments[3].encode()])
        case "temporal":
            names = [*_names(arguments)]
            process = await create_subprocess_exec(
                temporal_executable(),
                *names,
                "--help",
                stdout=PIPE,
                stderr=PIPE,
            )
            said = b"".join(await process.communicate()).decode()
            assert f"temporal {' '.join(names)} [flags]" in said
            for option in (it for it in arguments if it.startswith("--")):
                assert f"{option} " in said, option
        case _:
            assert command.startswith("curl http://127.0.0.1:"), command
            assert command.endswith(("/readyz", "/healthz", "/metrics")), command


def _names(arguments: list[str]) -> Iterator[str]:
    for it in arguments:
        if it.startswith("-"):
            return
        yield it
