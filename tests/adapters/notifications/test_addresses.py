"""R21: whom a party may have told, and where."""

import pytest
from apprise import NotificationManager

from adapters.notifications.addresses import (
    ANYWHERE,
    HOSTED,
    MAIL,
    NEVER,
    allowed,
    check,
    label,
    mailbox,
    sender_of,
)
from adapters.notifications.errors import PermanentFailure

DEFAULT = allowed(None, anywhere=False)
SERVICES = NotificationManager()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("scheme", sorted(HOSTED))
def test_a_hosted_service_cannot_be_pointed_at_another_host(scheme: str) -> None:
    """R21, case 50: Apprise knows it, and no form of its address has a place for a host."""
    service = SERVICES[scheme]

    assert service
    assert not any("{host" in form for form in service.templates)


@pytest.mark.parametrize("scheme", sorted(ANYWHERE))
def test_services_that_reach_any_host_are_not_allowed_by_default(scheme: str) -> None:
    """Case 50."""
    assert SERVICES[scheme]
    with pytest.raises(PermanentFailure, match="UNBUY_NOTIFY_SCHEMES"):
        check(f"{scheme}://127.0.0.1/x", DEFAULT)

    check(f"{scheme}://127.0.0.1/x", allowed(None, anywhere=True))
    check(f"{scheme}://127.0.0.1/x", allowed([scheme.upper()], anywhere=False))


@pytest.mark.parametrize("scheme", sorted(NEVER))
def test_services_that_act_on_the_workers_machine_are_never_allowed(scheme: str) -> None:
    for schemes in (DEFAULT, allowed(None, anywhere=True)):
        with pytest.raises(PermanentFailure):
            check(f"{scheme}://x", schemes)
    with pytest.raises(ValueError, match="the worker's own machine"):
        allowed([MAIL, scheme], anywhere=False)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "anna@example.org",
        "https://discord.com/api/webhooks/1/2",
        "tgram",
        " tgram://token/1",
        "tgram://token/1?rto=86400",
        "tgram://token/1, json://127.0.0.1",
        "tgram://token/1 json://127.0.0.1",
        "slack://a/b/c/?template=/etc/passwd",
        "mailto:anna@example.org?bcc=x@example.org",
    ],
)
def test_an_unclear_address_is_refused(entry: str) -> None:
    with pytest.raises(PermanentFailure):
        check(entry, DEFAULT)


@pytest.mark.parametrize(
    ("entry", "local", "domain"),
    [
        ("mailto:anna@example.org", "anna", "example.org"),
        ("mailto://anna@example.org", "anna", "example.org"),
        ("MAILTO://Anna.Kowalska+unbuy@Example.ORG/", "Anna.Kowalska+unbuy", "example.org"),
        ("mailto:anna%2Bx@example.org", "anna+x", "example.org"),
        ("mailto:anna@żółw.pl", "anna", "xn--w-uga1v8h.pl"),
        ("mailto:żaneta@example.org", "żaneta", "example.org"),
        ("mailto:root@localhost", "root", "localhost"),
    ],
)
def test_a_mail_address_is_read(entry: str, local: str, domain: str) -> None:
    check(entry, DEFAULT)

    assert mailbox(entry) == (local, domain)


@pytest.mark.parametrize(
    ("domain", "theirs"),
    [
        ("straße.de", "xn--strae-oqa.de"),
        ("STRAßE.de", "xn--strae-oqa.de"),
        ("faß.example.org", "xn--fa-hia.example.org"),
        ("ß.de", "xn--zca.de"),
        ("βόλος.com", "xn--nxasmm1c.com"),
        ("ΒΌΛΟς.com", "xn--nxasmm1c.com"),
        ("xn--strae-oqa.de", "xn--strae-oqa.de"),
        ("例え。jp", "xn--r8jz45g.jp"),
    ],
)
def test_an_internationalised_domain_is_encoded_exactly(domain: str, theirs: str) -> None:
    """Case 73: strasse.de and βόλοσ.com, as IDNA 2003 had them, may be somebody else's."""
    assert mailbox(f"mailto:anna@{domain}") == ("anna", theirs)


@pytest.mark.parametrize(
    "entry",
    [
        "mailto:",
        "mailto:anna",
        "mailto:@example.org",
        "mailto://anna:password@example.org",
        "mailto:anna@example.org,bob@example.org",
        "mailto:anna@bob@example.org",
        "mailto:anna@example.org%0D%0ABcc:bob@example.org",
        "mailto:anna%0A@example.org",
        "mailto:<anna@example.org>",
        "mailto:anna@[127.0.0.1]",
        "mailto:anna@example..org",
        "mailto:anna@example.org.",
        "mailto:anna@exa_mple.org",
        "mailto:anna@-example.org",
        "mailto:anna@xn--a.de",
        "mailto:anna@a\N{ZERO WIDTH JOINER}b.de",
        "mailto:.anna@example.org",
        f"mailto:{'a' * 65}@example.org",
        f"mailto:anna@{'a' * 64}.org",
        f"mailto:anna@{'a.' * 126}org",
    ],
)
def test_an_invalid_mail_address_is_refused(entry: str) -> None:
    """No second recipient and no second header comes in by an address."""
    with pytest.raises(PermanentFailure, match="is not a mail address"):
        mailbox(entry)


def test_support_sees_only_the_scheme_of_an_address() -> None:
    """Case 54: also of one that is no address at all."""
    assert label("json://canary@10.0.0.1", DEFAULT) == "json"
    assert label("canary:canary@example.org", DEFAULT) == "unknown"
    assert label("canary", DEFAULT) == "unknown"


def test_a_sender_is_read() -> None:
    assert str(sender_of("Unbuy <orders@example.org>")) == "Unbuy <orders@example.org>"
    assert str(sender_of("orders@example.org")) == "orders@example.org"
    for text in ("", "Unbuy", "a@b@c", "Unbuy <orders@example.org> x"):
        with pytest.raises(ValueError, match="is not a sender"):
            sender_of(text)
