"""The examples that the documents show with each schema: one person, one app, one task throughout."""

from typing import Any

from pydantic import ConfigDict

USER_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c01"
APP_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c02"
TASK_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c03"
PROOF_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c04"
TRANSACTION_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c05"


def example(**values: Any) -> ConfigDict:
    """The configuration of a schema with this example."""
    return ConfigDict(json_schema_extra={"examples": [values]})
