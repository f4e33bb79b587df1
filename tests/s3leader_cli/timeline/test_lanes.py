import uuid

from s3leader_cli.timeline.lanes import lanes


def test_invocations_of_a_function_share_a_lane() -> None:
    holders = [f"billing/{uuid.uuid4()}/0a1b2c3d" for _ in range(3)]
    assert lanes(holders) == (["billing"], [0, 0, 0])


def test_processes_of_a_host_share_a_lane() -> None:
    assert lanes(["web-1-400-0a1b2c3d", "web-1-401-9a1b2c3d", "web-2-400-0a1b2c3e"]) == (
        ["web-1", "web-2"],
        [0, 0, 1],
    )


def test_a_holder_with_a_name_of_its_own_has_its_lane() -> None:
    assert lanes(["blue", "green", "blue"]) == (["blue", "green"], [0, 1, 0])


def test_holders_without_a_name_share_the_last_lane() -> None:
    assert lanes([None, "zebra", ""]) == (["zebra", "unnamed"], [1, 0, 1])


def test_tasks_whose_hosts_differ_in_numbers_only_share_a_lane_if_they_are_many() -> None:
    holders = [f"ip-10-0-{n}-7-400-0a1b2c3d" for n in range(100)]
    assert lanes(holders)[0] == ["ip-*-*-*-*"]


def test_pods_of_a_job_share_a_lane_if_they_are_many() -> None:
    holders = [f"billing-{29000000 + n}-x{n:03d}z-1-0a1b2c3d" for n in range(100)]
    assert lanes(holders)[0] == ["billing-*-*"]


def test_the_rarest_of_too_many_names_share_a_lane() -> None:
    names, numbers = lanes([f"name {chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(100)])
    assert (len(names), names[-1], len(numbers)) == (24, "other contenders", 100)
