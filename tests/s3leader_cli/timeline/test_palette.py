import pytest

from s3leader_cli.timeline.palette import LOOKS, legend, themes

THEMES = themes()


def luminance(colour: str) -> float:
    """Return the relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_every_outcome_stands_out_from_its_lane(theme: str) -> None:
    lane, colours = THEMES[theme]["lane"], dict(zip(LOOKS, THEMES[theme]["colours"], strict=True))
    assert {name: c for name, c in colours.items() if contrast(c, lane) < 3} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", ["ink", "quiet"])
def test_text_can_be_read(theme: str, text: str) -> None:
    assert contrast(THEMES[theme][text], THEMES[theme]["lane"]) >= 4.5


def test_no_two_outcomes_have_the_same_shape() -> None:
    assert len({look.shape for look in LOOKS.values()}) == len(LOOKS)


def test_the_legend_has_a_path_for_every_shape() -> None:
    assert {name for name, each in legend().items() if not each["path"].startswith("M")} == set()
