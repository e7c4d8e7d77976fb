"""What can go wrong here. The docstrings are the public pages ``/problems/<code>``."""

from servicekit.problems import (
    BadRequest,
    Conflict,
    FieldProblem,
    Forbidden,
    Gone,
    Locked,
    NotFound,
    RuleViolation,
    TooManyRequests,
    UnsupportedMediaType,
)


class IdempotencyKeyMissing(BadRequest):
    """This operation needs the header `Idempotency-Key`: a text of your own, 1 to 255 visible ASCII characters.

    Send a new one, for instance a UUID, for each thing that you want done, and the same one when you try it again.
    """

    code, title = "idempotency-key-missing", "Idempotency-Key is required"


class IdempotencyKeyInProgress(Conflict):
    """The first request with this `Idempotency-Key` is still running. Ask again in a moment to get its answer."""

    code, title = "idempotency-key-in-progress", "The first request still runs"


class IdempotencyKeyReused(RuleViolation):
    """This `Idempotency-Key` was used for another request. Take a new key for a new request."""

    code, title = "idempotency-key-reused", "The Idempotency-Key belongs to another request"


class AppNotFound(NotFound):
    """There is no such app in the catalogue, or it is not published yet."""

    code, title = "app-not-found", "No such app"


class AppArchived(Gone):
    """The app has been taken out of the catalogue. Tasks that are under way stay as they are."""

    code, title = "app-archived", "The app is no longer offered"


class AppNotOffered(Gone):
    """The app is offered for a time, and this is before or after it."""

    code, title = "app-not-offered", "The app is not offered at this time"


class AppSoldOut(Gone):
    """As many people as the app takes have done its task, or are doing it. A place may become free again."""

    code, title = "app-sold-out", "All places are taken"


class EmailNotVerified(Forbidden):
    """Confirm your e-mail address first, by the link in the mail that you got when you registered."""

    code, title = "email-not-verified", "The e-mail address is not verified"


class TaskExists(Conflict):
    """You have a task for this app already, under way or finished. Each app counts once for each person."""

    code, title = "task-exists", "You have this task already"


class TaskNotFound(NotFound):
    """There is no such task, or it belongs to somebody else."""

    code, title = "task-not-found", "No such task"


class TaskNotStarted(Conflict):
    """Only a task that is `started` can be cancelled: once there is a proof, the review goes its way."""

    code, title = "task-not-started", "The task is not in the state `started`"


class ProofNotExpected(Conflict):
    """A proof is taken while a task is `started`, or `rejected` with attempts left. Read the task for its state."""

    code, title = "proof-not-expected", "The task takes no proof now"


class ProofNotFound(NotFound):
    """There is no such proof, or it belongs to somebody else."""

    code, title = "proof-not-found", "No such proof"


class UnsupportedPicture(UnsupportedMediaType):
    """The file's content is not a PNG, JPEG or WebP picture. Its name and declared type are not looked at."""

    code, title = "unsupported-picture", "Not a PNG, JPEG or WebP picture"


class PictureRefused(RuleViolation):
    """The picture is damaged, animated, too small (320 pixels on the shorter side) or too large (25 million pixels)."""

    code, title = "picture-refused", "The picture can't be used"


class OwnTask(Forbidden):
    """Nobody reviews a task of their own. Leave it to another reviewer."""

    code, title = "own-task", "This task is your own"


class NothingToReview(Conflict):
    """The task has no proof that waits for a decision."""

    code, title = "nothing-to-review", "Nothing to review"


class AlreadyDecided(Conflict):
    """This proof has been approved or rejected already. Read the task for the outcome; nothing was changed."""

    code, title = "already-decided", "Already decided"


class ProofSuperseded(Conflict):
    """The task has a newer proof than the one that you decided on. Look at that one first."""

    code, title = "proof-superseded", "There is a newer proof"


class LeasedByAnother(Locked):
    """Another reviewer holds this task. Take another one, or wait until the lease ends."""

    code, title = "leased", "Another reviewer holds this task"


class AlreadyPosted(Conflict):
    """The ledger holds this event already. Each event is booked once, for ever."""

    code, title = "already-posted", "Booked already"


class TransactionNotFound(NotFound):
    """The ledger has no such transaction."""

    code, title = "transaction-not-found", "No such transaction"


class AlreadyReversed(Conflict):
    """This transaction has been reversed already. A transaction is reversed once, and wholly."""

    code, title = "already-reversed", "Reversed already"


class ReversalIsFinal(Conflict):
    """This transaction is a reversal itself. What it took back can be given again by an adjustment."""

    code, title = "reversal-is-final", "A reversal can't be reversed"


class BalanceTooLow(RuleViolation):
    """The person has fewer points than that. A balance falls below 0 by a reversal only, never by an adjustment."""

    code, title = "balance-too-low", "The balance is too low"

    def __init__(self) -> None:
        fault = FieldProblem(pointer="/points", code="balance-too-low", detail="More than the person has")
        super().__init__(errors=[fault])


class UnknownPerson(RuleViolation):
    """There is no account with this id."""

    code, title = "unknown-person", "No such person"

    def __init__(self) -> None:
        super().__init__(errors=[FieldProblem(pointer="/user_id", code="unknown", detail="There is no such account")])


class TooManyStreams(TooManyRequests):
    """You have five streams of events open already. One serves all pages of a browser; close those not in use."""

    code, title = "too-many-streams", "Too many streams of events"
