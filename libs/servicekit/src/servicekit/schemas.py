"""What requests and answers are made of. Input refuses unknown fields and cleans its text; output is plain."""

import re
import unicodedata
from typing import Annotated, Any, Generic, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

Item = TypeVar("Item")
MAX_INT64 = 2**63 - 1
LONE_SURROGATE = re.compile("[\ud800-\udfff]")

Points = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


def clean_text(text: str) -> str:
    """NFC, without surrounding white space. Raises ValueError for NUL and lone surrogates."""
    if "\0" in text:
        raise ValueError("NUL is not allowed")
    if text.isascii():
        return text.strip()
    if LONE_SURROGATE.search(text):
        raise ValueError("lone surrogates are not allowed")
    return unicodedata.normalize("NFC", text).strip()


Text = Annotated[str, AfterValidator(clean_text)]


class Input(BaseModel):
    """The base of every request body."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _clean(cls, value: Any, info: ValidationInfo) -> Any:
        # A password is taken as it was typed; whoever hashes it decides on its normal form.
        annotation = cls.model_fields[info.field_name].annotation if info.field_name else None
        secret = SecretStr in {annotation, *get_args(annotation)}
        return clean_text(value) if isinstance(value, str) and not secret else value


class Output(BaseModel):
    """The base of every answer."""

    model_config = ConfigDict(from_attributes=True)


class Page(Output, Generic[Item]):
    """One page of a list. ``next_cursor`` is null on the last one."""

    items: list[Item]
    next_cursor: str | None = None
