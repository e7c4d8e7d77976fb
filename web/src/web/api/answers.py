"""What every answer of the REST API has in common. Unknown fields are ignored: the API may grow."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Answer(BaseModel):
    """The base of every answer."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Listed(Answer, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = None
