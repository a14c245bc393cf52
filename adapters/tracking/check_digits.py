"""Check digits of tracking numbers (R11), computed from a serial number.

A serial consists of digits and, for UPS, capital letters.
"""

from collections.abc import Callable, Iterable
from itertools import cycle
from string import ascii_uppercase, digits

CheckDigit = Callable[[str], int | str]

_ALPHANUMERIC = digits + ascii_uppercase


def mod7(serial: str) -> int:
    """The remainder of the serial divided by 7."""
    return int(serial) % 7


def mod10(first: int, second: int, plus: int = 0) -> CheckDigit:
    """The difference of the weighted sum to the next multiple of 10; weights alternate from the left.

    ``plus`` is added to the sum. Letters have UPS's values: A is 2, B is 3 and so on, modulo 10.
    """

    def digit(serial: str) -> int:
        return -(_weighted(serial, cycle((first, second))) + plus) % 10

    return digit


def luhn(serial: str) -> int:
    """ISO/IEC 7812-1, annex B: every second digit from the right is doubled, and its digits are added."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in serial[::-2])
    return -(sum(doubled) + sum(map(int, serial[-2::-2]))) % 10


def mod11(weights: tuple[int, ...]) -> CheckDigit:
    """The weighted sum modulo 11, where 10 is written 0."""

    def digit(serial: str) -> int:
        return _weighted(serial, weights) % 11 % 10

    return digit


def s10(serial: str) -> int:
    """11 minus the weighted sum modulo 11, where 10 is written 0 and 11 is written 5 (UPU, S10)."""
    lacks = 11 - _weighted(serial, (8, 6, 4, 2, 3, 5, 9, 7)) % 11
    return {10: 0, 11: 5}.get(lacks, lacks)


def mod37_36(serial: str) -> str:
    """ISO/IEC 7064, MOD 37,36: a digit or a letter."""
    product = 36
    for char in serial:
        product = ((product + _ALPHANUMERIC.index(char)) % 36 or 36) * 2 % 37
    return _ALPHANUMERIC[(37 - product) % 36]


def begun(begin: str, check_digit: CheckDigit) -> CheckDigit:
    """The check digit of ``begin`` and the serial, or of the serial alone if it begins so."""

    def digit(serial: str) -> int | str:
        return check_digit(serial if serial.startswith(begin) else begin + serial)

    return digit


def _weighted(serial: str, weights: Iterable[int]) -> int:
    return sum(_value(char) * weight for char, weight in zip(serial, weights, strict=False))


def _value(char: str) -> int:
    return int(char) if char.isdigit() else (ord(char) - ord("A") + 2) % 10
