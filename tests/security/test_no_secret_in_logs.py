"""Canaries: what only its owner may know goes through the whole platform, and stands in none of its logs afterwards."""

import secrets

import pytest
from running_platform import Account, Platform, eventually, mail_token, new_account

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("platform")]


def logs(platform: Platform) -> str:
    """Everything that any process of the platform has written down, but mails and the database."""
    files = [path for path in platform.var.rglob("*.log") if path.is_file()]
    return platform.log + "".join(path.read_text(errors="replace") for path in files)


def test_what_only_its_owner_may_know_is_in_no_log(platform: Platform) -> None:
    address, password = f"canary-{secrets.token_hex(6)}@example.org", f"canary password {secrets.token_hex(8)}"
    account = new_account(platform, address, password)
    wrong, key = f"wrong canary {secrets.token_hex(8)}", secrets.token_hex(16)
    tokens = account.post("/api/v1/auth/login", {"email": address, "password": password}).json()
    assert account.post("/api/v1/auth/login", {"email": address, "password": wrong}).status_code == 401
    renewed = account.post("/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]}).json()
    assert account.post("/api/v1/auth/password/forgot", {"email": address}).status_code == 202
    reset = mail_token(platform.var, address, "password")
    body = {"token": reset, "password": f"{password} renewed"}
    assert account.post("/api/v1/auth/password/reset", body).status_code == 204
    nobody = Account(platform.url)
    stray = {"Authorization": f"Bearer {renewed['access_token']}"}
    assert nobody.http.get("/api/v1/users/me", params={"access_token": reset}, headers=stray).status_code == 401
    assert account.post("/api/v1/tasks", {"app_id": "no app"}, key=key).status_code in {401, 422}

    eventually(lambda: "/api/v1/users/me" in logs(platform))  # else it would not be the log of these requests
    written = logs(platform)
    canaries = [address, password, wrong, reset, tokens["access_token"], tokens["refresh_token"]]
    canaries += [renewed["access_token"], renewed["refresh_token"]]
    assert [text for text in canaries if text in written] == []
