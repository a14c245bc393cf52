"""Photos and scans over HTTP (R10, R11; case 53)."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from database.connection import Database
from demo.system import DemoSystem
from gateway.openapi import EXAMPLES
from testing.pictures import OWNER, PHOTO, black_png, pdf, photo_of_somebody
from tests.gateway.conftest import HttpStory, serving

HTML = b"<html><script>alert(1)</script></html>"


@pytest.fixture
def stored(proofs: Path) -> Callable[[HttpStory], set[str]]:
    """The names of an order's files in the store."""

    def names(order: HttpStory) -> set[str]:
        files = {it.name for it in (proofs / f"order-{order.order_id}").iterdir()}
        originals = {name.removesuffix(".copy") for name in files}
        assert files == originals | {f"{name}.copy" for name in originals}
        return originals

    return names


def _photo(number: int) -> bytes:
    """Another file for each number: what follows a picture's end is no part of it."""
    return PHOTO + str(number).encode()


async def _upload(order: HttpStory, file: bytes, key: str | None = None) -> httpx.Response:
    return await order.seller.post(
        f"{order.path}/proofs",
        files={"file": file},
        data={"kind": "photo"},
        headers={"Idempotency-Key": key} if key else {},
    )


async def _has_to_prove(order: HttpStory) -> None:
    await order.place(policy={"payment_review": "PT1S"})
    await order.pay()
    await order.until("awaiting_shipment")


async def test_a_proof_is_stored_and_served_to_those_who_may_see_the_order(
    order: HttpStory,
) -> None:
    await _has_to_prove(order)

    told = await order.seller.post(
        f"{order.path}/proofs", files={"file": ("x.html", PHOTO)}, data={"kind": "photo"}
    )

    assert told.status_code == 200, told.text
    [proof] = told.json()["shipment"]["proofs"]
    assert (proof["media_type"], proof["size"]) == ("image/jpeg", len(PHOTO))
    for person in (order.buyer, order.seller, order.support):
        handed = await person.get(f"{order.path}/proofs/{proof['sha256']}")
        assert (handed.content == PHOTO) == (person != order.buyer)
        assert handed.headers["content-type"] == "image/jpeg"
        assert handed.headers["content-disposition"].startswith("attachment; ")
        assert handed.headers["x-content-type-options"] == "nosniff"
        assert handed.headers["cache-control"] == "no-store"
    stranger = order.person("buyer", "somebody-else")
    assert (await stranger.get(f"{order.path}/proofs/{proof['sha256']}")).status_code == 404
    assert (await order.buyer.get(f"{order.path}/proofs/{'0' * 64}")).status_code == 404


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (HTML, 415),
        (b"", 422),
        (PHOTO[:-2], 422),
        (PHOTO + b"0" * 10 * 1024 * 1024, 413),
        (black_png(40_000, 40_000), 422),
        (pdf(["<< >>"] * 21), 422),
        (b"%PDF-1.7 is not one %%EOF", 422),
    ],
    ids=["page", "empty", "cut", "large", "pixels", "pages", "unreadable"],
)
async def test_an_invalid_proof_is_refused_before_it_reaches_the_order(
    order: HttpStory, proofs: Path, content: bytes, status: int
) -> None:
    """Case 53: HTML named .jpg among them. Case 83: 40,000 by 40,000 pixels in 189 KiB."""
    await _has_to_prove(order)

    refused = await order.seller.post(
        f"{order.path}/proofs", files={"file": ("photo.jpg", content)}, data={"kind": "photo"}
    )

    assert refused.status_code == status, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    view = (await order.seller.get(order.path)).json()
    assert (view["shipment"]["proofs"], view["refused"]) == ([], [])
    assert not (proofs / f"order-{order.order_id}").exists()


async def test_a_proof_that_is_not_allowed_now_is_refused_unread(order: HttpStory) -> None:
    await order.place()

    refused = await order.seller.post(
        f"{order.path}/proofs", files={"file": ("x", HTML)}, data={"kind": "photo"}
    )

    assert refused.status_code == 409
    assert refused.json()["code"] == "not_in_this_status"


