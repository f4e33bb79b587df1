"""What CDK's objects say is asked once, and is the same for all Python objects of a construct."""

from collections.abc import Callable
from dataclasses import dataclass

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from s3leader_cdk import LockBucket
from s3leader_cdk._cdk_facts import (
    Once,
    is_unresolved,
    made_in,
    notes_of,
    of_seconds,
    path_of,
    place_of,
    resource_of,
    seconds,
    stack_of,
)
from tests.infra.jobs import existing_function
from tests.infra.synth import new_stack


class Asked:
    def __init__(self) -> None:
        self.times = 0


@dataclass  # with equality, but without a hash
class Unhashable(Asked):
    times: int = 0


def ask(answer: int | None) -> Callable[[Asked], int | None]:
    def asking(asked: Asked) -> int | None:
        asked.times += 1
        return answer

    return asking


def test_an_object_is_asked_once() -> None:
    question, asked = Once(ask(0)), Asked()
    assert [question(asked), question(asked), asked.times] == [0, 0, 1]


def test_what_is_missing_is_asked_again() -> None:
    question, asked = Once(ask(None)), Asked()
    assert [question(asked), question(asked), asked.times] == [None, None, 2]


def test_an_object_without_a_hash_is_asked_each_time() -> None:
    question, asked = Once(ask(1)), Unhashable()
    assert [question(asked), question(asked), asked.times] == [1, 1, 2]


def test_equal_names_in_two_apps_have_notes_of_their_own() -> None:
    one, two = (existing_function(new_stack()) for _ in range(2))
    notes_of(one)["seen"] = True
    assert path_of(one) == path_of(two)
    assert notes_of(two) == {}


def test_a_construct_that_python_did_not_make_has_one_set_of_notes() -> None:
    function = existing_function(new_stack())
    first, again = function.node.default_child, function.node.default_child
    assert first is not None
    assert again is not None
    assert first is not again  # another Python object each time
    notes_of(first)["seen"] = True
    assert notes_of(again) == {"seen": True}


def test_a_construct_that_replaces_another_at_its_path_has_no_notes_of_it() -> None:
    stack = new_stack()
    notes_of(replaced := existing_function(stack))["seen"] = True
    assert notes_of(replaced) == {"seen": True}
    stack.node.try_remove_child("Function")
    assert notes_of(existing_function(stack)) == {}


def test_a_function_that_replaces_a_candidate_is_set_up_and_checked_anew() -> None:
    stack = new_stack()
    locks = LockBucket(stack, "Locks")
    locks.attach(existing_function(stack), election="first")
    stack.node.try_remove_child("Function")
    own = existing_function(stack, environment={"S3LEADER_BUCKET": "mine"})
    with pytest.raises(ValueError, match=r"'S3LEADER_BUCKET' of function .* is set by s3leader"):
        locks.attach(own, election="second")
    stack.node.try_remove_child("Function")
    locks.attach(existing_function(stack), election="third")
    (function,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    assert function["Properties"]["Environment"]["Variables"]["S3LEADER_ELECTION"] == "third"
    assert len(function["Properties"]["Layers"]) == 1


def test_a_resource_that_is_noted_as_made_in_a_stack_says_what_cdk_says() -> None:
    stack = new_stack(account="111111111111", region="eu-west-1")
    function = existing_function(stack)
    asked = place_of(function)
    made_in(stack, function)
    assert (place_of(function), stack_of(function)) == (asked, cdk.Stack.of(function))
    assert asked == ("111111111111", "eu-west-1")


def test_an_imported_resource_has_the_place_that_it_was_imported_with() -> None:
    arn = "arn:aws:lambda:us-east-2:222222222222:function:far"
    far = lambda_.Function.from_function_arn(new_stack(), "Far", arn)
    assert place_of(far) == ("222222222222", "us-east-2")
    assert resource_of(far) is None


def test_tokens_in_texts_and_numbers_are_found() -> None:
    token = LockBucket(new_stack(), "Locks").bucket_name
    number = cdk.Token.as_number({"Ref": "Count"})
    found = [is_unresolved(each) for each in (token, f"a/{token}", number, "plain", 1, None)]
    assert found == [True, True, True, False, False, False]


def test_durations_of_equal_length_are_one_object() -> None:
    assert of_seconds(90) is of_seconds(90.0)
    assert [of_seconds(90).to_seconds(), seconds(of_seconds(90))] == [90, 90]
    assert seconds(cdk.Duration.minutes(2)) == 120
