"""What is mutated, and the tests that must notice: those that take little time, as each mutant waits for them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Area:
    """Modules of some members, and what pytest is told of the tests."""

    name: str
    members: tuple[str, ...]
    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _modules(package: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{package}.{name}" for name in names)


def _tests(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/test_{name}.py" for name in names)


AREAS = (
    Area(
        "extractor",
        ("libs/extractor",),
        _modules("extractor", "android", "extraction", "isin", "named", "pattern", "reach", "scan", "sources"),
        (
            *_tests("libs/extractor/tests", "custom_patterns", "isin", "named_patterns"),
            *_tests("libs/extractor/tests", "package_name", "reach", "streams"),
            # It takes as long as all the others.
            "--deselect=libs/extractor/tests/test_streams.py::test_whatever_expression_is_accepted_gives_the_same",
        ),
    ),
    Area(
        "isin",
        ("libs/extractor", "services/isin-worker"),
        (
            *_modules("isin_worker", "check_digits", "isin", "pipeline.gates"),
            *_modules("isin_worker.pipeline.parse", "codes", "rows", "statement", "validate"),
        ),
        (
            *_tests("services/isin-worker/tests/unit", "code_lists", "feed_formats", "gate_decisions"),
            *_tests("services/isin-worker/tests/unit", "isin_check_digits", "isin_verdicts", "list_rows"),
            *_tests("services/isin-worker/tests/unit", "stated_counts"),
        ),
    ),
    Area(
        "tokens",
        ("libs/servicekit", "services/auth"),
        (
            *_modules("servicekit", "tokens", "revocations"),
            *_modules("auth_service.services", "access_tokens", "opaque_tokens", "signing_keys"),
        ),
        (
            *_tests("libs/servicekit/tests", "published_keys", "revocations", "token_verifier"),
            *_tests("services/auth/tests/unit", "key_states", "opaque_tokens"),
            *_tests("services/auth/tests/integration", "signing_keys"),
        ),
    ),
    Area(
        "ledger",
        ("services/rewards",),
        (
            *_modules("rewards_service.repositories", "idempotency", "ledger", "seals"),
            *_modules("rewards_service.services", "chain", "decisions", "idempotency"),
            *_modules("rewards_service.services", "ledger", "points", "statement"),
        ),
        (
            *_tests("services/rewards/tests/unit", "links"),
            *_tests("services/rewards/tests/integration", "bulk_decisions", "chain", "idempotency", "ledger_rules"),
            *_tests("services/rewards/tests/integration", "ledger_administration", "metrics", "points", "reviews"),
        ),
    ),
)
