"""How an account is shown."""

from auth_service.models import Account
from auth_service.schemas import AccountOut, UserOut


def profile_of(account: Account) -> AccountOut:
    """As its owner sees it."""
    shown = account.model_dump(include={"id", "email", "name", "roles", "created_at", "mfa_enabled"})
    return AccountOut.model_validate({**shown, "email_verified": account.email_verified_at is not None})


def user_of(account: Account) -> UserOut:
    """As administrators see it."""
    return UserOut(**profile_of(account).model_dump(), disabled=account.disabled_at is not None)
