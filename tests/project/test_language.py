"""Plain words: no tracked file has the words that this project has dropped, nor has a file's name.

Identifiers are split first: `read_desk` and `ReadDesk` have the word desk. Words of other projects
are allowed in the contexts of `ALLOWED`, each with its reason.
"""

import re
from functools import cache

import pytest

from tests.project.test_repository import texts

# What to write instead.
DROPPED = {
    r"mend(?:s|ed|ing)?": "fix",
    r"told": "name what says it: the log has, the message names",
    r"telling": "reporting",
    r"mischief|misfortune|misery": "fault",
    r"hindrance": "error",
    r"befalls?|befell": "happens to",
    r"astray": "wrong, elsewhere",
    r"herd": "processes",
    r"witness(?:es)?": "event log",
    r"stage": "context, deployment",
    r"desk": "shell, machine",
    r"arena": "setup",
    r"finale": "evidence",
    r"acts? (?:one|two)": "the part's name",
    r"whoever": "a candidate that, a person who",
    r"whatever comes": "in any case",
    r"(?:do|does|did|doing) without": "does not need",
    r"let be": "leave, ignore",
    r"lets go": "releases",
    r"worth trying": "may try",
}
# One word for one thing, in what ships and in what users read.
ONE_WORD = {
    r"owners?|masters?": "holder, leader",
    r"generations?|epochs?|sessions?": "term",
    r"mutex(?:es)?": "lock, election",
}
SHIPPED = ("lambda_src/s3leader/", "stacks/", "scripts/s3leader_cli/", "docs/", "README.md")
ALLOWED = (
    r"(?:bucket|queue) owner|owner enforced",  # AWS: whose account a bucket or a queue is in
    r"kms master key|encryption master key|\bmaster key",  # AWS: a key of SNS, SQS and KMS
    r"boto(?:3|core) session(?: session)?",
    r"session tags|session policy|session token|get session",  # STS
    r"orm session",  # SQLAlchemy
    r"session replication role|idle in transaction session timeout",  # settings of PostgreSQL
)
# The CDK stages assets, and has a class Stage.
CDK = ("stacks/", "tests/infra/", "tests/wheel/")
UNREAD = re.compile(
    r"(?:.*\.lock|package-lock\.json|LICENSE"
    r"|CHANGELOG\.md"  # says what was
    r"|tests/project/test_language\.py)"
)


def plain(line: str) -> str:
    """Return a line in lower case, identifiers split into words, without the allowed contexts."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_.(\"'-]+", " ", line).lower()
    return re.sub("|".join(ALLOWED), "", re.sub(r" +", " ", words))


@cache
def lines() -> list[tuple[str, int, str, str]]:
    """Return each file's name and lines: file, line number (0: the name), text, plain text."""
    return [
        (name, number, line.strip(), plain(line))
        for name, text in texts()
        if not UNREAD.fullmatch(name)
        for number, line in enumerate([name, *text.splitlines()])
    ]


def uses(pattern: str, *folders: str) -> list[str]:
    word = re.compile(rf"\b(?:{pattern})\b")
    return [
        f"{name}:{number}: {line}"
        for name, number, line, words in lines()
        if (not folders or name.startswith(folders)) and word.search(words)
        if pattern != "stage" or not name.startswith(CDK)
    ]


@pytest.mark.parametrize(("word", "instead"), DROPPED.items(), ids=DROPPED)
def test_no_file_has_a_dropped_word(word: str, instead: str) -> None:
    found = uses(word)
    assert not found, f"write: {instead}"


@pytest.mark.parametrize(("word", "instead"), ONE_WORD.items(), ids=ONE_WORD)
def test_one_word_for_one_thing(word: str, instead: str) -> None:
    found = uses(word, *SHIPPED)
    assert not found, f"write: {instead}"


@pytest.mark.parametrize(
    "line", ["the desk", "read_desk", "ReadDesk(", "DESK = 1", "tests/desk.py"]
)
def test_a_dropped_word_is_found_in_text_and_names(line: str) -> None:
    assert re.search(r"\bdesk\b", plain(line))


@pytest.mark.parametrize(
    "line", ["BucketOwnerEnforced", "kms_master_key_id", "boto3.session.Session()"]
)
def test_words_of_other_projects_are_allowed(line: str) -> None:
    assert not re.search(r"\b(?:owner|master|session)\b", plain(line))
