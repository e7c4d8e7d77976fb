"""The check digit of an ISIN (ISO 6166).

An ISIN is a prefix of two letters, nine letters or digits, and a check digit. To compute that digit each letter
becomes two digits (A is 10, Z is 35), and the Luhn algorithm ("modulus 10 double-add-double", ISO/IEC 7812-1, annex
B) runs over the row from the right: every other digit is doubled, beginning with the last, and all digits are added.

The prefix is held against no list: besides countries there are EU, EZ, XS and others, and new ones come.
"""

import re
from string import ascii_uppercase, digits

from extractor.errors import IsinError

_BODY = re.compile(r"[A-Z]{2}[A-Z0-9]{9}")

# What a character adds, by whether the digit at its right end is doubled. A letter is two digits wide: its left one is
# in the other state, and the character before it in the same one. A digit turns the state.
_DOUBLED = {str(n): n * 2 % 10 + n * 2 // 10 for n in range(10)}
_PLAIN = {str(n): n for n in range(10)}
for _number, _letter in enumerate(ascii_uppercase, start=10):
    _tens, _ones = divmod(_number, 10)
    _DOUBLED[_letter] = _tens + _DOUBLED[str(_ones)]
    _PLAIN[_letter] = _DOUBLED[str(_tens)] + _ones


def isin_check_digit(body: str) -> int:
    """The check digit (0 to 9) for the first 11 characters of an ISIN, by ISO 6166.

    Raises IsinError when they are not two letters and nine letters or digits, upper case and ASCII.
    """
    if not _BODY.fullmatch(body):
        raise IsinError("not the first 11 characters of an ISIN: two letters, nine letters or digits, upper case")
    total = 0
    doubled = True
    for character in reversed(body):
        total += (_DOUBLED if doubled else _PLAIN)[character]
        doubled ^= character in digits
    return -total % 10


def is_valid_isin(text: str) -> bool:
    """Whether this has the shape of an ISIN and the right check digit (ISO 6166); any two letters are a prefix."""
    return len(text) == 12 and _BODY.match(text) is not None and text[11] == str(isin_check_digit(text[:11]))
