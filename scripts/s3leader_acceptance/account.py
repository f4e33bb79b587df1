"""The account and Region to work in, as the AWS tools take them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

Client: TypeAlias = Any  # boto3 makes its clients at run time
_BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"


class AcceptanceError(Exception):
    """The run cannot go on; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where a run works: credentials that were verified, and a Region."""

    session: boto3.Session
    number: str
    region: str
    profile: str | None
    endpoint: str | None

    @classmethod
    def open(cls, *, profile: str | None, region: str | None, endpoint: str | None) -> Account:
        """Return the account of the credentials in use, or raise `AcceptanceError`."""
        endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")
        try:
            session = boto3.Session(profile_name=profile, region_name=region)
            if session.get_credentials() is None:
                raise AcceptanceError(
                    "no AWS credentials found: sign in, or give --profile or AWS_PROFILE"
                )
            if session.region_name is None:
                raise AcceptanceError("no Region: give --region or set AWS_DEFAULT_REGION")
            unverified = cls(
                session=session,
                number="",
                region=session.region_name,
                profile=profile,
                endpoint=endpoint,
            )
            number = str(unverified.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            raise AcceptanceError(f"AWS does not accept the credentials: {error}") from error
        return cls(
            session=session,
            number=number,
            region=session.region_name,
            profile=profile,
            endpoint=endpoint,
        )

    def client(self, service: str, *, role: str | None = None, retries: int = 3) -> Client:
        """Return a client; with `role`, one that acts in a new session of the role."""
        credentials = {}
        if role is not None:
            made = self.client("sts").assume_role(RoleArn=role, RoleSessionName="acceptance")
            credentials = {
                "aws_access_key_id": made["Credentials"]["AccessKeyId"],
                "aws_secret_access_key": made["Credentials"]["SecretAccessKey"],
                "aws_session_token": made["Credentials"]["SessionToken"],
            }
        factory: Any = self.session.client
        return factory(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            config=Config(retries={"mode": "standard", "total_max_attempts": retries}),
            **credentials,
        )

    def environment(self) -> dict[str, str]:
        """Return this process's environment, with account and Region for other programs."""
        chosen: Mapping[str, str | None] = {
            "AWS_PROFILE": self.profile,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
        }
        return {**os.environ, **{name: value for name, value in chosen.items() if value}}

    def check_bootstrapped(self) -> None:
        """Raise `AcceptanceError` unless the CDK can deploy here."""
        try:
            self.client("ssm").get_parameter(Name=_BOOTSTRAP)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise AcceptanceError(f"cannot read the parameter {_BOOTSTRAP}: {error}") from error
            raise AcceptanceError(
                f"this account is not bootstrapped for the CDK in {self.region}: run"
                " `npx cdk bootstrap` once. It stays, and this program neither makes nor removes it"
            ) from error
