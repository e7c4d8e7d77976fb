from collections.abc import Iterator

import pytest

from isin_worker.pipeline.stream import ahead


async def test_items_come_in_their_order_and_never_more_than_one_is_made_ahead() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    seen = []
    async for number in ahead(numbers()):
        assert len(made) <= number + 2
        seen.append(number)
    assert seen == [0, 1, 2, 3, 4]


async def test_what_goes_wrong_with_an_item_reaches_whoever_takes_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("the file is gone")

    items = ahead(broken())
    assert await anext(items) == 1
    with pytest.raises(OSError, match="the file is gone"):
        await anext(items)
