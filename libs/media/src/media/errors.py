"""Why a picture or a blob was refused. Each class is one cause that a caller may want to tell apart."""


class PictureError(Exception):
    """The picture is refused; the text says why and may be shown to the person who sent it."""


class UnknownFormat(PictureError):
    """The content is not a PNG, JPEG or WebP."""


class Undecodable(PictureError):
    """It begins like a picture, but can't be decoded: truncated, damaged, or of a kind that is not taken."""


class Animated(PictureError):
    """It has more than one frame."""


class TooSmall(PictureError):
    """Its shorter side is below the limit."""


class TooLarge(PictureError):
    """It has more pixels, or more detail, than the limits allow."""


class Overloaded(Exception):
    """The machine had no time for the picture, which may be a good one: try again later."""


class BlobError(Exception):
    """The store can't be read or written at the moment: it is away, full, or not allowed to us."""


class BlobNotFound(BlobError):
    """Nothing is stored under this digest."""
