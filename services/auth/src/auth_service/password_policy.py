"""Which passwords are good enough: long ones. No composition rules (NIST SP 800-63B-4, section 3.1.1.2)."""

import unicodedata

from auth_service.common_passwords import is_common

MIN_LENGTH = 12
MAX_LENGTH = 256


def normal_form(password: str) -> str:
    """The form that is counted and hashed: NFC, so that the same keys give the same password on every system."""
    return unicodedata.normalize("NFC", password)


def fault_of(password: str, *, email: str, name: str) -> tuple[str, str] | None:
    """The code and the text of what is wrong with a new password in its normal form, or None."""
    if len(password) < MIN_LENGTH:
        return "password-too-short", f"At least {MIN_LENGTH} characters are needed."
    if len(password) > MAX_LENGTH:
        return "password-too-long", f"At most {MAX_LENGTH} characters are allowed."
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in password):
        return "password-not-text", "NUL and lone surrogates are not allowed."
    if password.casefold() in {email.casefold(), name.casefold()}:
        return "password-is-name", "The e-mail address or the name can't be the password."
    if is_common(password):
        return "password-too-common", "This is one of the passwords that are guessed first. Choose another."
    return None
