"""A link of the chain is what any reader of the ledger can compute again, with nothing but SHA-256 and JSON."""

import hashlib

from rewards_service.services.chain import BEFORE_THE_FIRST, link_hash

BOOKED = {"kind": "test", "id": "1", "description": "é", "entries": [["e", "points.issued", 10, None]], "size": 2}
CONTENT = '{"description":"é","entries":[["e","points.issued",10,null]],"id":"1","kind":"test","size":2}'


def test_a_link_is_the_hash_of_the_one_before_and_of_what_was_booked() -> None:
    first = link_hash(BEFORE_THE_FIRST, BOOKED)
    assert first == hashlib.sha256(bytes(32) + CONTENT.encode()).digest()
    assert link_hash(first, BOOKED) == hashlib.sha256(first + CONTENT.encode()).digest()
