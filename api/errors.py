"""Which errors a client may see, and the rest."""

from graphql import GraphQLError
from strawberry.extensions import MaskErrors

from engine.logs import get_logger

log = get_logger(__name__)


class InvalidArgument(GraphQLError):
    """An argument that no result can be given for, such as a forged cursor."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": "INVALID_ARGUMENT"})


def _is_internal(error: GraphQLError) -> bool:
    """Say whether an error is ours to hide: one raised by code, not by the rules of GraphQL."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        if isinstance(cause, InvalidArgument):
            return False
        cause = cause.original_error
    if cause is None:
        return False
    log.error("request.failed", path=error.path, exc_info=cause)
    return True


def mask_errors() -> MaskErrors:
    """Return the extension that keeps stack traces and SQL out of answers, and in the log."""
    return MaskErrors(should_mask_error=_is_internal, error_message="Internal error.")
