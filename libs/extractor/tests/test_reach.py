"""How far expressions see: too little would make a stream wrong, too much only slow."""

import pytest

from extractor import Pattern, PatternError
from extractor.pattern import LONGEST_REACH
from extractor.reach import UNBOUNDED, Reach, reach


@pytest.mark.parametrize(
    ("regex", "seen"),
    [
        ("a", Reach(shortest=1, longest=1, behind=1, ahead=2)),
        ("a{2,5}", Reach(shortest=2, longest=5, behind=1, ahead=2)),
        ("(?<=abc)d", Reach(shortest=1, longest=1, behind=4, ahead=2)),
        ("a(?=bcd)", Reach(shortest=1, longest=1, behind=1, ahead=5)),
        ("(?:a(?=bb)|c(?!ddd))", Reach(shortest=1, longest=1, behind=1, ahead=7)),  # beside each other: both count
        ("a(?=b(?=cc))", Reach(shortest=1, longest=1, behind=1, ahead=5)),
        ("(?<!a(?<=bb))c", Reach(shortest=1, longest=1, behind=4, ahead=2)),
        ("(?:x(?:y(?<=zzzz)))?q", Reach(shortest=1, longest=3, behind=5, ahead=2)),
    ],
)
def test_what_an_expression_sees(regex: str, seen: Reach) -> None:
    assert reach(regex) == seen


@pytest.mark.parametrize("regex", ["a+", "a(?=b*)", "(?:a|bc+)d"])
def test_what_has_no_bound_is_at_least_unbounded(regex: str) -> None:
    seen = reach(regex)
    assert max(seen.longest, seen.ahead) >= UNBOUNDED


def test_the_longest_reach_of_all_is_allowed() -> None:
    assert Pattern("wide", f"a{{1,{LONGEST_REACH - 2}}}").longest == LONGEST_REACH - 2
    with pytest.raises(PatternError, match=r"^wide: sees 65537 characters ahead, more than 65536$"):
        Pattern("wide", f"a{{1,{LONGEST_REACH - 1}}}")


def test_a_repeat_without_a_bound_is_told_with_the_way_out() -> None:
    for regex in ("[0-9]+", "a(?=b+)"):
        with pytest.raises(PatternError) as refused:
            Pattern("mine", regex)
        assert str(refused.value) == "mine: no longest match; give each repeat a bound, as in [0-9]{1,20} for [0-9]+"
