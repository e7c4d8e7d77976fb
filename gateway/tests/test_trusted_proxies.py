"""Whose word about a client's address is taken."""

import pytest
from running_gateway import open_gateway

from gateway.settings import Settings

URLS = {f"{name}_url": "http://127.0.0.1:1" for name in ("auth", "catalog", "rewards", "isin", "web")}


@pytest.mark.parametrize(
    ("trusted", "sent", "seen"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.0/8", "6.6.6.6, 203.0.113.7", "203.0.113.7"),  # the first ones are what the client said itself
        ("127.0.0.1,10.0.0.0/8", "203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7, unknown", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.2", "203.0.113.7", "127.0.0.1"),  # another one is trusted
        ("", "203.0.113.7", "127.0.0.1"),
    ],
)
async def test_an_address_is_believed_from_a_trusted_proxy_only(trusted: str, sent: str, seen: str) -> None:
    async with open_gateway(trusted_proxies=trusted) as gateway:
        await gateway.client.get("/login", headers={"X-Forwarded-For": sent})
        assert gateway.web.asked[0].all("x-forwarded-for") == [seen]


async def test_behind_a_trusted_proxy_each_person_has_limits_of_their_own() -> None:
    async with open_gateway(trusted_proxies="127.0.0.1", rate_limits=True, clock=lambda: 0.0) as gateway:

        async def sign_in(address: str) -> int:
            headers = {"X-Forwarded-For": address}
            return (await gateway.client.post("/api/v1/auth/login", json={}, headers=headers)).status_code

        assert [await sign_in("203.0.113.7") for _ in range(61)] == [200] * 60 + [429]
        assert await sign_in("203.0.113.8") == 200


@pytest.mark.parametrize("networks", ["localhost", "10.0.0.1/8", "1.2.3"])
def test_what_is_no_network_is_refused(networks: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings.model_validate({**URLS, "trusted_proxies": networks})


async def test_a_host_that_is_not_ours_is_421_when_ours_are_named() -> None:
    async with open_gateway(hosts="appraise.example, appraise.example:8000") as gateway:
        for host, status in (("appraise.example", 200), ("Appraise.Example:8000", 200), ("evil.example", 421)):
            assert (await gateway.client.get("/login", headers={"Host": host})).status_code == status
