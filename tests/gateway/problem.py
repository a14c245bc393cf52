"""What every refusal looks like."""

import re
from typing import Any

import httpx

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
# Whole sentences; inside, a colon may lead in what is meant by a name in small letters.
_SENTENCE = re.compile(r"[A-Za-z(].*[.)]", re.DOTALL)


def must_be_problem(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """The problem that an answer is; it says in a sentence what is wrong, and no more than that."""
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert HEADERS.items() <= dict(answer.headers).items()
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["instance"] == f"urn:request:{answer.headers['x-request-id']}"
    assert found["type"].startswith("/problems/")
    assert found["title"]
    assert _SENTENCE.fullmatch(found["detail"]), found["detail"]
    assert "Traceback" not in answer.text
    if answer.status_code in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
    return found
