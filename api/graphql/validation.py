"""Validation that takes a bounded time, and is done once for a document."""

from collections.abc import Iterator
from functools import lru_cache

from graphql import ASTValidationRule, DocumentNode, GraphQLError, GraphQLSchema, validate
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.graphql.tangle import is_tangled

CACHED_DOCUMENTS = 128  # 0.8 MB each where documents are as long as allowed
_MOST_ERRORS = 10  # each may print a whole argument, to its author and to us


class Validation(SchemaExtension):
    """Validate a document; one that would take long is refused instead."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        assert context.graphql_document is not None
        context.pre_execution_errors = _errors(
            context.schema._schema, context.graphql_document, context.validation_rules
        )
        yield


@lru_cache(maxsize=CACHED_DOCUMENTS)
def _errors(
    schema: GraphQLSchema, document: DocumentNode, rules: tuple[type[ASTValidationRule], ...]
) -> list[GraphQLError]:
    if is_tangled(document):
        text = "The document names too many fields or fragments again at the same place."
        return [GraphQLError(text, list(document.definitions[:1]))]
    # The two that Strawberry adds to all others.
    rules = (*rules, MaybeNullValidationRule, OneOfInputValidationRule)
    return validate(schema, document, rules, max_errors=_MOST_ERRORS)
