import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3leader._core.config import check_name, check_prefix
from s3leader_cdk import LockBucket
from s3leader_cdk._election.names import checked_bucket_name, checked_election, checked_prefix
from tests.infra.synth import new_stack

SEGMENT = st.one_of(
    st.text(alphabet="abzAZ09._-", max_size=101),
    st.sampled_from(
        ["", ".", "..", "lock_", "lock_x", "lock", "ü", "a b", "*", "${Token[1]}", "a\n"]
    ),
)
NAMES = st.lists(SEGMENT, min_size=1, max_size=3).map("/".join)


def accepts(check: object, *args: object, **kwargs: object) -> bool:
    assert callable(check)
    try:
        check(*args, **kwargs)
    except ValueError:
        return False
    return True


@given(NAMES)
def test_synth_accepts_the_same_election_names_as_the_runtime(name: str) -> None:
    assert accepts(checked_election, name, prefix="elections/") == accepts(check_name, name)


@given(st.one_of(NAMES, NAMES.map(lambda name: f"{name}/")).filter(bool))
def test_synth_accepts_the_same_prefixes_as_the_runtime(prefix: str) -> None:
    assert accepts(checked_prefix, prefix) == accepts(check_prefix, prefix)


@pytest.mark.parametrize("prefix", ["", "elections"])
def test_a_refused_prefix_is_echoed_with_an_example(prefix: str) -> None:
    with pytest.raises(ValueError, match=rf"prefix: .*for example .*got '{prefix}'"):
        checked_prefix(prefix)


def test_names_too_long_for_a_key_are_rejected() -> None:
    with pytest.raises(ValueError, match="together have 901 characters"):
        checked_election("/".join(["a" * 99] * 8 + ["a" * 90]), prefix="elections/")


@pytest.mark.parametrize("name", ["my/locks", "s3://my-locks", "My-Locks", "192.168.0.1", "-locks"])
def test_a_name_that_no_bucket_may_have_is_refused(name: str) -> None:
    match = re.escape(f"bucket_name {name!r} is not a bucket name: give the name alone")
    with pytest.raises(ValueError, match=match):
        LockBucket(new_stack(), "Locks", bucket_name=name)


@pytest.mark.parametrize("name", ["my-locks", "my.locks", "0ab", "a" * 63, "1.2.3.4.5"])
def test_a_name_that_a_bucket_may_have_is_accepted(name: str) -> None:
    LockBucket(new_stack(), "Locks", bucket_name=name)


def test_a_name_by_the_former_rules_is_accepted_for_an_existing_bucket() -> None:
    assert checked_bucket_name("My_Locks", option="lock_bucket", existing=True) == "My_Locks"
