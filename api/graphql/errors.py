"""Which errors a client may see, and the rest."""

from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import MaskErrors
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from wiring.logs import get_logger

INTERNAL_ERROR = "Internal error."
"""All a client learns of a fault of ours; its cause is in the log."""

log = get_logger(__name__)


class InvalidArgument(GraphQLError):
    """An argument that no result can be given for, such as a forged cursor."""

    def __init__(self, message: str, *, code: str = "INVALID_ARGUMENT") -> None:
        super().__init__(message, extensions={"code": code})


_CLIENTS_MISTAKES = (
    GraphQLError,
    MissingQueryError,
    CannotGetOperationTypeError,
    InvalidOperationTypeError,
)


def is_internal(error: GraphQLError) -> bool:
    """Say whether an error is ours to hide, and log it if so.

    Those to show are raised by the rules of GraphQL, or as an InvalidArgument.
    """
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    is_about_document = error.path is None and bool(error.nodes)
    if is_about_document or isinstance(cause, _CLIENTS_MISTAKES):
        return False
    log.error("request.failed", path=error.path, exc_info=cause)
    return True


def shown(error: Exception) -> GraphQLError:
    """Return what a client may see of an error that kept an operation from being executed."""
    seen = error if isinstance(error, GraphQLError) else GraphQLError("", original_error=error)
    return GraphQLError(INTERNAL_ERROR) if is_internal(seen) else seen


def mask_errors() -> MaskErrors:
    """Return the extension that keeps stack traces and SQL out of answers, and in the log."""
    return MaskErrors(should_mask_error=is_internal, error_message=INTERNAL_ERROR)
