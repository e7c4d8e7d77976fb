"""What the door itself answers. The docstrings are the public pages under ``/problems/``."""

from servicekit import problems


class BadTarget(problems.BadRequest):
    """The path or the `Host` has a form that is read differently by different software: an encoded slash, dot segments,
    `;`, a backslash, an empty segment. Send it in its plain form."""

    code, title = "bad-target", "The address is not in its plain form"


class BadFraming(problems.BadRequest):
    """It is not certain where the body of this request ends. Send one `Content-Length`, or
    `Transfer-Encoding: chunked`."""

    code, title = "bad-framing", "The length of the body is not certain"


class NoWebSocket(problems.BadRequest):
    """There are no WebSockets here. Events come from `GET /api/v1/events` as `text/event-stream`."""

    code, title = "no-websocket", "No WebSockets here"


class SlowRequest(problems.DomainError):
    """The body of the request stopped coming. Send it again, on a connection that holds."""

    status, code, title = 408, "request-timeout", "The request came too slowly"


class TargetTooLong(problems.DomainError):
    """The path and the query are longer than 8 KiB. Send what is long in the body."""

    status, code, title = 414, "target-too-long", "The address is too long"


class HeadersTooLarge(problems.DomainError):
    """The request has more than 100 header fields, or more than 32 KiB of them."""

    status, code, title = 431, "headers-too-large", "Too many or too large header fields"


class UpstreamUnavailable(problems.Unavailable):
    """The service behind this address is not there, or has no room, at the moment. Try again after `Retry-After`."""

    code, title = "upstream-unavailable", "A service is away at the moment"
