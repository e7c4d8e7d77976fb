"""One package name out of what a person pastes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor import PackageNameError, package_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("com.example", "com.example"),
        ("  com.Example.App_2\n", "com.Example.App_2"),
        ("https://play.google.com/store/apps/details?id=com.example", "com.example"),
        ("https://play.google.com/store/apps/details?id=com.Example&hl=en_US&gl=DE", "com.Example"),
        ("https://play.google.com/store/apps/details/Example_App?hl=en&id=com.example#reviews", "com.example"),
        ("HTTP://Play.Google.com:443/store/apps/details/?id=com.example", "com.example"),
        ("play.google.com/store/apps/details?id=com.example", "com.example"),
        ("market://details?id=com.example&referrer=utm", "com.example"),
        ("https://play.google.com/store/apps/details?id=com%2Eexample", "com.example"),
        ("https://play.google.com/store/apps/details?id=com.example&id=com.example", "com.example"),
        ("a." * 111 + "a", "a." * 111 + "a"),
        ("market://details/?id=com.example", "com.example"),
        ("play.google.com/store/apps/details?id=com.example&from=http://example.test/a/b", "com.example"),
        ("market://details?id=com.example&x=".ljust(2048, "y"), "com.example"),
    ],
)
def test_a_name_or_a_link_gives_the_name_in_its_case(text: str, expected: str) -> None:
    assert package_name(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("example", "two or more segments"),
        ("com.", "number 2 is not"),
        ("com..example", "number 2 is not"),
        (".com.example", "number 1 is not"),
        ("com.1example", "number 2 is not"),
        ("com._example", "number 2 is not"),
        ("com.exa-mple", "number 2 is not"),
        ("com.exämple", "number 2 is not"),
        ("com.e٣", "number 2 is not"),
        ("com.example\x00", "number 2 is not|no blank"),
        ("com. example", "no blank"),
        ("a." * 111 + "ab", "at most 223 characters, this one 224"),
        ("a" * 2049, "longer than 2048"),
        ("https://play.google.com/store/apps/details", "names none"),
        ("https://play.google.com/store/apps/details?id=", "names none"),
        ("https://play.google.com/store/apps/details?id=a.b&id=c.d", "names 2"),
        ("https://play.google.com/store/apps/details?id=example", "two or more segments"),
        ("https://play.google.com/store/apps/developer?id=com.example", "not a link to an app"),
        ("https://play.google.com.evil.test/store/apps/details?id=com.example", "not a link to an app"),
        ("https://play.google.com@evil.test/store/apps/details?id=com.example", "not a link to an app"),
        ("https://evil.test/store/apps/details?id=com.example", "not a link to an app"),
        ("javascript:com.example", "not a link to an app"),
        ("market://search?id=com.example", "not a link to an app"),
        ("ftp://play.google.com/store/apps/details?id=com.example", "not a link to an app"),
        ("https://play.google.com/store/apps/detailsX?id=com.example", "not a link to an app"),
        ("http://[play.google.com/store/apps/details?id=com.example", "not a link that can be read"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(PackageNameError, match=reason):
        package_name(text)


RULE = "each segment of a package name is a letter, then letters, digits or underscores"
LINKS = "https://play.google.com/store/apps/details?id=... or market://details?id=..."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the package name is empty"),
        ("a b", "a package name or a Play Store link has no blank in it"),
        ("x" * 2049, "longer than 2048 characters: neither a package name nor a Play Store link"),
        ("example", "a package name has two or more segments between dots, as in com.example"),
        ("com.1", f"{RULE}; number 2 is not"),
        ("https://example.test", f"not a link to an app in the Play Store, which is {LINKS}"),
        ("http://[", "not a link that can be read"),
        ("market://details", "the link must name one app by id=..., and it names none"),
        ("a" * 224, "a package name has at most 223 characters, this one 224"),
    ],
)
def test_people_are_told_in_whole_sentences(text: str, told: str) -> None:
    with pytest.raises(PackageNameError) as refused:
        package_name(text)
    assert str(refused.value) == told


@given(text=st.text() | st.text("ab1_.:/?&=%@[]# ", max_size=60).map("https://play.google.com/".__add__))
def test_any_text_gives_a_name_or_the_one_error(text: str) -> None:
    try:
        name = package_name(text)
    except PackageNameError:
        return
    assert package_name(name) == name
