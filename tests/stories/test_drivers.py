"""The demo's stories by the rules alone and on the time-skipping server: the same verbs, the same endings.

The demo itself lives through them on a real server, and ``tests/gateway/test_stories.py`` over HTTP.
"""

import pytest
from temporalio.testing import WorkflowEnvironment

from adapters.tracking.rules import CarrierRules
from demo.report import ending_of
from demo.scenarios import SCENARIOS, Scenario
from demo.story import OrderStory
from tests.stories.rules import RulesDriver
from tests.stories.time_skipping import time_skipping_story

each_scenario = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=lambda scenario: scenario.order_id
)


async def _must_end_as_told(scenario: Scenario, order: OrderStory) -> None:
    await order.place()

    await scenario.happens(order)

    view = await order.must_end()
    strays = [await order.stray_payment(payment_id) for payment_id in order.stray_payments]
    assert ending_of(view, strays) == scenario.ends


@each_scenario
async def test_a_story_ends_as_told_by_the_rules_alone(scenario: Scenario) -> None:
    """R1-R23: what an order comes to is decided by its rules."""
    await _must_end_as_told(scenario, OrderStory(RulesDriver(), scenario.order()))


@each_scenario
async def test_a_story_ends_as_told_on_the_time_skipping_server(
    environment: WorkflowEnvironment, scenario: Scenario
) -> None:
    """R1-R23: the same with workflows, a worker and fakes for all that is outside; in the sandbox."""
    async with time_skipping_story(environment, scenario.order_id, serves=False) as order:
        order.placed = scenario.order()
        order.world.number_rules = CarrierRules()

        async with order.working(sandboxed=True):
            await _must_end_as_told(scenario, order)
