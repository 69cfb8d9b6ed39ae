"""Which errors a client may see, the code of each, and the rest, which stays in the log."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from graphql import DocumentNode, GraphQLError, GraphQLSyntaxError, Node
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import MaskErrors, SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from engine.errors import EngineError, ErrorCode
from models.database import is_overload
from wiring.logs import get_logger

INTERNAL_ERROR = "Internal error."
"""All a client learns of a fault of ours; its cause is in the log."""

RETRY_AFTER_MS = 1_000
"""When whoever was refused with OVERLOADED may come back."""

_OVERLOADED = "The server has more to do than it can; come back in a moment."

T = TypeVar("T")

log = get_logger(__name__)


class InvalidArgument(GraphQLError):
    """An argument that no result can be given for, such as a forged cursor."""

    def __init__(self, message: str, *, code: ErrorCode = ErrorCode.INVALID_ARGUMENT) -> None:
        extensions: dict[str, Any] = {"code": code}
        if code is ErrorCode.OVERLOADED:
            extensions["retryAfterMs"] = RETRY_AFTER_MS
        super().__init__(message, extensions=extensions)


_BAD_REQUESTS = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


class ErrorCodes(SchemaExtension):
    """Give errors of validation a code and a place; comes after all extensions that find any."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        context.pre_execution_errors = [
            _give_code(_located(error, document), ErrorCode.GRAPHQL_VALIDATION_FAILED)
            for error in context.pre_execution_errors or ()
        ]
        yield


class ShowErrors(MaskErrors):
    """Keep stack traces and SQL out of answers, and in the log; every error shown has its code."""

    def __init__(self) -> None:
        super().__init__(error_message=INTERNAL_ERROR)

    def _process_errors(self, errors: list[GraphQLError]) -> list[GraphQLError]:
        return [shown(error) for error in errors]


def shown(error: Exception) -> GraphQLError:
    """Return what a client may see of an error, with its code; log what it may not."""
    seen = error if isinstance(error, GraphQLError) else GraphQLError("", original_error=error)
    cause = _cause(seen)
    if isinstance(cause, _BAD_REQUESTS):
        return _give_code(seen, ErrorCode.BAD_REQUEST)
    if isinstance(cause, GraphQLSyntaxError):
        return _give_code(seen, ErrorCode.GRAPHQL_PARSE_FAILED)
    if isinstance(cause, GraphQLError) or _is_about_document(seen):
        # Without a code by now, a variable's value is not of its type.
        return _give_code(seen, ErrorCode.INVALID_ARGUMENT)
    if is_overload(cause):
        log.warning("request.overloaded", path=seen.path, error=str(cause))
        return _instead_of(
            seen, _OVERLOADED, code=ErrorCode.OVERLOADED, retryAfterMs=RETRY_AFTER_MS
        )
    log.error("request.failed", path=seen.path, exc_info=cause)
    return _instead_of(seen, INTERNAL_ERROR, code=ErrorCode.INTERNAL)


def is_internal(error: GraphQLError) -> bool:
    """Say whether an error that `shown` has returned stands for a fault of ours."""
    return error.extensions.get("code") == ErrorCode.INTERNAL if error.extensions else False


async def or_overloaded(work: Awaitable[T], refused: Callable[[EngineError], T]) -> T:
    """Return what `work` does, or its refusal where Postgres has no connection left for it."""
    try:
        return await work
    except Exception as error:
        if not is_overload(error):
            raise
        log.warning("request.overloaded", error=str(error))
        return refused(EngineError(ErrorCode.OVERLOADED, _OVERLOADED))


def _located(error: GraphQLError, document: DocumentNode | None) -> GraphQLError:
    """Return an error with a place in the document.

    Some literals are copies without a place by the time they are found wrong: theirs is that of
    their first part, of an empty one that of the operation.
    """
    if error.locations or not error.nodes:
        return error
    nodes: list[Node] = list(error.nodes)
    for node in nodes:
        nodes += [getattr(part, "value", part) for part in getattr(node, "fields", None) or ()]
        nodes += getattr(node, "values", None) or ()
    nodes += document.definitions if document else ()
    return GraphQLError(error.message, [node for node in nodes if node.loc][:1])


def _is_about_document(error: GraphQLError) -> bool:
    return error.path is None and bool(error.nodes)


def _cause(error: GraphQLError) -> Exception:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _give_code(error: GraphQLError, code: ErrorCode) -> GraphQLError:
    error.extensions = {"code": code, **(error.extensions or {})}
    return error


def _instead_of(error: GraphQLError, message: str, **extensions: Any) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
