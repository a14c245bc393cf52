"""The stories' people over HTTP: each speaks in a role, with a token of their own.

What is answered with 503 they send again when they are told to, as docs/gateway.md has it: on a busy machine
so many orders at once outlast the gateway's patience.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from demo.story import StoryFailed
from demo.transports import TemporalTransport
from gateway.openapi import EXAMPLES
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import MESSAGES, Message, PaymentReceived, Role
from orders.place_order import PlaceOrder
from orders.view import OrderView
from testing.pictures import PHOTO
from tests.gateway.conftest import Person

_TRIES_AGAIN = 5


@dataclass(frozen=True)
class HttpTransport:
    """Nothing but requests to a gateway."""

    http: httpx.AsyncClient

    async def place(self, placed: PlaceOrder) -> None:
        """See ``Transport``."""
        body = placed.model_dump(mode="json")
        answer = await _posted(self._person(placed, Role.BUYER), "/v1/orders", body)
        # The second time it may have been placed by the first.
        if answer.status_code not in (200, 201):
            raise StoryFailed(_said(answer))

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        """See ``Transport``."""
        await self.ask(placed, message)

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        """See ``Transport``."""
        path, body = (
            f"/v1/orders/{placed.order_id}",
            message.model_dump(mode="json", exclude_none=True),
        )
        sender = self._person(placed, message.senders[0])
        headers = {} if message.message_id else {"Idempotency-Key": str(uuid4())}
        answer = await _posted(
            sender, f"{path}/{message.name.replace('_', '-')}", body, headers=headers
        )
        if answer.status_code == 409 and answer.json()["code"] == RefusalCode.UNKNOWN_PROOF:
            # The story's file is nowhere; here is one.
            answer = await sender.post(
                f"{path}/proofs", data={"kind": body["kind"]}, files={"file": PHOTO}
            )
        return _view(answer)

    async def view(self, placed: PlaceOrder) -> OrderView:
        """See ``Transport``."""
        support = self._person(placed, Role.SUPPORT)
        return _view(await support.get(f"/v1/orders/{placed.order_id}"))

    def _person(self, placed: PlaceOrder, role: Role) -> Person:
        party = {Role.BUYER: placed.buyer.id, Role.SELLER: placed.seller.id}
        return Person(self.http, role.value, party.get(role, f"{role}-1"))


@dataclass(frozen=True)
class DoubtingTransport(HttpTransport):
    """Before each message it tries others that the order refuses; each refusal is asked for by update too."""

    straight: TemporalTransport
    refusals: list[tuple[NotAllowedNow, NotAllowedNow]] = field(default_factory=list)
    """Of the same message: over HTTP, and by update."""
    tried: Counter[str] = field(default_factory=Counter)

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        """See ``Transport``."""
        view = await self.view(placed)
        for actions in view.actions.values() if _lives(view) else ():
            refused = [it.action for it in actions if not it.available and it.reason]
            if refused:
                # By the order alone: which stories go on meanwhile is chance.
                name = refused[self.tried[placed.order_id] % len(refused)]
                self.tried[placed.order_id] += 1
                example = MESSAGES[name].model_validate(EXAMPLES[name])
                with suppress(NotAllowedNow):
                    await self.ask(placed, example)
                    raise StoryFailed(f"{name} was taken, but {view.status} refuses it")
        await super().tell(placed, message)

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        """See ``Transport``."""
        try:
            return await super().ask(placed, message)
        except NotAllowedNow as over_http:
            if not isinstance(
                message, PaymentReceived
            ):  # it is on its way back, and no second one is
                self.refusals.append((over_http, await self._by_update(placed, message)))
            raise

    async def _by_update(self, placed: PlaceOrder, message: Message) -> NotAllowedNow:
        try:
            await self.straight.ask(placed, message)
        except NotAllowedNow as refusal:
            return refusal
        raise StoryFailed(f"{message.name} was refused over HTTP only")


async def _posted(person: Person, path: str, body: Any, **options: Any) -> httpx.Response:
    answer = await person.post(path, body, **options)
    for _ in range(_TRIES_AGAIN):
        if answer.status_code != 503:
            break
        await asyncio.sleep(float(answer.headers["Retry-After"]))
        answer = await person.post(path, body, **options)
    return answer


def _lives(view: OrderView) -> bool:
    """Whether its process still runs, to be asked by update."""
    return bool(view.next)


def _view(answer: httpx.Response) -> OrderView:
    """What an order says."""
    if answer.status_code == 200:
        return OrderView.model_validate_json(answer.content)
    problem = answer.json()
    if problem["type"] != "/problems/not-allowed-now":
        raise StoryFailed(_said(answer))
    # One word apart: ``status`` is the answer's own in problem details.
    raise NotAllowedNow.from_details({**problem, "status": problem["order_status"]})


def _said(answer: httpx.Response) -> str:
    return (
        f"{answer.request.method} {answer.request.url.path} is {answer.status_code}: {answer.text}"
    )
