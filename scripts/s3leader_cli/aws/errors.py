"""What AWS refuses, as a message that names the missing right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from botocore.exceptions import BotoCoreError, ClientError

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}


@contextmanager
def explained(service: str, resource: str) -> Iterator[None]:
    """Turn an error of boto3 into one for a person; `service` is IAM's prefix, such as `s3`."""
    try:
        yield
    except ClientError as error:
        code, operation = error.response["Error"]["Code"], error.operation_name
        text = error.response["Error"].get("Message", "")
        if code in _DENIED:
            raise click.ClickException(
                f"{service}:{operation} on {resource} was denied; allow it to these credentials"
                f" ({text})"
            ) from error
        raise click.ClickException(f"{operation} on {resource}: {code}: {text}") from error
    except BotoCoreError as error:
        raise click.ClickException(f"{resource}: {error}") from error
