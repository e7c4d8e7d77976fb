"""What is mutated, and the tests that must notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Area:
    """Files of some members, named by module, and the tests for them. Only tests that take little time are here."""

    name: str
    members: tuple[str, ...]
    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _tests(folder: str, names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/test_{name}.py" for name in names.split())


AREAS = (
    Area(
        "extractor",
        ("libs/extractor",),
        tuple(f"extractor.{name}" for name in "android extraction isin named pattern reach scan sources".split()),
        _tests("libs/extractor/tests", "custom_patterns isin named_patterns package_name streams"),
    ),
    Area(
        "isin",
        ("libs/extractor", "services/isin-worker"),
        (
            *(f"isin_worker.{name}" for name in "check_digits isin pipeline.gates".split()),
            *(f"isin_worker.pipeline.parse.{name}" for name in "codes rows statement validate".split()),
        ),
        (
            *_tests(
                "services/isin-worker/tests/unit", "code_lists isin_check_digits isin_verdicts list_rows stated_counts"
            ),
            *_tests("services/isin-worker/tests/integration", "gates"),
        ),
    ),
    Area(
        "tokens",
        ("libs/servicekit", "services/auth"),
        (
            "servicekit.tokens",
            "servicekit.revocations",
            *(f"auth_service.services.{name}" for name in "access_tokens opaque_tokens signing_keys".split()),
        ),
        (
            *_tests("libs/servicekit/tests", "published_keys revocations"),
            *_tests("services/auth/tests/integration", "token_attacks signing_keys refresh logout throttling"),
        ),
    ),
    Area(
        "ledger",
        ("services/rewards",),
        (
            *(f"rewards_service.repositories.{name}" for name in "idempotency ledger seals".split()),
            *(
                f"rewards_service.services.{name}"
                for name in "chain decisions idempotency ledger points statement".split()
            ),
        ),
        _tests(
            "services/rewards/tests/integration",
            "bulk_decisions chain idempotency ledger_administration ledger_rules points reviews",
        ),
    ),
)
