"""What the door itself answers. The docstrings are the public pages under ``/problems/``."""

from servicekit import problems


class MalformedRequest(problems.BadRequest):
    """This is not one well-formed HTTP/1.1 request (RFC 9112): a line that ends in a bare line feed, a folded or empty
    header name, a control character, an underscore in a name. Most clients never send such a thing by themselves."""

    code, title = "malformed-request", "Not a well-formed request"


class BadTarget(problems.BadRequest):
    """The path or the `Host` has a form that is read differently by different software: an encoded slash, dot segments,
    `;`, a backslash, an empty segment, another host in the first line. Send it in its plain form."""

    code, title = "bad-target", "The address is not in its plain form"


class BadFraming(problems.BadRequest):
    """It is not certain where the body of this request ends. Send one `Content-Length`, or
    `Transfer-Encoding: chunked`."""

    code, title = "bad-framing", "The length of the body is not certain"


class WrongHost(problems.DomainError):
    """This host name is not served here. Use the address under which the platform is known."""

    status, code, title = 421, "wrong-host", "Not a host of this platform"


class NoWebSocket(problems.DomainError):
    """There are no WebSockets here. Events come from `GET /api/v1/events` as `text/event-stream`."""

    status, code, title = 501, "no-websocket", "No WebSockets here"


class TooManyRanges(problems.DomainError):
    """The request asks for several ranges at once. Ask for one at a time."""

    status, code, title = 416, "too-many-ranges", "One range at a time"


class SlowRequest(problems.DomainError):
    """The request stopped coming, or came too slowly. Send it again, on a connection that holds."""

    status, code, title = 408, "request-timeout", "The request came too slowly"


class TargetTooLong(problems.DomainError):
    """The path and the query are longer than 8 KiB. Send what is long in the body."""

    status, code, title = 414, "target-too-long", "The address is too long"


class HeadersTooLarge(problems.DomainError):
    """The request has more than 100 header fields, or more than 32 KiB of them."""

    status, code, title = 431, "headers-too-large", "Too many or too large header fields"


class UpstreamUnavailable(problems.Unavailable):
    """The service behind this address is not there at the moment. Try again after `Retry-After`."""

    code, title = "upstream-unavailable", "A service is away at the moment"


class Overloaded(problems.Unavailable):
    """The service behind this address has as many requests as it can take. Try again after `Retry-After`."""

    code, title = "overloaded", "Too much to do at the moment"
