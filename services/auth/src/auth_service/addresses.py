"""One e-mail address, one account: the single spelling under which an address is kept and looked up."""

from email_validator import EmailNotValidError, validate_email

MAX_EMAIL = 254  # RFC 5321, section 4.5.3.1.3


def normalise_email(text: str) -> str:
    """The address in lower case with an ASCII domain (IDNA). Local parts are ASCII too, so no two look the same.

    Raises:
        ValueError: this is not an address. The text is not repeated.
    """
    try:
        # `test_environment` lets the top level `.test` pass, which RFC 6761 keeps for trials.
        parsed = validate_email(
            text, allow_smtputf8=False, check_deliverability=False, test_environment=True, strict=True
        )
    except EmailNotValidError as error:
        raise ValueError("not an e-mail address") from error
    if parsed.ascii_email is None or len(parsed.ascii_email) > MAX_EMAIL:
        raise ValueError("not an e-mail address")
    return parsed.ascii_email.lower()
