"""What no operation of the running platform may do, whoever calls it with whatever, through the gateway.

Each of these tests goes over the whole contract, so an operation that is new tomorrow is attacked tomorrow.
"""

import secrets
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from operations import ADMINISTRATORS, PUBLIC, REVIEWERS, Operation, operations
from running_platform import Account, Platform, new_account

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("platform")]

OPERATIONS = list(operations())
JSON = {"Content-Type": "application/json"}
HOSTILE_BODIES = {
    "not JSON": b"{",
    "nothing": b"",
    "a list": b"[]",
    "an unknown member": b'{"is_admin": true, "roles": ["admin"], "balance": 1000000}',
    "NUL": rb'{"name": "a\u0000b", "email": "a\u0000b", "q": "\u0000"}',
    "half a surrogate": rb'{"name": "\ud800", "email": "\udfff"}',
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "no UTF-8": b'{"name": "\xff\xfe"}',
    "NaN": b'{"points": NaN, "name": Infinity}',
    "a number without end": b'{"points": ' + b"9" * 5000 + b"}",
    "depth": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "SQL": b'{"name": "\'; DROP TABLE account; --", "email": "\' OR 1=1 --", "user_id": "\' OR 1=1"}',
}
HOSTILE_TEXTS = [
    "\0",
    "' OR 1=1 --",
    "%",
    "\\",
    "../../etc/passwd",
    "9" * 400,
    "-1",
    "NaN",
    "\N{PILE OF POO}" * 40,
    "\ufeff",
]
TELLTALE = ["Traceback", "asyncpg", "sqlalchemy", 'File "', "site-packages", "psycopg", "redis.exceptions"]
SPOOFED = {
    "X-User-Id": "00000000-0000-0000-0000-000000000001",
    "X-User-Roles": "admin",
    "X-Internal-Token": "x",
    "X-Original-URL": "/internal/revocations",
    "X-HTTP-Method-Override": "GET",
    "Forwarded": "for=127.0.0.1;proto=https",
    "X-Forwarded-For": "127.0.0.1",
}


@pytest.fixture(scope="module")
def user(platform: Platform) -> Account:
    return new_account(platform, f"{secrets.token_hex(6)}@example.org", "a long enough password")


def call(account: Account, operation: Operation, **options: object) -> httpx.Response:
    """An empty request of the right form, but for ``options``."""
    headers = {"If-Match": '"x"', "Idempotency-Key": secrets.token_hex(8), **(JSON if operation.takes_json else {})}
    address = str(options.pop("address", operation.address()))
    return account.http.request(operation.method, address, **{"headers": headers, "content": b"{}", **options})  # type: ignore[arg-type]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def but_streams(chosen: list[Operation]) -> Iterator[Operation]:
    return (operation for operation in chosen if operation.path != "/api/v1/events")


def test_the_lists_name_operations_that_exist() -> None:
    assert {operation.name for operation in OPERATIONS} >= PUBLIC | REVIEWERS | ADMINISTRATORS


def test_nobody_gets_in_without_a_token(anyone: Account) -> None:
    private = [operation for operation in OPERATIONS if operation.name not in PUBLIC]
    wrong = {one.name: refusal(call(anyone, one)) for one in private}
    assert {name: answer for name, answer in wrong.items() if answer != (401, "unauthenticated")} == {}


def test_nobody_gets_beyond_their_roles(user: Account, reviewer: Account) -> None:
    for account, closed in ((user, REVIEWERS | ADMINISTRATORS), (reviewer, ADMINISTRATORS)):
        wrong = {one.name: refusal(call(account, one)) for one in OPERATIONS if one.name in closed}
        assert {name: answer for name, answer in wrong.items() if answer != (403, "forbidden")} == {}


def test_headers_that_only_the_gateway_may_write_open_nothing(user: Account, anyone: Account) -> None:
    for account, status in ((user, 403), (anyone, 401)):
        answers = [call(account, one, headers=SPOOFED) for one in OPERATIONS if one.name in ADMINISTRATORS]
        assert {answer.status_code for answer in answers} == {status}


def test_what_is_private_is_kept_in_no_cache(admin: Account) -> None:
    private = [one for one in but_streams(OPERATIONS) if one.method == "GET" and one.name not in PUBLIC]
    kept = {one.name: call(admin, one).headers.get("Cache-Control", "") for one in private}
    assert {name: said for name, said in kept.items() if "no-store" not in said and "private" not in said} == {}


def test_no_body_breaks_an_operation_or_gets_through(admin: Account) -> None:
    for operation in OPERATIONS:
        if not operation.takes_json:
            continue
        for name, body in HOSTILE_BODIES.items():
            if not body and not operation.described["requestBody"].get("required"):
                continue
            answer = call(admin, operation, content=body)
            assert 400 <= answer.status_code < 500, (operation.name, name, answer.status_code)
            expect_a_harmless_problem(answer, (operation.name, name))


def test_no_text_in_an_address_breaks_an_operation(admin: Account) -> None:
    for operation in but_streams(OPERATIONS):
        for name in operation.parameters("path"):
            for text in HOSTILE_TEXTS:
                answer = call(admin, operation, address=operation.address(**{name: quote(text, safe="")}))
                assert answer.status_code < 500 or answer.status_code == 501, (operation.name, text)
                expect_a_harmless_problem(answer, (operation.name, text))
        for name in operation.parameters("query"):
            for text in HOSTILE_TEXTS:
                answer = call(admin, operation, params={name: text})
                assert answer.status_code < 500, (operation.name, name, text, answer.text)
                expect_a_harmless_problem(answer, (operation.name, name, text))


def expect_a_harmless_problem(answer: httpx.Response, what: object) -> None:
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json", what
        assert not [word for word in TELLTALE if word in answer.text], (what, answer.text)
    assert answer.headers["X-Content-Type-Options"] == "nosniff", what
