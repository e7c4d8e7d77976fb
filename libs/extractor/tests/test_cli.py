"""The command `extract`, as its users start it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ORDERS = Path(__file__).parent / "data" / "orders.json"
LIST = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 648, 649, 650, 651, 652, 653, 3]"
AS_MODULE = [sys.executable, "-m", "extractor"]
AS_SCRIPT = [str(Path(sys.executable).parent / "extract")]


def run(*arguments: str, stdin: bytes = b"", command: list[str] = AS_MODULE) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    result = subprocess.run([*command, *arguments], input=stdin, capture_output=True, check=False)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


@pytest.mark.parametrize("command", [AS_MODULE, AS_SCRIPT], ids=["module", "script"])
def test_the_numbers_of_the_orders_are_printed_as_one_list(command: list[str]) -> None:
    assert run("order-numbers", str(ORDERS), command=command) == (0, f"{LIST}\n", "")


def test_standard_input_is_read_for_a_dash_and_for_no_file() -> None:
    raw = ORDERS.read_bytes()

    assert run("after-colon", "-", stdin=raw) == run("after-colon", stdin=raw) == (0, f"{LIST}\n", "")
    assert run("order-ids", stdin=raw) == (0, f"{LIST.removesuffix(', 3]')}]\n", "")


def test_values_can_be_strings_and_the_list_can_be_json() -> None:
    numbers = [str(number) for number in json.loads(LIST)]

    assert run("--strings", "order-numbers", str(ORDERS))[1] == f"{numbers}\n"
    assert run("order-numbers", "--json", str(ORDERS), "--strings")[1] == f"{json.dumps(numbers)}\n"
    assert run("order-numbers", "--json", stdin=b'"id":007')[1] == "[7]\n"
    assert run("isin", "--json", stdin=b"nothing here") == (0, "[]\n", "")


def test_a_long_list_is_whole_also_where_it_was_written_in_parts() -> None:
    numbers = list(range(200_000))
    raw = "".join(f'"id": {number}\n' for number in numbers).encode()

    assert json.loads(run("order-ids", "--json", stdin=raw)[1]) == numbers
    assert run("order-ids", stdin=raw)[1] == f"{numbers}\n"


def test_a_pattern_of_ones_own_gives_text_or_integers() -> None:
    raw = "Übung 12, naïve 7".encode()

    assert run("--pattern", r"\b\w{3,9}\b", stdin=raw) == (0, "['Übung', 'naïve']\n", "")
    assert run("--pattern", r"\b\w{3,9}\b", "-", "--json", stdin=raw)[1] == '["Übung", "naïve"]\n'
    assert run("--integers", "--pattern", r"[0-9]{1,9}", stdin=raw)[1] == "[12, 7]\n"


def test_the_patterns_are_listed() -> None:
    code, output, _ = run("--list")

    assert code == 0
    assert [line.split()[0] for line in output.splitlines()] == [
        "order-numbers",
        "order-ids",
        "after-colon",
        "isin",
        "android-package",
    ]


@pytest.mark.parametrize(
    ("arguments", "stdin", "reason"),
    [
        (["order-number"], b"", "no pattern named 'order-number'; did you mean order-numbers or order-ids?"),
        ([], b"", "which pattern? Give the name of one (extract --list) or --pattern REGEX; try extract --help"),
        (["isin", "a", "b"], b"", "one file at a time, not 2; try extract --help"),
        (["isin", "--jso"], b"", "unrecognized arguments"),
        (["isin", "/does/not/exist"], b"", "/does/not/exist: No such file or directory"),
        (["isin", "/"], b"", "/: Is a directory"),
        (["isin"], b"abc\xff", "-: not UTF-8 text: invalid start byte at byte 3"),
        (
            ["--pattern", "a+"],
            b"",
            "--pattern: no longest match; give each repeat a bound, as in [0-9]{1,20} for [0-9]+",
        ),
        (
            ["--pattern", "(a"],
            b"",
            "--pattern: not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        (["--integers", "isin"], b"US0378331005", "-: isin: invalid literal for int() with base 10: 'US0378331005'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], stdin: bytes, reason: str) -> None:
    code, output, error = run(*arguments, stdin=stdin)

    assert (code, output) == (2, "")
    assert error.startswith(f"extract: {reason}")
    assert error.count("\n") == 1


@pytest.mark.skipif(
    not Path("/proc/self/mem").exists(), reason="needs a file that not even root can read from its start"
)
def test_a_file_that_cannot_be_read_is_named() -> None:
    assert run("isin", "/proc/self/mem") == (2, "", "extract: /proc/self/mem: Input/output error\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize("arguments", [["order-ids", str(ORDERS)], ["--list"]])
def test_an_output_that_is_full_is_an_error(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run([*AS_MODULE, *arguments], stdout=full, stderr=subprocess.PIPE, check=False)

    assert (result.returncode, result.stderr) == (2, b"extract: No space left on device\n")


def test_a_list_that_ends_in_an_error_stays_open() -> None:
    code, output, error = run("order-ids", stdin=b'"id":1,' * 100_000 + b"\xff")

    assert code == 2
    assert output.startswith("[1, 1")
    assert output.endswith("1\n")
    assert error == "extract: -: not UTF-8 text: invalid start byte at byte 700000\n"


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    many = tmp_path / "many.json"
    many.write_bytes(b'"id":12345,' * 500_000)
    with subprocess.Popen(
        [*AS_MODULE, "order-ids", str(many)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10) == b"[12345, 12"
        process.stdout.close()

        assert process.stderr.read() == b""
        assert process.wait(30) == 141


def reset_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that runs the tests in the background has it ignored


def test_ctrl_c_ends_it_quietly() -> None:
    # More values than are written at once, so that the first output says that it is at work; fewer than fill the pipe.
    some = b'"id":12345,' * 5_000 + b" " * 600_000
    pipe = subprocess.PIPE
    command = [*AS_MODULE, "order-ids"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=reset_ctrl_c) as process:  # noqa: PLW1509 - no threads here
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(some)
        process.stdin.flush()
        assert process.stdout.read(10) == b"[12345, 12"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)

    assert (process.returncode, error) == (130, b"")
