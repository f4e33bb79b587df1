"""Check that the numbers in options are whole and in range."""

from __future__ import annotations

import math

from aws_cdk import Token


def check_whole(name: str, number: float, *, least: int, most: int | None = None) -> int:
    """Return `number` as an integer, or raise `ValueError` if it is not whole or not in range.

    A number that is known only at deployment (a CDK token) passes.
    """
    # jsii returns whole numbers as floats, and cannot take an infinite one. True is an int, too.
    finite = not isinstance(number, bool) and math.isfinite(number)
    # CDK encodes tokens as negative numbers. Asking it takes a call of another process.
    if finite and number < 0 and Token.is_unresolved(number):
        return int(number)
    too_many = most is not None and number > most
    if not finite or not float(number).is_integer() or number < least or too_many:
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        raise ValueError(f"{name} {number!r} cannot be used: give a whole number, {allowed}")
    return int(number)
