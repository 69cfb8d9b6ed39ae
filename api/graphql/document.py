"""What a document may ask for: how deep it goes, and which of its operations is meant."""

from collections.abc import Iterator, Sequence

from graphql import (
    ASTValidationRule,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
)
from strawberry.extensions import SchemaExtension


def depth_limit(most: int) -> type[ASTValidationRule]:
    """Return the rule that no field stands below more than `most` others, introspection aside.

    Strawberry's own rule follows each spread of a fragment anew, so that a document of a few
    hundred bytes keeps it busy for hours. This one looks at each fragment once per level.
    """

    class DepthLimit(ASTValidationRule):
        context: ValidationContext

        def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
            level: Sequence[SelectionSetNode] = [node.selection_set]
            for _depth in range(most + 1):
                level = _level_below(level, self.context)
            if level:
                self.report_error(GraphQLError(f"An operation is at most {most} deep.", node))

    return DepthLimit


class RequireOperationName(SchemaExtension):
    """Refuse a request that leaves open which of its document's operations is meant."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        assert context.graphql_document is not None
        operations = [
            definition
            for definition in context.graphql_document.definitions
            if isinstance(definition, OperationDefinitionNode)
        ]
        if len(operations) > 1 and context._provided_operation_name is None:
            error = GraphQLError("Say with `operationName` which operation is meant.", operations)
            context.pre_execution_errors = [*(context.pre_execution_errors or ()), error]
        yield


def _level_below(
    selection_sets: Sequence[SelectionSetNode], context: ValidationContext
) -> list[SelectionSetNode]:
    """Return what the fields of these selection sets select, their fragments unfolded."""
    below: list[SelectionSetNode] = []
    unread, unfolded = list(selection_sets), set[str]()
    while unread:
        for selection in unread.pop().selections:
            if isinstance(selection, FieldNode):
                if selection.selection_set and not selection.name.value.startswith("__"):
                    below.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = context.get_fragment(selection.name.value)
                if fragment and fragment.name.value not in unfolded:
                    unfolded.add(fragment.name.value)
                    unread.append(fragment.selection_set)
            elif isinstance(selection, InlineFragmentNode):
                unread.append(selection.selection_set)
    return below
