"""Finds functions that `@singleton` rejects, by their source.

The rules are those of `s3leader._lambda.handler_contract`, which `@singleton` applies when Lambda
imports the handler.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_PARAMETERS = 3  # event, context, term


def rejection(function: Function) -> str:
    """Return why `@singleton` rejects `function` and what to write, or "" if it may accept it."""
    if isinstance(function, ast.AsyncFunctionDef):
        return (
            "is an async function: a call would return before its work is done. Write a plain"
            " function that calls asyncio.run(…)"
        )
    if any(isinstance(each, ast.Yield | ast.YieldFrom) for each in _own_nodes(function)):
        return (
            "contains yield: a call would return before its work is done. Write a plain function"
            " that does all of its work before it returns"
        )
    return _signature_problem(function.args)


def _signature_problem(arguments: ast.arguments) -> str:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    if (
        required > _PARAMETERS
        or (positional < _PARAMETERS and arguments.vararg is None)
        or None in arguments.kw_defaults  # a keyword without a default
    ):
        return (
            "cannot be called with (event, context, term): give it these three parameters, and"
            " defaults to all others"
        )
    return ""


def _own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, without those of functions and classes within."""
    pending: list[ast.AST] = (
        [function.body] if isinstance(function, ast.Lambda) else [*function.body]
    )
    while pending:
        node = pending.pop()
        if not isinstance(node, _FUNCTIONS):
            yield node
            pending.extend(ast.iter_child_nodes(node))
