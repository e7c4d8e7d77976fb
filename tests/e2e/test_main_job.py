"""The main job over HTTP through the gateway, on real input."""

import secrets

import httpx
import pytest
from running_platform import ADMIN, Account, Platform, eventually, new_account, phone_screenshot

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("platform")]


def _published_app(admin: Account, package: str, points: int) -> dict[str, object]:
    link = f"https://play.google.com/store/apps/details?id={package}&hl=en"
    created = admin.post("/api/v1/apps", {"package_name": link, "name": f"App {package}", "points": points})
    assert created.status_code == 201, created.text
    app: dict[str, object] = created.json()
    assert (app["package_name"], app["status"]) == (package, "draft")
    assert created.headers["Location"] == f"/api/v1/apps/{app['id']}"
    assert admin.post(f"/api/v1/apps/{app['id']}/publish").status_code == 200
    return app


def _upload(account: Account, task: str, picture: bytes, *, key: str | None = None) -> httpx.Response:
    return account.post(f"/api/v1/tasks/{task}/proofs", key=key, files={"file": ("shot.png", picture, "image/png")})


def test_an_app_is_listed_installed_proved_reviewed_and_paid_once(
    platform: Platform, admin: Account, reviewer: Account, screenshot: bytes
) -> None:
    package = f"org.example.Reader{secrets.token_hex(3)}"
    app = _published_app(admin, package, 250)
    user = new_account(platform, f"ada-{secrets.token_hex(4)}@example.org", "a long enough password")

    found = user.get("/api/v1/apps", q=package).json()["items"]
    assert [item["id"] for item in found] == [app["id"]]

    started = user.post("/api/v1/tasks", {"app_id": app["id"]})
    assert started.status_code == 201, started.text
    task = started.json()
    assert (task["points"], task["status"], task["attempts_left"]) == (250, "started", 3)

    proof = _upload(user, task["id"], screenshot)
    assert proof.status_code == 201, proof.text
    assert (proof.json()["width"], proof.json()["height"]) == (1080, 2400)
    assert user.get(f"/api/v1/tasks/{task['id']}").json()["status"] == "submitted"
    assert user.get("/api/v1/points").json() == {"balance": 0, "pending": 250, "lifetime_earned": 0}

    queue = reviewer.get("/api/v1/reviews", sort="age").json()["items"]
    assert task["id"] in [item["task"]["id"] for item in queue]
    assert reviewer.get(f"/api/v1/proofs/{proof.json()['id']}/image").status_code == 200
    assert reviewer.post(f"/api/v1/reviews/{task['id']}/lease").status_code == 200
    key = secrets.token_hex(8)
    approved = reviewer.post(f"/api/v1/reviews/{task['id']}/decision", {"decision": "approve"}, key=key)
    assert approved.status_code == 200, approved.text
    assert approved.json()["task"]["status"] == "approved"

    assert user.get("/api/v1/points").json() == {"balance": 250, "pending": 0, "lifetime_earned": 250}
    statement = user.get("/api/v1/points/entries").json()["items"]
    assert [(entry["points"], entry["balance_after"]) for entry in statement] == [(250, 250)]

    again = reviewer.post(f"/api/v1/reviews/{task['id']}/decision", {"decision": "approve"}, key=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == approved.json()
    assert reviewer.post(f"/api/v1/reviews/{task['id']}/decision", {"decision": "approve"}).status_code == 409
    assert user.get("/api/v1/points").json()["balance"] == 250
    assert admin.get("/api/v1/points/verify").json()["ok"] is True


def test_a_rejected_proof_says_why_and_leaves_attempts(platform: Platform, admin: Account, reviewer: Account) -> None:
    app = _published_app(admin, f"org.example.r{secrets.token_hex(3)}", 10)
    user = new_account(platform, f"bea-{secrets.token_hex(4)}@example.org", "a long enough password")
    task = user.post("/api/v1/tasks", {"app_id": app["id"]}).json()["id"]
    assert _upload(user, task, phone_screenshot("wrong one")).status_code == 201
    verdict = {"decision": "reject", "reason_code": "wrong_app"}
    assert reviewer.post(f"/api/v1/reviews/{task}/decision", verdict).status_code == 200
    seen = user.get(f"/api/v1/tasks/{task}").json()
    assert (seen["status"], seen["attempts_left"]) == ("rejected", 2)
    assert seen["last_rejection"]["reason_code"] == "wrong_app"
    assert _upload(user, task, phone_screenshot("right one")).status_code == 201
    assert reviewer.post(f"/api/v1/reviews/{task}/decision", {"decision": "approve"}).status_code == 200
    assert user.get("/api/v1/points").json()["balance"] == 10


def test_what_belongs_to_others_is_not_found(platform: Platform, admin: Account) -> None:
    app = _published_app(admin, f"org.example.o{secrets.token_hex(3)}", 10)
    owner = new_account(platform, f"cyd-{secrets.token_hex(4)}@example.org", "a long enough password")
    other = new_account(platform, f"dan-{secrets.token_hex(4)}@example.org", "a long enough password")
    task = owner.post("/api/v1/tasks", {"app_id": app["id"]}).json()["id"]
    assert other.get(f"/api/v1/tasks/{task}").status_code == 404
    assert other.get("/api/v1/reviews").status_code == 403
    assert Account(platform.url).get(f"/api/v1/tasks/{task}").status_code == 401


def test_after_logout_the_token_is_dead_everywhere(platform: Platform) -> None:
    """Auth, the gateway and each service learn of it by themselves, in any order."""
    user = new_account(platform, f"eve-{secrets.token_hex(4)}@example.org", "a long enough password")
    paths = ("/api/v1/points", "/api/v1/users/me", "/api/v1/feeds")
    assert [user.get(path).status_code for path in paths] == [200] * 3
    assert user.post("/api/v1/auth/logout").status_code == 204
    assert user.get("/api/v1/users/me").status_code == 401

    def refused_everywhere() -> bool:
        return all(user.get(path).status_code == 401 for path in paths)

    eventually(refused_everywhere)
    # What has ended is kept in Postgres: an empty Valkey brings nothing back.
    platform.empty_valkey()
    assert refused_everywhere()


def test_every_failure_is_a_problem_with_a_page_that_explains_it(anyone: Account) -> None:
    for answer in (
        anyone.get("/api/v1/nothing"),
        anyone.get("/api/v1/points"),
        anyone.post("/api/v1/auth/login", {"email": ADMIN[0], "password": "not the password"}),
        anyone.post("/api/v1/auth/login", {"email": 1}),
        anyone.http.delete("/api/v1/auth/login"),
    ):
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert problem["status"] == answer.status_code
        assert problem["request_id"] == answer.headers["X-Request-ID"]
        page = anyone.http.get(problem["type"])
        assert page.status_code == 200, problem["type"]


def test_one_contract_for_all_services(anyone: Account) -> None:
    document = anyone.get("/openapi.json").json()
    ids = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    assert len(ids) == len(set(ids))
    assert {name.split("_")[0] for name in ids} >= {"auth", "catalog", "rewards", "isin"}
    assert anyone.get("/readyz").json()["status"] == "ok"
