"""Lists the keys of a bucket, to find its elections. The library lists those of one election."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from s3leader import BucketOptions, BucketUnusable, StoreUnavailable
from s3leader_cli.observe.find import AT_ONCE, ListKeys, Page

from .clients import client, s3_arn
from .failures import DENIED

if TYPE_CHECKING:
    from s3leader_cli.options import BucketPlace


def keys_of(place: BucketPlace) -> ListKeys:
    """Return a function that lists keys of a bucket. Threads may share it."""
    s3 = client("s3", place.region, max_pool_connections=AT_ONCE)
    always = {"Bucket": place.bucket, **BucketOptions.from_environment().for_every_request()}

    def list_keys(prefix: str, after: str, folders: bool) -> Page:  # noqa: FBT001 - a callback
        wanted: dict[str, str] = {"Delimiter": "/"} if folders else {}
        wanted |= {"StartAfter": after} if after else {}
        while True:
            try:
                page: dict[str, Any] = s3.list_objects_v2(Prefix=prefix, **always, **wanted)
            except ClientError as error:
                raise _refused(s3_arn(s3, place.bucket), place, prefix, error) from error
            except BotoCoreError as error:
                raise StoreUnavailable(
                    f"S3 did not list bucket {place.bucket}: {error}. Check the credentials, the"
                    " Region and the network, then try again"
                ) from error
            keys = tuple(each["Key"] for each in page.get("Contents", ()))
            if keys or folders or not page["IsTruncated"]:
                return Page(
                    keys=keys,
                    folders=tuple(each["Prefix"] for each in page.get("CommonPrefixes", ())),
                    more=page["IsTruncated"],
                )
            # S3 may send a page without keys, and go on.
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    return list_keys


def _refused(
    arn: str, place: BucketPlace, prefix: str, error: ClientError
) -> BucketUnusable | StoreUnavailable:
    details: Any = error.response
    code = str(details.get("Error", {}).get("Code", ""))
    status = details.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code == "SlowDown":
        return StoreUnavailable(f"S3 did not list bucket {place.bucket}: {error}. Try again later")
    remedy = f"S3 refused to list bucket {place.bucket}: {error}"
    if code in DENIED:
        remedy = (
            f"S3 denied s3:ListBucket on {arn} for keys that begin with {prefix!r} ({error}). Allow"
            " it to this identity; to see a single election, s3leader status needs less"
        )
    elif code == "NoSuchBucket":
        remedy = f"there is no bucket {place.bucket!r}: check --bucket, --region and --endpoint-url"
    return BucketUnusable(remedy, action="s3:ListBucket", resource=arn, code=code)
