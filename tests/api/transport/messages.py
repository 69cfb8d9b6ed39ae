"""A query and its answer, and the messages that carry events over graphql-transport-ws."""

QUERY = "{ __typename }"
ANSWER = {"data": {"__typename": "Query"}}


def event(sequence: int, status: str, *, id: str = "1") -> dict[str, object]:
    """The message that carries an event."""
    payload = {"data": {"orderStatus": {"sequence": sequence, "status": status}}}
    return {"id": id, "type": "next", "payload": payload}


def complete(id: str = "1") -> dict[str, object]:
    """The message that ends an operation."""
    return {"id": id, "type": "complete"}
