"""Query, Mutation and Subscription as one schema, with its limits."""

import strawberry
from graphql import ASTValidationRule
from strawberry.extensions import (
    AddValidationRules,
    MaxTokensLimiter,
    ParserCache,
)

from api.graphql.cost_limit import CostLimit
from api.graphql.document import RequireOperationName, depth_limit
from api.graphql.errors import ErrorCodes, ShowErrors
from api.graphql.scalars import CONFIG
from api.graphql.validation import CACHED_DOCUMENTS, Validation
from api.roots.mutations import Mutation
from api.roots.queries import Query
from api.roots.subscriptions import Subscription
from wiring.settings import Settings, get_settings


def make_schema(settings: Settings) -> strawberry.Schema:
    """Return the schema, refusing documents deeper, longer or costlier than the settings allow."""
    # The rule is made once: made anew for each request, it would defeat the validation cache.
    rules: list[type[ASTValidationRule]] = [depth_limit(settings.max_query_depth)]
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=CONFIG,
        extensions=[
            lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
            Validation,
            RequireOperationName,
            lambda: MaxTokensLimiter(max_token_count=settings.max_query_tokens),
            lambda: AddValidationRules(rules),
            lambda: CostLimit(settings.max_query_cost),
            ErrorCodes,
            ShowErrors,
        ],
    )


schema = make_schema(get_settings())
