"""What belongs to one person is not there for another, on any operation of the contract, nor in any list.

Generated from the contract: an operation that is new tomorrow and names an object by a parameter that nobody has put
on one of the two lists fails, until somebody says whose objects these are.
"""

import secrets
from collections.abc import Iterator

import pytest
from operations import ADMINISTRATORS, PUBLIC, REVIEWERS, Operation, operations
from running_platform import Account, Platform, new_account, phone_screenshot

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("platform")]

OF_ONE_PERSON = {"task_id", "proof_id", "session_id"}
OF_ALL = {"app_id", "category_id", "code", "isin", "name", "package_name", "run_id", "sha256"}
FOR_ROLES = REVIEWERS | ADMINISTRATORS
FORM = {"files": {"file": ("shot.png", b"never looked at", "image/png")}}


def for_everybody() -> Iterator[Operation]:
    """The operations of people without a role of the staff."""
    return (one for one in operations() if one.name not in FOR_ROLES | PUBLIC)


@pytest.fixture(scope="module")
def owner(platform: Platform) -> Account:
    return new_account(platform, f"owner-{secrets.token_hex(6)}@example.org", "a long enough password")


@pytest.fixture(scope="module")
def stranger(platform: Platform) -> Account:
    return new_account(platform, f"stranger-{secrets.token_hex(6)}@example.org", "a long enough password")


@pytest.fixture(scope="module")
def owned(owner: Account) -> dict[str, str]:
    """An object of each kind, with its id under the name of the parameter."""
    app = owner.get("/api/v1/apps").json()["items"][0]["id"]
    task = owner.post("/api/v1/tasks", {"app_id": app}).json()["id"]
    picture = {"file": ("shot.png", phone_screenshot(secrets.token_hex(4)), "image/png")}
    proof = owner.post(f"/api/v1/tasks/{task}/proofs", files=picture).json()["id"]
    session = owner.get("/api/v1/users/me/sessions").json()["items"][0]["id"]
    return {"task_id": task, "proof_id": proof, "session_id": session}


def test_every_parameter_that_names_an_object_says_whose_it_is() -> None:
    named = {name for one in operations() if one.name not in FOR_ROLES for name in one.parameters("path")}
    assert named == OF_ONE_PERSON | OF_ALL


def test_no_operation_finds_the_object_of_another(owner: Account, stranger: Account, owned: dict[str, str]) -> None:
    tried = 0
    for one in for_everybody():
        if not OF_ONE_PERSON.intersection(one.parameters("path")):
            continue
        body = FORM if "multipart/form-data" in one.described.get("requestBody", {}).get("content", {}) else {}
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        answer = stranger.http.request(one.method, one.address(**owned), headers=headers, **body)  # type: ignore[arg-type]
        assert answer.status_code == 404, (one.name, answer.text)
        unknown = stranger.http.request(one.method, one.address(), headers=headers, **body)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (unknown.status_code, unknown.json()["code"]), one.name
        tried += 1
    assert tried >= 6
    # Nothing happened to them, and the ids were the right ones.
    assert owner.get(f"/api/v1/tasks/{owned['task_id']}").json()["status"] == "submitted"
    assert owner.get(f"/api/v1/proofs/{owned['proof_id']}/image").status_code == 200
    assert owned["session_id"] in owner.get("/api/v1/users/me/sessions").text


def test_no_list_shows_what_belongs_to_another(owner: Account, stranger: Account, owned: dict[str, str]) -> None:
    me = owner.get("/api/v1/users/me").json()
    private = [*owned.values(), me["id"], me["email"]]
    lists = [one for one in for_everybody() if one.method == "GET" and not one.parameters("path")]
    for one in lists:
        if one.path != "/api/v1/events":  # it has no end; what it tells whom is tested where it is made
            answer = stranger.get(one.path)
            assert answer.status_code == 200, (one.name, answer.text)
            assert [text for text in private if text in answer.text] == [], one.name
    assert len(lists) > 8
