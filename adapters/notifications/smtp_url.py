"""Which SMTP server carries the mail, from one URL."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from i18n.current import gettext


@dataclass(frozen=True)
class SmtpServer:
    """``smtps`` speaks TLS from the start, ``smtp`` turns to it by STARTTLS before anything is said."""

    host: str
    port: int
    tls_from_the_start: bool
    starttls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Read ``smtp://…`` or ``smtps://…``; ``?starttls=no`` is for a server on the same machine.

        Raises ValueError with a sentence that repeats nothing of the URL.
        """
        try:
            read = urlsplit(url)
            port = read.port
        except ValueError:
            raise _bad_form() from None
        options = dict(parse_qsl(read.query, keep_blank_values=True))
        starttls = options.pop("starttls", "yes")
        if (
            read.scheme not in ("smtp", "smtps")
            or not read.hostname
            or read.path not in ("", "/")
            or options
            or starttls not in ("yes", "no")
        ):
            raise _bad_form()
        is_secure = read.scheme == "smtps" or starttls == "yes"
        if read.password and not is_secure:
            raise ValueError(gettext("would send its password in clear: leave out starttls=no"))
        return cls(
            host=read.hostname,
            port=port or (465 if read.scheme == "smtps" else 587),
            tls_from_the_start=read.scheme == "smtps",
            starttls=read.scheme == "smtp" and starttls == "yes",
            user=unquote(read.username) if read.username else None,
            password=unquote(read.password) if read.password else None,
        )


def _bad_form() -> ValueError:
    return ValueError(
        gettext(
            "is not an address such as smtp://user:password@mail.example.org:587 or "
            "smtps://mail.example.org"
        )
    )
