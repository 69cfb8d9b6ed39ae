"""Documents that would take long to validate are refused beforehand, by an estimate of how long.

The rule that fields of one name at one place are the same (OverlappingFieldsCanBeMerged) compares
every two of them, and every two fragments; others follow fragments anew for each operation. Within
the limits of tokens and depth that held the event loop for 1.4 s.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)

# About a microsecond each, by measurement.
_MOST_EFFORT = 50_000
_SELECTION = 3  # to look at one, in each place that it is used in
_FIELDS = 1  # to compare two fields of one name
_ARGUMENTS = 10  # and for each of their arguments
_SELECTIONS = 20  # and where they select something
_FRAGMENTS = 7  # to compare two fragments

_DEEPEST = 128  # a fragment that spreads itself is for the rules to find

_Place = tuple[list[tuple[SelectionNode, ...]], int]


def is_tangled(document: DocumentNode) -> bool:
    """Say whether a document would take too long to validate; itself takes a part of that."""
    operations = [
        definition
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    ]
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    effort, spread = 0, set[str]()
    for definition in (*operations, *fragments.values()):
        if isinstance(definition, FragmentDefinitionNode) and definition.name.value in spread:
            continue  # looked at where it is spread
        places: list[_Place] = [([definition.selection_set.selections], 0)]
        while places:
            effort += _look_at(places, fragments, spread)
            if effort > _MOST_EFFORT:
                return True
    return False


def _look_at(
    places: list[_Place], fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> int:
    """Take one place and leave those below it instead; return the effort that it takes."""
    unread, depth = places.pop()
    fields, spread, effort = defaultdict[str, list[FieldNode]](list), set[str](), 0
    while unread and effort <= _MOST_EFFORT:
        selections = unread.pop()
        effort += _SELECTION * len(selections)
        for node in selections:
            if isinstance(node, FieldNode):
                fields[(node.alias or node.name).value].append(node)
            elif isinstance(node, InlineFragmentNode):
                unread.append(node.selection_set.selections)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                if fragment := fragments.get(node.name.value):
                    unread.append(fragment.selection_set.selections)
    for nodes in fields.values():
        below = [node.selection_set.selections for node in nodes if node.selection_set]
        arguments = sum(len(node.arguments or ()) for node in nodes) // len(nodes)
        comparing = _FIELDS + arguments * _ARGUMENTS + (_SELECTIONS if below else 0)
        effort += _pairs(nodes) * comparing
        if below and depth < _DEEPEST:
            places.append((below, depth + 1))
    seen |= spread
    return effort + _pairs(spread) * _FRAGMENTS


def _pairs(things: Sequence[object] | set[str]) -> int:
    return len(things) * (len(things) - 1) // 2
