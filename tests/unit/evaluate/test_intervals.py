import pytest

from training.evaluate.intervals import wilson


def test_wilson_agrees_with_published_values() -> None:
    low, high = wilson(8, 10)  # Newcombe 1998 gives 0.4902 to 0.9433 for 8 of 10
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)


@pytest.mark.parametrize("successes", [0, 100])
def test_the_interval_stays_a_share_at_the_ends(successes: int) -> None:
    low, high = wilson(successes, 100)
    assert 0 <= low <= successes / 100 <= high <= 1
    assert high - low > 0.02


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (3, 2), (-1, 5)])
def test_nonsense_is_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="not a share"):
        wilson(successes, trials)
