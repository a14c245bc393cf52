"""Photos and scans over HTTP (R10, R11; case 53)."""

import pytest

from tests.gateway.conftest import HttpStory

JPEG = b"\xff\xd8\xff\xe0" + b"0" * 2000 + b"\xff\xd9"
HTML = b"<html><script>alert(1)</script></html>"


async def _has_to_prove(order: HttpStory) -> None:
    await order.place(policy={"payment_review": "PT1S"})
    await order.pay()
    await order.until("awaiting_shipment")


async def test_a_proof_is_stored_and_served_to_those_who_may_see_the_order(
    order: HttpStory,
) -> None:
    await _has_to_prove(order)

    told = await order.seller.post(
        f"{order.path}/proofs", files={"file": ("x.html", JPEG)}, data={"kind": "photo"}
    )

    assert told.status_code == 200, told.text
    [proof] = told.json()["shipment"]["proofs"]
    assert (proof["media_type"], proof["size"]) == ("image/jpeg", len(JPEG))
    for person in (order.buyer, order.support):
        handed = await person.get(f"{order.path}/proofs/{proof['sha256']}")
        assert handed.content == JPEG
        assert handed.headers["content-type"] == "image/jpeg"
        assert handed.headers["content-disposition"].startswith("attachment; ")
        assert handed.headers["x-content-type-options"] == "nosniff"
        assert handed.headers["cache-control"] == "no-store"
    stranger = order.person("buyer", "somebody-else")
    assert (await stranger.get(f"{order.path}/proofs/{proof['sha256']}")).status_code == 404
    assert (await order.buyer.get(f"{order.path}/proofs/{'0' * 64}")).status_code == 404


@pytest.mark.parametrize(
    ("content", "status"),
    [(HTML, 415), (b"", 422), (JPEG[:-2], 422), (JPEG + b"0" * 10 * 1024 * 1024, 413)],
    ids=["page", "empty", "cut", "large"],
)
async def test_an_invalid_proof_is_refused_before_it_reaches_the_order(
    order: HttpStory, content: bytes, status: int
) -> None:
    """Case 53: HTML named .jpg among them."""
    await _has_to_prove(order)

    refused = await order.seller.post(
        f"{order.path}/proofs", files={"file": ("photo.jpg", content)}, data={"kind": "photo"}
    )

    assert refused.status_code == status, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    view = (await order.seller.get(order.path)).json()
    assert (view["shipment"]["proofs"], view["refused"]) == ([], [])


async def test_a_proof_that_is_not_allowed_now_is_refused_unread(order: HttpStory) -> None:
    await order.place()

    refused = await order.seller.post(
        f"{order.path}/proofs", files={"file": ("x", HTML)}, data={"kind": "photo"}
    )

    assert refused.status_code == 409
    assert refused.json()["code"] == "not_in_this_status"
