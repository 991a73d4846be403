"""Two models side by side: agreement, agreement beyond chance, and where they differ."""

from models.comparing import Comparison

GOOD, BAD = ("positive", "compliment"), ("negative", "complaint")


def test_agreement_is_counted_by_head_and_differences_are_kept() -> None:
    found = Comparison(keep=1)
    found.add([("a", GOOD, GOOD), ("b", BAD, BAD), ("c", GOOD, ("positive", "other")), ("d", GOOD, BAD)])
    assert (found.agreement("sentiment"), found.agreement("intent")) == (0.75, 0.5)
    assert found.kappa("sentiment") == 0.5
    assert found.differences("sentiment") == [(("positive", "negative"), 1)]
    assert found.apart == [("c", GOOD, ("positive", "other"))]


def test_nothing_compared_is_no_agreement() -> None:
    assert Comparison().agreement("intent") is None
    assert Comparison().kappa("intent") is None
