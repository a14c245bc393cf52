"""What pydantic says of bad input, marked for the catalogues: its words, as ``InvalidInput`` quotes them.

A test compares them with pydantic's own, so that a new version's words are noticed.
"""

from typing import Final

from i18n.catalogues import N_, NN_

COMPLAINTS: Final[tuple[str | tuple[str, str], ...]] = (
    N_("Field required"),
    N_("Extra inputs are not permitted"),
    N_("Invalid JSON: {error}"),
    N_("Input should be an object"),
    N_("Input should be a valid array"),
    N_("Input should be a valid string"),
    N_("Input should be a valid boolean"),
    N_("Input should be a valid integer"),
    N_("Input should be a valid integer, got a number with a fractional part"),
    N_("Input should be a valid integer, unable to parse string as an integer"),
    N_("Unable to parse input string as an integer, exceeded maximum size"),
    N_("Input should be a valid datetime, {error}"),
    N_("Input should be a valid duration"),
    N_("Input should be a valid duration, {error}"),
    N_("Input should have timezone info"),
    N_("Input should be greater than {least}"),
    N_("Input should be greater than or equal to {least}"),
    N_("Input should be less than or equal to {most}"),
    N_("String should match pattern '{pattern}'"),
    NN_(
        "String should have at least {number} character",
        "String should have at least {number} characters",
    ),
    NN_(
        "String should have at most {number} character",
        "String should have at most {number} characters",
    ),
    NN_(
        "{kind} should have at least {number} item after validation, not {actual}",
        "{kind} should have at least {number} items after validation, not {actual}",
    ),
    NN_(
        "{kind} should have at most {number} item after validation, not {actual}",
        "{kind} should have at most {number} items after validation, not {actual}",
    ),
    # The choices are the contract's words in quotes, or a class of ours.
    N_("Input should be {choices}"),
)
