"""Walks every node of a policy set and refuses what the table cannot stand for.

A rule may compare the principal, the action, the zone and the facts of the context with literals, joined by
and, or, not. Then a decision is a function of the facts that the rules read, and nothing else can matter.
"""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from itertools import permutations
from typing import Any

from cedarpy import PolicySet, pst, validate_policies

from ringfence.errors import PolicyError
from ringfence.policy.facts import CONTEXT, DOMAINS, Zone

Template = pst.Template
OPERATORS = frozenset({"eq", "not_eq", "and", "or"})
MOST_TEXT = 64 * 1024
NESTING = ("!", "&&", "||", "(", "[", "{", "-", "+", "*", "if", ".")
MOST_NESTING = 300
PLAIN_NODES = (
    pst.BoolLit, pst.StringLit, pst.EntityLit, pst.EntityType, pst.EntityUid,
    pst.ScopeAny, pst.ScopeEq, pst.ActionEq, pst.ActionIn, pst.When, pst.Unless,
)  # fmt: skip


class AnnotationError(PolicyError):
    """A rule lacks an annotation that every rule must have, or its id is taken."""


class UnmodelledError(PolicyError):
    """A rule does what the table cannot stand for."""


def parse(text: str, schema: str, where: str) -> tuple[PolicySet, dict[str, Template]]:
    """A Cedar text as a handle and as its rules by positional id, in the order of the text.

    PolicyError says which rule must not be used, and why.
    """
    _check_size(text, where)
    try:
        handle = PolicySet.from_str(text)
        tree = handle.to_pst()
    except ValueError as error:
        raise PolicyError(f"{where}: {_first_line(error)}") from None
    _check_annotations(tree, where)
    for rule in tree.static_policies.values():
        _check_node(rule, f"{where}, rule {rule.annotations['id']}")
    verdict = validate_policies(text, schema)
    if not verdict.validation_passed:
        raise PolicyError(f"{where}: {_first_line(verdict.errors[0])}")
    in_order = sorted(tree.static_policies.items(), key=lambda item: int(item[0].removeprefix("policy")))
    return handle, dict(in_order)


def _check_size(text: str, where: str) -> None:
    """Raises PolicyError before the parser sees it: Cedar's own recursion has no floor, and takes the process along."""
    if len(text) > MOST_TEXT or sum(map(text.count, NESTING)) > MOST_NESTING:
        raise UnmodelledError(f"{where}: too long, or too many operators and brackets, for rules that people can read")


def facts_read(rules: Iterable[Any]) -> frozenset[str]:
    """The facts that these rules can tell apart: the zone, and what they read of the context."""
    return frozenset({"zone"}).union(*(_read(rule) for rule in rules))


def concerns(rule: Any, zone: Zone) -> bool:
    """Whether a rule can match a question about this zone, by its head. If not, what it reads does not matter."""
    head: Any = rule.resource
    return not isinstance(head, pst.ScopeEq) or getattr(head.entity, "id", None) == zone


def _read(node: Any) -> frozenset[str]:
    own = frozenset({node.attr}) if isinstance(node, pst.GetAttr) else frozenset()
    return own.union(*(_read(child) for child in _children(node)))


def _check_annotations(tree: pst.PolicySet, where: str) -> None:
    if tree.templates or tree.template_links:
        raise UnmodelledError(f"{where}: templates are not used here; write the policy out")
    seen: set[str] = set()
    for rule in tree.static_policies.values():
        name = rule.annotations.get("id", "")
        needed = ["id", "plain", "basis", *(["reason"] if rule.effect == "forbid" else [])]
        missing = [note for note in needed if not rule.annotations.get(note)]
        if missing:
            raise AnnotationError(f"{where}, rule {name or '?'}: give it @{missing[0]}(…)")
        if name in seen:
            raise AnnotationError(f"{where}: two rules have the id {name}")
        seen.add(name)


def _check_node(node: Any, where: str) -> None:
    """Raises PolicyError on any node that is not modelled, at any depth."""
    match node:
        case pst.GetAttr(base=pst.Var(name="context"), attr=attr) if attr in CONTEXT:
            return
        case pst.Var(name="principal" | "action" | "resource"):
            return
        case pst.EntityUid() if str(node.type) == "Zone" and node.id not in set(Zone):
            raise PolicyError(f"{where}: there is no zone {node.id!r}")
        case pst.UnaryOp(op="not") | pst.Template():
            pass
        case pst.BinaryOp(op=op) if op in OPERATORS:
            pass
        case _ if isinstance(node, PLAIN_NODES):
            pass
        case _:
            raise UnmodelledError(
                f"{where}: {_name(node)} is not modelled; a rule may only compare facts with literals"
            )
    for child in _children(node):
        _check_node(child, where)
    if isinstance(node, pst.BinaryOp):
        _check_value(node, where)


def _check_value(node: Any, where: str) -> None:
    """Raises PolicyError if a fact is compared with a value that it never has: such a rule would never match."""
    sides = _children(node)
    for fact, value in permutations(sides, 2):
        if isinstance(fact, pst.GetAttr) and isinstance(value, pst.StringLit):
            known = [str(one) for one in DOMAINS[fact.attr]]
            if value.value not in known:
                raise PolicyError(f"{where}: {fact.attr} is never {value.value!r}; it is one of {', '.join(known)}")


def _children(node: Any) -> list[Any]:
    found: list[Any] = []
    for field in fields(node):
        value = getattr(node, field.name)
        found += [v for v in (value if isinstance(value, tuple) else (value,)) if is_dataclass(v)]
    return found


def _name(node: Any) -> str:
    detail = getattr(node, "op", None) or getattr(node, "attr", None) or getattr(node, "name", "")
    return f"{type(node).__name__} {detail}".strip()


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0]
