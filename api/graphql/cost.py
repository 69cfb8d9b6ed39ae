"""What an operation may cost at most, in rows, told from its document and variables alone.

A row is one object of the answer: an order, an event, a venue's quote. Names and values count too,
by their bytes, since an alias may be long and a field asked for a hundred times. What cannot be
known beforehand is assumed; a field that `@skip` or `@include` may leave out is counted.
"""

from collections.abc import Mapping, Sequence
from math import ceil

from graphql import (
    GRAPHQL_MAX_INT,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

_Fields = tuple[FieldNode, ...]

PAGE = 20
"""The rows of a page that names no size, as the API serves it."""

ROW_BYTES = 256
"""So many bytes of names and values cost as much as one more row."""

VALUE_BYTES = 32
"""What a value is taken to be long, and a name takes beside its letters."""

READ = 10
"""What each field of Query, Mutation and Subscription costs by itself: it asks the database."""

COSTS: Mapping[str, int] = {
    "Query.quote": 50,  # asks every venue, and weighs every way through the pools
    "Subscription.quotes": 50,
    "OrderConnection.totalCount": 50,  # reads up to 10,000 orders
    "Venue.healthy": 5,  # asks the venue
}
"""What other fields cost by themselves."""

ASSUMED_SIZES: Mapping[str, float] = {
    "Order.events": 8,
    "Order.route": 2,
    "OrderEvent.quotes": 2,
    "OrderEvent.route": 2,
    "Quote.compared": 2,
    "Quote.route": 2,
    "Query.venues": 2,
    "Mutation.executeMarketOrders": 100,
    "Mutation.cancelOrders": 100,
    # Introspection, as this schema is on average: a type in three has fields, few fields arguments.
    "__Schema.types": 80,
    "__Schema.directives": 8,
    "__Type.fields": 4,
    "__Type.inputFields": 1,
    "__Type.enumValues": 1.5,
    "__Type.interfaces": 0.1,
    "__Type.possibleTypes": 0.1,
    "__Type.ofType": 0.5,
    "__Field.args": 0.4,
    "__Directive.args": 1,
}
"""How many rows are counted where only the answer could tell, by type and field."""

_ANY_OTHER_LIST = 2  # such as userErrors
_ITEMS_OF_A_PAGE = ("edges", "nodes")
_DEEPEST = 128  # only introspection goes further, and finds nothing there
_MOST_STEPS = 20_000


class CannotTell(Exception):
    """The document is folded so often that telling its cost would be the cost."""


def cost_of(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    schema: GraphQLSchema,
    sizes: Mapping[str, object],
) -> int:
    """Return the rows of a valid operation, of a subscription those of each event.

    `sizes` are the values of its variables, defaults included. Raises CannotTell.
    """
    root = schema.get_root_type(operation.operation)
    assert root is not None
    counting = _Counting(fragments, schema, sizes)
    return ceil(counting.object(root, [operation.selection_set.selections], None, 0))


class _Counting:
    """One counting. It remembers what fields cost together, so fragments spread often are cheap."""

    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        schema: GraphQLSchema,
        sizes: Mapping[str, object],
    ) -> None:
        self._fragments = fragments
        self._schema = schema
        self._sizes = sizes
        self._roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
        self._known: dict[tuple[object, ...], float] = {}
        self._steps = 0

    def object(
        self,
        parent: GraphQLCompositeType,
        selected: Sequence[Sequence[SelectionNode]],
        page: float | None,
        depth: int,
    ) -> float:
        """Return what one object of `parent` costs; where it is a page, of `page` rows."""
        if depth > _DEEPEST:
            return 0
        fields = self._merged(parent, selected)
        key = (parent.name, page, *(id(node) for nodes in fields.values() for node in nodes))
        if key not in self._known:
            letters = sum(len(name) + VALUE_BYTES for _, name in fields)
            below = [self._field(*at, page, depth) for at in _with_types(fields)]
            self._known[key] = 1 + letters // ROW_BYTES + sum(below)
        return self._known[key]

    def _field(self, type_name: str, nodes: _Fields, page: float | None, depth: int) -> float:
        parent, name = self._schema.type_map[type_name], nodes[0].name.value
        assert is_composite_type(parent)
        field = self._schema.get_field(parent, name)
        assert field is not None  # the document is valid
        reads = parent in self._roots and not name.startswith("__")
        cost: float = COSTS.get(f"{type_name}.{name}", READ if reads else 0)
        type_ = get_named_type(field.type)
        if not is_composite_type(type_):
            return cost
        selected = [node.selection_set.selections for node in nodes if node.selection_set]
        asked: float | None = self._asked(field, nodes[0])
        if not is_list_type(get_nullable_type(field.type)):
            chance = ASSUMED_SIZES.get(f"{type_name}.{name}", 1)
            return cost + chance * self.object(type_, selected, asked, depth + 1)
        if asked is None and name in _ITEMS_OF_A_PAGE:
            asked = page
        if asked is None:
            asked = ASSUMED_SIZES.get(f"{type_name}.{name}", _ANY_OTHER_LIST)
        return cost + asked * self.object(type_, selected, None, depth + 1)

    def _asked(self, field: GraphQLField, node: FieldNode) -> int | None:
        """Return how many rows a field's `first` or `last` asks for, None where it has neither."""
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        pages = [
            self._size(field.args[name], given.get(name))
            for name in ("first", "last")
            if name in field.args
        ]
        if not pages:
            return None
        return max((size for size in pages if size is not None), default=PAGE)

    def _size(self, argument: GraphQLArgument, node: ValueNode | None) -> int | None:
        value: object = None
        if isinstance(node, IntValueNode):
            value = int(node.value)
        elif isinstance(node, VariableNode):
            value = self._sizes.get(node.name.value)
        if value is None and argument.default_value is not Undefined:
            value = argument.default_value
        # What GraphQL has no Int for is refused before any row is read.
        is_size = isinstance(value, int | float) and abs(value) <= GRAPHQL_MAX_INT
        return max(int(value), 0) if is_size else None  # type: ignore[call-overload]

    def _merged(
        self, parent: GraphQLCompositeType, selected: Sequence[Sequence[SelectionNode]]
    ) -> dict[tuple[str, str], _Fields]:
        """Return the fields by type and the name they answer to, each fragment unfolded once."""
        merged: dict[tuple[str, str], _Fields] = {}
        unread, unfolded = [(parent.name, nodes) for nodes in selected], set[str]()
        while unread:
            type_name, nodes = unread.pop()
            self._steps += len(nodes)
            if self._steps > _MOST_STEPS:
                raise CannotTell
            for node in nodes:
                if isinstance(node, FieldNode):
                    key = (type_name, (node.alias or node.name).value)
                    merged[key] = (*merged.get(key, ()), node)
                    continue
                if isinstance(node, FragmentSpreadNode):
                    if node.name.value in unfolded:
                        continue
                    unfolded.add(node.name.value)
                    fragment: FragmentDefinitionNode | InlineFragmentNode
                    fragment = self._fragments[node.name.value]
                else:
                    assert isinstance(node, InlineFragmentNode)
                    fragment = node
                condition = fragment.type_condition
                on = condition.name.value if condition else type_name
                unread.append((on, fragment.selection_set.selections))
        return merged


def _with_types(fields: Mapping[tuple[str, str], _Fields]) -> list[tuple[str, _Fields]]:
    return [(type_name, nodes) for (type_name, _), nodes in fields.items()]