@pytest.mark.parametrize(
    "other",
    [
        {"size": 1},
        {"media_type": "image/png"},
        {"sha256": "0" * 64},
        {"reference": "order-A-1/photo.jpg"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_a_message_names_only_what_is_stored_for_that_order(
    order: HttpStory, other: dict[str, Any]
) -> None:
    """Case 82: no event, and the way to upload is said."""
    await _has_to_prove(order)
    events = await order.settled_events()

    made_up = await order.seller.post(f"{order.path}/shipment-proof", EXAMPLES["shipment_proof"])

    assert made_up.status_code == 409, made_up.text
    assert made_up.json()["code"] == "unknown_proof"
    assert f"upload the photo or scan on the order's page or to {order.path}/proofs" in made_up.text
    assert await order.settled_events() == events
    told = await order.seller.post(
        f"{order.path}/proofs", files={"file": PHOTO}, data={"kind": "photo"}
    )
    [proof] = told.json()["shipment"]["proofs"]
    fields = ("kind", "reference", "media_type", "size", "sha256")
    stored = {name: proof[name] for name in fields}
    refused = await order.seller.post(f"{order.path}/shipment-proof", stored | other)
    taken = await order.seller.post(f"{order.path}/shipment-proof", stored)

    assert (refused.status_code, taken.status_code) == (409, 200)
    assert len(taken.json()["shipment"]["proofs"]) == 2


async def test_a_file_of_another_order_is_not_this_ones(order: HttpStory) -> None:
    """Case 82: the seller's own, too."""
    await _has_to_prove(order)
    other = HttpStory(order.http, order.system)
    await _has_to_prove(other)
    told = await other.seller.post(
        f"{other.path}/proofs", files={"file": PHOTO}, data={"kind": "photo"}
    )
    [proof] = told.json()["shipment"]["proofs"]
    stored = {name: proof[name] for name in EXAMPLES["shipment_proof"]}

    refused = await order.seller.post(f"{order.path}/shipment-proof", stored)

    assert refused.status_code == 409, refused.text


async def test_where_no_proof_is_taken_the_order_says_why(order: HttpStory) -> None:
    """Case 82: nothing is to be uploaded for it either."""
    await order.place()

    refused = await order.seller.post(f"{order.path}/shipment-proof", EXAMPLES["shipment_proof"])

    assert refused.status_code == 409
    assert refused.json()["code"] == "not_in_this_status"


async def test_of_many_files_under_one_key_the_first_is_kept(
    order: HttpStory, stored: Callable[[HttpStory], set[str]]
) -> None:
    """Cases 84, 112: at once, where the others are refused for their key."""
    await _has_to_prove(order)

    answers = await asyncio.gather(*(_upload(order, _photo(n), "key-1") for n in range(12)))

    assert sorted(it.status_code for it in answers) == [200] + [422] * 11
    [proof] = (await order.support.get(order.path)).json()["shipment"]["proofs"]
    assert stored(order) == {proof["sha256"]}


async def test_what_an_order_does_not_take_is_not_kept(
    order: HttpStory, stored: Callable[[HttpStory], set[str]]
) -> None:
    """Case 84: twelve at once, of which an order takes ten."""
    await _has_to_prove(order)

    answers = await asyncio.gather(*(_upload(order, _photo(n)) for n in range(12)))

    assert sorted(it.status_code for it in answers) == [200] * 10 + [409] * 2
    proofs = (await order.support.get(order.path)).json()["shipment"]["proofs"]
    assert stored(order) == {it["sha256"] for it in proofs}
    assert len(proofs) == 10


async def test_a_file_that_was_taken_stays_though_another_message_with_it_is_refused(
    order: HttpStory, stored: Callable[[HttpStory], set[str]]
) -> None:
    """Case 84: the same file twelve times at once, of which an order takes ten."""
    await _has_to_prove(order)

    answers = await asyncio.gather(*(_upload(order, PHOTO) for _ in range(12)))

    assert sorted(it.status_code for it in answers) == [200] * 10 + [409] * 2
    assert stored(order) == {sha256(PHOTO).hexdigest()}


async def test_an_order_takes_so_many_uploads_a_day(system: DemoSystem, tmp_path: Path) -> None:
    """Case 84: refused ones count; another order has its own, and so has the buyer's evidence (R16)."""
    database = await Database.open(system.database_url)
    try:
        async with (
            serving(
                system.server.client, database, proof_store=str(tmp_path), proofs_per_day=2
            ) as address,
            httpx.AsyncClient(base_url=address, timeout=20, verify=False) as http,
        ):
            order, other = HttpStory(http, system), HttpStory(http, system)
            for it in (order, other):
                await _has_to_prove(it)

            answers = [await _upload(order, file) for file in (HTML, PHOTO, _photo(1))]
            others = await _upload(other, PHOTO)
            asked = {"reason": "other", "complaint": True}
            await order.buyer.post(f"{order.path}/cancel-request", asked)
            evidence = await order.buyer.post(f"{order.path}/evidence", files={"file": PHOTO})
    finally:
        await database.close()

    codes = [it.status_code for it in (*answers, others, evidence)]
    assert codes == [415, 200, 429, 200, 200]
    problem = answers[2].json()
    assert problem["detail"] == (
        "No more files can be uploaded for this order today; try again in 24 h."
    )
    assert 0 < int(answers[2].headers["Retry-After"]) <= 24 * 3600


async def test_the_buyer_gets_a_copy_without_place_and_owner(order: HttpStory) -> None:
    """Case 85: the original stays for support, and for the seller whose it is."""
    await _has_to_prove(order)
    original = photo_of_somebody()
    [proof] = (await _upload(order, original)).json()["shipment"]["proofs"]
    path = f"{order.path}/proofs/{proof['sha256']}"

    copy = await order.buyer.get(path)

    assert (copy.status_code, copy.headers["content-type"]) == (200, "image/jpeg")
    assert copy.content.startswith(b"\xff\xd8\xff")
    assert int(copy.headers["content-length"]) == len(copy.content)
    assert OWNER.encode() not in copy.content
    for person in (order.seller, order.support):
        assert (await person.get(path)).content == original


async def test_who_names_the_others_file_as_ones_own_does_not_get_the_original(
    order: HttpStory,
) -> None:
    """Case 85: the view has all that such a message takes; the file is its first giver's."""
    await _has_to_prove(order)
    await order.buyer.post(f"{order.path}/cancel-request", {"reason": "other"})
    await order.seller.post(f"{order.path}/seller-reply", {"decision": "refuse"})
    of_buyer, of_seller = photo_of_somebody(), photo_of_somebody() + b"another"
    await _upload(order, of_seller)
    evidence = f"{order.path}/evidence"
    view = (await order.buyer.post(evidence, files={"file": of_buyer}, data={"note": ""})).json()
    [proof], [shown] = view["shipment"]["proofs"], view["dispute"]["files"]
    names = ("reference", "media_type", "size", "sha256")
    theirs = {name: proof[name] for name in names}
    mine = {name: shown[name] for name in names} | {"kind": "photo"}

    taken = [
        await order.buyer.post(f"{order.path}/dispute-evidence", theirs),
        await order.seller.post(f"{order.path}/shipment-proof", mine),
    ]

    assert [it.status_code for it in taken] == [200, 200]
    for sha, giver, other, original in (
        (proof["sha256"], order.seller, order.buyer, of_seller),
        (shown["sha256"], order.buyer, order.seller, of_buyer),
    ):
        path = f"{order.path}/proofs/{sha}"
        assert (await giver.get(path)).content == original
        copy = await other.get(path)
        assert copy.status_code == 200
        assert OWNER.encode() not in copy.content


async def test_of_a_proof_that_came_before_copies_one_is_drawn_when_it_is_asked_for(
    order: HttpStory, proofs: Path
) -> None:
    """Case 85: what earlier versions stored."""
    await _has_to_prove(order)
    [proof] = (await _upload(order, photo_of_somebody())).json()["shipment"]["proofs"]
    stored = proofs / proof["reference"]
    stored.with_name(f"{stored.name}.copy").unlink()

    copies = [await order.buyer.get(f"{order.path}/proofs/{proof['sha256']}") for _ in range(2)]

    assert [it.status_code for it in copies] == [200, 200]
    assert copies[0].content == copies[1].content
    assert OWNER.encode() not in copies[0].content


async def test_a_proof_of_earlier_versions_that_cannot_be_drawn_is_for_support_alone(
    order: HttpStory, proofs: Path
) -> None:
    """Case 85: it was judged by its first and last bytes then."""
    await _has_to_prove(order)
    old = b"\xff\xd8\xff\xe0" + bytes(99) + b"\xff\xd9"
    digest = sha256(old).hexdigest()
    stored = proofs / f"order-{order.order_id}" / digest
    stored.parent.mkdir()
    stored.write_bytes(old)
    named = {
        "kind": "photo",
        "reference": f"order-{order.order_id}/{digest}",
        "media_type": "image/jpeg",
        "size": len(old),
        "sha256": digest,
    }
    assert (await order.seller.post(f"{order.path}/shipment-proof", named)).status_code == 200
    path = f"{order.path}/proofs/{digest}"

    refused = await order.buyer.get(path)

    assert refused.status_code == 404
    assert refused.json()["detail"] == "This proof can't be shown to you; support has it."
    assert (await order.support.get(path)).content == old


async def test_a_proof_that_was_replaced_in_the_store_is_not_served(
    order: HttpStory, proofs: Path
) -> None:
    """Whoever reaches the store can take a proof away, but give no other in its place."""
    await _has_to_prove(order)
    [proof] = (await _upload(order, photo_of_somebody())).json()["shipment"]["proofs"]
    stored = proofs / proof["reference"]
    stored.with_name(f"{stored.name}.copy").unlink()
    stored.write_bytes(stored.read_bytes().replace(OWNER.encode(), b"x" * len(OWNER)))
    path = f"{order.path}/proofs/{proof['sha256']}"

    with pytest.raises(httpx.RemoteProtocolError):
        await order.support.get(path)
    refused = await order.buyer.get(path)

    assert refused.status_code == 404
    assert refused.json()["detail"] == "The stored file is not the one that was sent."
