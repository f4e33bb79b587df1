"""Small changes to a module's source, each of which some test should notice. Pure: text to mutants.

The operators are the usual ones of mutation testing (DeMillo, Lipton and Sayward, "Hints on Test
Data Selection", 1978): comparisons and their boundaries, integers by one, `and`/`or`/`not`,
arithmetic, `min`/`max`, conditions, returned values, and the removal of a statement. Messages and
annotations are left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

_OPPOSITES: Final[dict[type[ast.AST], tuple[type[ast.AST], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.FloorDiv: (ast.Mult,),
    ast.LShift: (ast.RShift,),
    ast.BitOr: (ast.BitAnd,),
}
_REMOVABLE: Final = (
    ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Raise, ast.Break, ast.Continue,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`source` is the whole changed module; `old` and `new` are the changed `line`, stripped."""

    module: str
    source: str
    line: int
    old: str
    new: str

    @property
    def change(self) -> tuple[str, str, str]:
        """What the list of equivalents knows a mutant by."""
        return self.module, self.old, self.new


def mutants(module: str, source: str) -> list[Mutant]:
    """Return every mutant of a module that compiles, in the order of its lines."""
    made = []
    for node, text in _visit(ast.parse(source)):
        with suppress(SyntaxError):
            mutant = _mutant(module, source, node, text)
            compile(mutant.source, module, "exec", dont_inherit=True)
            made.append(mutant)
    return sorted(made, key=lambda mutant: mutant.line)


def _mutant(module: str, source: str, node: ast.expr | ast.stmt, text: str) -> Mutant:
    lines = source.encode().splitlines(keepends=True)  # offsets of the tree count bytes
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    changed = lines[first][: node.col_offset] + text.encode() + lines[last][node.end_col_offset :]
    return Mutant(
        module=module,
        source=b"".join([*lines[:first], changed, *lines[last + 1 :]]).decode(),
        line=node.lineno,
        old=lines[first].decode().strip(),
        new=changed.decode().strip(),
    )


def _visit(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Yield each node that can be replaced, with the replacing text."""
    for text in _changes(node):
        assert isinstance(node, ast.expr | ast.stmt)
        yield node, text
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not _is_for_types(node):
        same = ast.unparse(node.test)
        yield from ((node.test, text) for text in ("True", "False") if text != same)
    for child in _children(node):
        yield from _visit(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr) or _is_for_types(node):  # a message, or no code
        return
    skipped = [*getattr(node, "decorator_list", []), getattr(node, "returns", None)]
    if isinstance(node, ast.AnnAssign | ast.arg):
        skipped.append(node.annotation)
    yield from (child for child in ast.iter_child_nodes(node) if child not in skipped)


def _changes(node: ast.AST) -> Iterator[str]:
    """Yield the texts that may stand in place of a node."""
    match node:
        case ast.Compare(ops=[operator]):
            yield from (_with(node, ops=[other()]) for other in _OPPOSITES.get(type(operator), ()))
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator):
            yield from (_with(node, op=other()) for other in _OPPOSITES.get(type(operator), ()))
        case ast.UnaryOp(op=ast.Not()):
            yield ast.unparse(node.operand)
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            yield from (str(value + 1), str(value - 1))
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Call(func=ast.Name(id="min" | "max" as name)):
            yield _with(node, func=ast.Name("max" if name == "min" else "min"))
        case ast.Return(value=ast.expr()) if ast.unparse(node) != "return None":
            yield "return None"
    if isinstance(node, _REMOVABLE) and not _is_inert(node):
        yield "pass"


def _with(node: ast.AST, **fields: object) -> str:
    """Return the text of a node with other fields."""
    own = {name: getattr(node, name) for name in node._fields}
    return ast.unparse(type(node)(**{**own, **fields}))


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _is_inert(node: ast.AST) -> bool:
    """Whether nothing is lost with a statement: a docstring, a field without a default."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
