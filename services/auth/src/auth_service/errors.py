"""What can go wrong here. Each docstring is the public page ``/problems/<code>``."""

from servicekit.problems import Conflict, FieldProblem, Gone, RuleViolation, TooManyRequests, Unauthenticated


class InvalidCredentials(Unauthenticated):
    """The e-mail address and the password do not belong together, or there is no such account. Which of these it is,
    is not said. Check both and try again."""

    code, title = "invalid-credentials", "E-mail or password is wrong"


class WrongPassword(Unauthenticated):
    """The password that was sent to prove who asks is not the one of the account. Check it and try again."""

    code, title = "wrong-password", "The password is wrong"


class WrongCode(Unauthenticated):
    """The code is wrong, or was used before: each works once. Wait for the next code of your app, or use a recovery
    code."""

    code, title = "wrong-code", "The code is wrong"


class InvalidMfaToken(Unauthenticated):
    """The sign-in took too long or was finished before. Start again with e-mail and password."""

    code, title = "invalid-mfa-token", "Sign in again"


class SecondFactorExists(Conflict):
    """A second factor is on already. Switch it off before you set up another."""

    code, title = "totp-enabled", "There is a second factor already"


class NoSecondFactor(Conflict):
    """There is no second factor to confirm or to switch off."""

    code, title = "totp-not-enabled", "There is no second factor"


class LastAdmin(Conflict):
    """This would leave the platform without an administrator. Make somebody else one first."""

    code, title = "last-admin", "The last administrator stays"


class InvalidRefreshToken(Unauthenticated):
    """The refresh token is unknown or expired, or its session has ended. Sign in again."""

    code, title = "invalid-refresh-token", "The refresh token is not valid"


class RefreshReused(Unauthenticated):
    """The refresh token was spent before, so one of its two users may be a thief: the session has ended. Sign in again,
    and if you can't explain it, change your password."""

    code, title = "refresh-reused", "The refresh token was used before"


class LinkSpent(Gone):
    """The link was used before, has expired, or is not complete. Ask for a new one: to confirm an address by
    registering again with it, to choose a new password where the first link was asked for."""

    code, title = "link-spent", "The link does not work any more"


class WeakPassword(RuleViolation):
    """The password breaks a rule: 12 to 256 characters, not the e-mail address or the name, not one of
    those that are guessed first. `errors` says which."""

    code, title = "weak-password", "The password is not good enough"

    def __init__(self, code: str, detail: str, *, field: str = "password") -> None:
        super().__init__(detail, errors=[FieldProblem(pointer=f"/{field}", code=code, detail=detail)])


class TooManyTries(TooManyRequests):
    """There were too many wrong tries, or too many mails were asked for. Wait for the seconds that `Retry-After` names:
    until then even the right answer is refused. A device that has signed in to this account before is let in when it
    sends its `Device-Token`."""

    code, title = "too-many-tries", "Too many tries"
