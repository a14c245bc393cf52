"""The demo's stories by the rules alone and on the time-skipping server: the same verbs, the same endings.

The demo itself lives through them on a real server, and ``tests/gateway/test_stories.py`` over HTTP.
"""

import pytest
from temporalio.testing import WorkflowEnvironment

from adapters.tracking.rules import CarrierRules
from demo.report import came_to
from demo.scenarios import STORIES, Story
from demo.story import OrderStory
from tests.stories.rules import RulesDriver
from tests.stories.time_skipping import time_skipping_story

each_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.order_id)


async def _must_end_as_told(story: Story, order: OrderStory) -> None:
    await order.place()

    await story.happens(order)

    view = await order.must_end()
    strays = [await order.stray_payment(payment_id) for payment_id in order.stray_payments]
    assert came_to(view, strays) == story.ends


@each_story
async def test_a_story_ends_as_told_by_the_rules_alone(story: Story) -> None:
    """R1-R23: what an order comes to is decided by its rules."""
    await _must_end_as_told(story, OrderStory(RulesDriver(), story.order()))


@each_story
async def test_a_story_ends_as_told_on_the_time_skipping_server(
    environment: WorkflowEnvironment, story: Story
) -> None:
    """R1-R23: the same with workflows, a worker and fakes for all that is outside."""
    async with time_skipping_story(environment, story.order_id, serves=False) as order:
        order.placed = story.order()
        order.world.number_rules = CarrierRules()

        async with order.working():
            await _must_end_as_told(story, order)
