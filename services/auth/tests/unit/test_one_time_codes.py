"""RFC 6238's own examples, and what people type."""

import pytest

from auth_service.one_time_codes import code_at, matching_step, new_recovery_codes, otpauth_uri, plain_code, step_at

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_codes_of_the_standard(seconds: int, code: str) -> None:
    assert code_at(SECRET, step_at(seconds)) == code
    assert matching_step(SECRET, code, seconds) == step_at(seconds)


@pytest.mark.parametrize(("late", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_one_period_off(late: int, good: bool) -> None:
    assert (matching_step(SECRET, "005924", 1234567890 + late) is not None) is good


@pytest.mark.parametrize("code", ["", "00592", "0059240", "٠٠٥٩٢٤", "-05924", "abcdef"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(SECRET, code, 1234567890) is None


def test_recovery_codes_are_many_and_different_and_may_be_typed_in_any_way() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert {len(plain_code(code)) for code in codes} == {16}
    assert plain_code(f" {codes[0].upper().replace('-', ' ')}\n") == plain_code(codes[0])


def test_the_address_for_apps_names_issuer_account_and_secret() -> None:
    assert otpauth_uri(SECRET, issuer="Appraise", account="ada@example.com") == (
        "otpauth://totp/Appraise%3Aada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Appraise"
        "&digits=6&period=30"
    )
