"""Tokens that mean nothing by themselves. What was handed out or stored by one release is read by the next one."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from auth_service.services.opaque_tokens import DeviceTokens, RefreshChain, derive_key, hash_of, new_token

SECRET = SecretStr("a-secret-of-the-tests-0123456789-abcdefghij")
OTHER = SecretStr("another-secret-of-the-tests-0123456789-abcd")
ADA, BOB = UUID(int=1), UUID(int=2)
# Made by the first release.
KEY = "1e2c92b86ec50fa33f494d508edfea332325eede7bab9d4e44ae1ec1bf005c2a"
SUCCESSOR = "Up1PvCgYOJs2ht_e_nZvgHtqhRwsJ3DQJQGUIaI7oYY"
PROOF = "mnmYDWV3JX8fA2_Z38QzHa_wOTg_n8N2snqdg9zrVEI"


def test_a_token_has_256_bits_and_may_stand_in_an_address() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert all(token.replace("-", "").replace("_", "").isalnum() and token.isascii() for token in tokens)


def test_a_hash_is_sha_256() -> None:
    assert hash_of("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_keys_differ_by_secret_and_purpose_and_stay_the_same() -> None:
    assert derive_key(SECRET, "auth: signing keys").hex() == KEY
    assert len({derive_key(secret, purpose) for secret in (SECRET, OTHER) for purpose in ("a", "b", "ab")}) == 6
    assert len(derive_key(SECRET, "a")) == 32


def test_a_release_finds_the_successors_of_the_one_before() -> None:
    assert RefreshChain(SECRET).successor("x" * 43) == SUCCESSOR
    assert RefreshChain(OTHER).successor("x" * 43) != SUCCESSOR


@given(st.text(max_size=60), st.text(max_size=60))
def test_each_token_has_one_successor_of_its_own(one: str, other: str) -> None:
    chain = RefreshChain(SECRET)
    assert len(chain.successor(one)) == 43
    assert (chain.successor(one) == chain.successor(other)) == (one == other)


def test_a_device_token_is_good_for_its_account_only() -> None:
    devices = DeviceTokens(SECRET)
    token = devices.issue(ADA)
    name, _, proof = token.partition(".")
    assert devices.name_of(token, ADA) == name
    assert (len(name), len(proof)) == (16, 43)
    assert devices.issue(ADA) != token
    assert devices.name_of(token, BOB) is None
    assert DeviceTokens(OTHER).name_of(token, ADA) is None


def test_a_release_knows_the_devices_of_the_one_before() -> None:
    assert DeviceTokens(SECRET).name_of(f"a-device.{PROOF}", ADA) == "a-device"


@pytest.mark.parametrize("token", [None, "", ".", "a-device", "a-device.", "a-device.é", ".x", "a.b.c"])
def test_what_is_no_device_token_names_none(token: str | None) -> None:
    assert DeviceTokens(SECRET).name_of(token, ADA) is None


def test_a_name_of_ones_own_is_none() -> None:
    devices, account = DeviceTokens(SECRET), uuid4()
    _, _, proof = devices.issue(account).partition(".")
    assert devices.name_of(f"mine.{proof}", account) is None
