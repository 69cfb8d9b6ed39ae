"""Every GraphQL operation of the pages is one that the API takes."""

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate
from graphql.language import OperationDefinitionNode

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "web" / "src"
SCHEMA = build_schema((ROOT / "schema.graphql").read_text())
IMPORT = re.compile(r'^#import "(.+)"$', re.MULTILINE)


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


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_valid_against_the_schema(name: str) -> None:
    assert [error.message for error in validate(SCHEMA, parse(OPERATIONS[name]))] == []


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
