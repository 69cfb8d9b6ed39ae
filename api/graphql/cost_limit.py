"""Refuse operations that cost more rows than the settings allow, before anything is read."""

from collections.abc import Iterator
from functools import lru_cache

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
)
from strawberry.extensions import SchemaExtension

from api.graphql.cost import CannotTell, cost_of
from engine.errors import ErrorCode

_REMEMBERED = 512

Sizes = tuple[tuple[str, object], ...]


class CostLimit(SchemaExtension):
    """Refuse what costs more than `most` rows; comes after what validates, and judges valid ones.

    Its number and the limit are in the error's extensions.
    """

    def __init__(self, most: int) -> None:
        self._most = most

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        operation = (
            None if context.pre_execution_errors else _operation(document, context.operation_name)
        )
        if document is not None and operation is not None:
            sizes = _sizes(operation, context.variables or {})
            cost = _cost(context.schema._schema, document, operation, sizes)
            if cost is None or cost > self._most:
                context.pre_execution_errors = [_too_costly(cost, self._most, operation)]
        yield


def _operation(document: DocumentNode | None, name: str | None) -> OperationDefinitionNode | None:
    for definition in document.definitions if document else ():
        if not isinstance(definition, OperationDefinitionNode):
            continue
        if name is None or (definition.name and definition.name.value == name):
            return definition
    return None


def _sizes(operation: OperationDefinitionNode, variables: dict[str, object]) -> Sizes:
    """Return the variables that may be sizes: all numbers among them, given or by default."""
    sizes: list[tuple[str, object]] = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        value = variables.get(name)
        if name not in variables and isinstance(definition.default_value, IntValueNode):
            value = int(definition.default_value.value)
        if isinstance(value, int | float):
            sizes.append((name, value))
    return tuple(sizes)


@lru_cache(maxsize=_REMEMBERED)
def _cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, sizes: Sizes
) -> int | None:
    """Return an operation's cost, None where it cannot be told. The parser's cache keeps documents,
    so that most operations are counted once.
    """
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    try:
        return cost_of(operation, fragments, schema, dict(sizes))
    except CannotTell:
        return None


def _too_costly(cost: int | None, most: int, operation: OperationDefinitionNode) -> GraphQLError:
    counted = "cannot be counted" if cost is None else f"costs {cost} rows"
    extensions = {"code": ErrorCode.QUERY_TOO_COSTLY, "cost": cost, "limit": most}
    message = (
        f"This operation {counted}; at most {most} are allowed. Ask for fewer or smaller pages."
    )
    return GraphQLError(message, operation, extensions=extensions)
