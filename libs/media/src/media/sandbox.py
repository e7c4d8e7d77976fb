"""The child process that decodes one picture: ``python -I -m media.sandbox <parent pid> <limits>``.

The file comes on standard input; on standard output goes one line of JSON, then the two encoded pictures. The process
writes no file, is told nothing by its environment, and ends with its parent.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from dataclasses import asdict, dataclass
from typing import Any

from media import errors
from media.picture import Rules

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use."""

    seconds: int = 10  # of processor time
    queue: int = 25  # seconds by the clock until its turn comes
    patience: int = 30  # seconds by the clock from then on: a busy machine is no reason to refuse
    memory: int = 640 * 1024 * 1024  # bytes of address space: a WebP of 25 Mpx needs 510
    max_input: int = 16 * 1024 * 1024


def arguments(parent: int, limits: Limits, rules: Rules) -> list[str]:
    """The command line of a child of ``parent``."""
    options = json.dumps({"limits": asdict(limits), "rules": asdict(rules)})
    return [sys.executable, "-I", "-m", "media.sandbox", str(parent), options]


def main() -> None:
    """Decode what comes on standard input."""
    options = json.loads(sys.argv[2])
    limits = Limits(**options["limits"])
    _confine(int(sys.argv[1]), limits)
    try:
        header, parts = _work(limits, Rules(**options["rules"]))
    except errors.PictureError as error:
        header, parts = {"error": type(error).__name__, "detail": str(error)}, []
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n")
    for part in parts:
        sys.stdout.buffer.write(part)


def _work(limits: Limits, rules: Rules) -> tuple[dict[str, Any], list[bytes]]:
    from media.reencode import reencode  # noqa: PLC0415 - Pillow is loaded under the limits, like all that it does

    content = sys.stdin.buffer.read(limits.max_input + 1)
    if len(content) > limits.max_input:
        raise errors.TooLarge("The file is too long.")
    picture = reencode(content, rules)
    header = {
        "content": len(picture.content),
        "thumbnail": len(picture.thumbnail),
        "width": picture.width,
        "height": picture.height,
        "pixels_sha256": picture.pixels_sha256,
        "dhash": picture.dhash,
    }
    return header, [picture.content, picture.thumbnail]


def _confine(parent: int, limits: Limits) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))  # elsewhere it is not kept, or refused
    if os.getppid() != parent:  # it died before the line above
        raise SystemExit(1)
    os.nice(5)  # the event loop comes first
    for kind, most in (
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
