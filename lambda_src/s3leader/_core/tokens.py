"""What a fencing token is: the number of a term, a whole number from 1."""

from __future__ import annotations

from s3leader.errors import InvalidArgument


def is_token(token: object) -> bool:
    """Whether `token` is a whole number from 1."""
    return isinstance(token, int) and not isinstance(token, bool) and token >= 1


def check_token(token: object) -> None:
    """Raise `InvalidArgument` unless `token` is one."""
    if not is_token(token):
        raise InvalidArgument(
            f"expected a fencing token, which is a whole number from 1, got {token!r}; pass the"
            f" number of the term"
        )
