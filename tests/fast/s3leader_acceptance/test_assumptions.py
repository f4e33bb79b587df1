"""Each assumption of docs/verification.md has a check, or a reason why it has none."""

import re
from pathlib import Path

import pytest

from s3leader_acceptance.checks.table import CHECKS, NOT_CHECKABLE, chosen

ROOT = Path(__file__).parents[3]
PAGE = " ".join((ROOT / "docs" / "verification.md").read_text().split())
ASSUMPTIONS = PAGE.partition("## Assumptions")[2].partition("## Not promised")[0]
STATEMENTS = re.split(r" - (?=\*\*)", ASSUMPTIONS.partition("[What is checked")[0])[1:]
QUOTES = [*(check.assumption for check in CHECKS), *NOT_CHECKABLE]


def sentences(statement: str) -> list[str]:
    """Return the sentences that assume something, without the name of the statement."""
    text = re.sub(r"^\*\*[\w ]+\.\*\* ", "", statement)
    return re.split(r"(?<=\.) (?=[A-Z`])", text)


def test_page_states_fifteen_assumptions() -> None:
    assert len(STATEMENTS) == 15


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda text: text[:30])
def test_assumption_is_quoted_by_a_check_or_a_reason(statement: str) -> None:
    assert any(quote in statement for quote in QUOTES)


@pytest.mark.parametrize("statement", STATEMENTS[6:], ids=lambda text: text[:30])
def test_each_sentence_about_other_services_is_quoted(statement: str) -> None:
    assert [each for each in sentences(statement) if not any(q in each for q in QUOTES)] == []


@pytest.mark.parametrize("quote", QUOTES, ids=lambda text: text[:40])
def test_quote_is_in_the_page(quote: str) -> None:
    assert quote in PAGE


def test_names_of_checks_differ() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_all_checks_are_chosen_by_default_in_their_order() -> None:
    assert chosen(()) == [*CHECKS]


def test_unknown_check_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no check is named 'race': expected one of certify"):
        chosen(("race",))
