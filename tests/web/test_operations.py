"""Every GraphQL operation of the pages is one that the API takes."""

import re
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate
from graphql.language import OperationDefinitionNode

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "web" / "src"
SCHEMA = build_schema((ROOT / "schema.graphql").read_text())
IMPORT = re.compile(r'^#import "(.+)"$', re.MULTILINE)

# What pages are ready for and the API is not. The build leaves it out (web/build/features.ts).
NOT_YET = {"cancelOrder", "orderEvents", "placeLimitOrder", "placeSniperOrder"}


def with_imports(path: Path) -> str:
    text = path.read_text()
    return "\n".join([text, *(with_imports(path.parent / file) for file in IMPORT.findall(text))])


def operations() -> dict[str, str]:
    """The documents that are sent; files of a fragment alone are imported by these."""
    files = {str(path.relative_to(SOURCES)): path for path in sorted(SOURCES.rglob("*.graphql"))}
    texts = {name: with_imports(path) for name, path in files.items()}
    return {
        name: text
        for name, text in texts.items()
        if any(isinstance(node, OperationDefinitionNode) for node in parse(text).definitions)
    }


OPERATIONS = operations()


def root_fields(schema: GraphQLSchema) -> set[str]:
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    return {field for root in roots if root for field in root.fields}


def asked(text: str) -> set[str]:
    document = parse(text)
    return {
        field.name.value
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
        for field in node.selection_set.selections
    }


READY = [name for name, text in OPERATIONS.items() if not asked(text) & NOT_YET]


@pytest.mark.parametrize("name", READY)
def test_operation_is_valid_against_the_schema(name: str) -> None:
    assert [error.message for error in validate(SCHEMA, parse(OPERATIONS[name]))] == []


def test_what_waits_for_the_api_is_not_there_yet() -> None:
    assert root_fields(SCHEMA) & NOT_YET == set(), "it is there now: take it off the list"


def test_no_document_hides_in_the_code() -> None:
    code = [path for path in SOURCES.rglob("*.ts*") if ".test." not in path.name]
    document = re.compile(r"[`\"'\s](query|mutation|subscription)\s+\w*\s*[({]|[`\"']\{ \w+[ ({]")

    assert code
    assert [path.name for path in code if document.search(path.read_text())] == []


def test_examples_are_in_the_order_of_their_names() -> None:
    text = (SOURCES / "graphiql" / "examples.ts").read_text()
    listed = re.findall(r"query: (\w+)", text.partition("EXAMPLES")[2])
    files = dict(re.findall(r'import (\w+) from "\./examples/(.+)\?raw"', text))

    assert [files[name] for name in listed] == sorted(
        path.name for path in (SOURCES / "graphiql" / "examples").iterdir()
    )
