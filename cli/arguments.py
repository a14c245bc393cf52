"""What commands take: the kinds of their arguments, and who somebody's id names."""

from typing import Annotated, Final, Literal

from cyclopts import Parameter

from cli.failure import Failure
from i18n.current import gettext

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
JSON: Final = "--json"
Json = Annotated[Flag, Parameter(name=JSON)]
Id = Annotated[str | None, Parameter(metavar="ID")]


def party_id(role: Literal["buyer", "seller", "support", "provider"], party: str) -> str:
    """The id of somebody in this role; one that could be nobody's is refused."""
    # Help names no ids, and needs not the time that this takes to import.
    from pydantic import TypeAdapter, ValidationError

    from orders.values import PartyId

    try:
        return TypeAdapter(PartyId).validate_python(party)
    except ValidationError:
        raise Failure(
            gettext(
                "{nobody}: an id has up to 64 letters, digits or any of . _ : | @ + -",
                nobody=_nobody(role),
            )
        ) from None


def _nobody(role: Literal["buyer", "seller", "support", "provider"]) -> str:
    match role:
        case "buyer":
            return gettext("There can be no buyer of this id")
        case "seller":
            return gettext("There can be no seller of this id")
        case "support":
            return gettext("Nobody in support can have this id")
        case "provider":
            return gettext("There can be no payment provider of this id")
