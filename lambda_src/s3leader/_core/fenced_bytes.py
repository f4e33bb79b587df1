"""Writing and sweeping fenced bytes: a body under a new key, and a fenced object that names it.

`fenced_body` says what the fenced object looks like. Sans-I/O: each function returns a generator of
requests. Neither deletes: they return the keys that nothing will name again, for the caller to
delete. A store that performs a body's `Create` sends its content, which here is its nonce.
"""

from __future__ import annotations

from dataclasses import dataclass

from s3leader.errors import InvalidArgument, StaleToken, StoreUnavailable

from . import fenced_object
from .candidate import Steps
from .conditional_write import WriteConflict, write_until_known
from .fenced_body import Body, BytesVersion, body_prefix, is_left_behind, value_of
from .fenced_object import FencedConfig
from .ledger import ask
from .requests import Create, Found, List, Listed
from .tokens import check_token


@dataclass(frozen=True, slots=True)
class WrittenBytes:
    """The version that was written, and the key of a body that nothing will name again."""

    version: BytesVersion
    unused: str | None


def check_writer(key: str, token: int, after: BytesVersion | None) -> None:
    """Raise `StaleToken` if a write with `token` after this version would be refused anyway."""
    check_token(token)
    if after is not None and not isinstance(after, BytesVersion):
        raise InvalidArgument(
            f"{key}: expected `after` to be a BytesVersion, which read, write and claim return, or"
            f" None if there is none yet, got {after!r}"
        )
    if after is not None and after.token > token:
        raise StaleToken(key=key, token=token, written_token=after.token)


def write(
    config: FencedConfig, body: Body, nonce: str, *, token: int, after: BytesVersion | None
) -> Steps[WrittenBytes]:
    """Create `body`, and let the object name it; raise as that does.

    `nonce` is in the metadata of the body, and what a `Read` of it finds here.
    """
    uploaded = yield from write_until_known(
        Create(body.key, nonce.encode()),
        nonce,
        patience_ms=config.patience_ms + body.size // 1000,
        nonce_of=_content,
    )
    if isinstance(uploaded, WriteConflict):
        raise StoreUnavailable(
            f"another object is at {body.key}, a key that was drawn for this write alone. Nothing"
            f" was replaced; keep other writers away from {body_prefix(config.key)}"
        )
    base = None if after is None else after.snapshot
    value = value_of(body, after)
    written = yield from fenced_object.write(config, value, token=token, after=base)
    unused = None if after is None else after.previous
    return WrittenBytes(BytesVersion.parse(config.key, written), unused)


def sweep(config: FencedConfig, token: int) -> Steps[tuple[str, ...]]:
    """Claim `token`, and return the bodies of earlier terms that nothing names. Raise as `claim`.

    The claim comes first: once it is written, no lower token can name one any more.
    """
    now = BytesVersion.parse(config.key, (yield from fenced_object.claim(config, token)))
    prefix = body_prefix(config.key)
    left: tuple[str, ...] = ()
    page = Listed((), truncated=True, date_ms=0)
    while page.truncated:
        answer = (yield from ask(List(prefix, token=page.next_token))).answer
        if not isinstance(answer, Listed):
            raise TypeError(f"expected the answer to a list, got {answer!r}")
        page = answer
        left += tuple(key for key in page.keys if is_left_behind(config.key, key, now))
    return left


def _content(found: Found) -> str:
    return found.body.decode()
