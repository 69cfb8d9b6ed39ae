"""Query, Mutation and Subscription as one schema, with its limits."""

import strawberry
from graphql import ASTValidationRule
from strawberry.extensions import (
    AddValidationRules,
    MaxTokensLimiter,
    ParserCache,
    ValidationCache,
)
from strawberry.extensions.query_depth_limiter import create_validator

from api.errors import mask_errors
from api.mutations import Mutation
from api.queries import Query
from api.scalars import CONFIG
from api.subscriptions import Subscription
from engine.settings import Settings, get_settings

_CACHED_DOCUMENTS = 512


def make_schema(settings: Settings) -> strawberry.Schema:
    """Return the schema, refusing documents deeper or longer than the settings allow."""
    # The rule is made once: made anew for each request, it would defeat the validation cache.
    rules: list[type[ASTValidationRule]] = [create_validator(settings.max_query_depth, None)]
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=CONFIG,
        extensions=[
            lambda: ParserCache(maxsize=_CACHED_DOCUMENTS),
            lambda: ValidationCache(maxsize=_CACHED_DOCUMENTS),
            lambda: MaxTokensLimiter(max_token_count=settings.max_query_tokens),
            lambda: AddValidationRules(rules),
            mask_errors,
        ],
    )


schema = make_schema(get_settings())
