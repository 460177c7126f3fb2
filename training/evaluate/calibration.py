"""How far a score can be trusted: `exact`, `similar` or `none`, with probabilities that hold.

A shopper is told one of three: the first hit is the very product (`exact`), the product is in the catalog or
something like it is, though the first hit is another (`similar`), or it is not there (`none`). Each comes from
a probability, and each probability from the first hit's score by Platt's sigmoid.

Families of products are taken out of the gallery, so that there are questions whose answer is `none`. One half
of the families fits the sigmoids, the other half tells how well they hold; nothing is told of what was fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from training.evaluate.encoder import Vectors
from training.evaluate.ranking import item_scores
from training.evaluate.suite import Query, Suite

BINS = 10
ABSENT = 1 / 3
"""Share of the families that are taken out of the gallery."""
_LEAST = 8  # cases of each kind on each half; below that a sigmoid is noise
_STEPS = 100
_EVEN = 0.5

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """Probability 1 / (1 + exp(-(slope * score + shift))) of an event."""

    slope: float
    shift: float

    def __call__(self, scores: Floats) -> Floats:
        """Scores [N] to probabilities [N]."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * scores + self.shift, -50, 50))))

    @property
    def even(self) -> float:
        """The score at which the event is as likely as not."""
        return -self.shift / self.slope if self.slope else float("nan")


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was promised and what came true, on the half that was not fitted.

    Attributes:
        event: `exact`, or `present`: the product is in the gallery.
        sigmoid: fitted on the other half.
        ece: expected calibration error, the mean distance of promise and truth over `BINS` bins of equal
            width, weighted by cases (Naeini et al. 2015).
        brier: mean squared distance of promise and outcome.
        bins: of each bin with cases: mean promise, share that came true, cases.
        cases: on the half that was not fitted.
    """

    event: str
    sigmoid: Sigmoid
    ece: float
    brier: float
    bins: tuple[tuple[float, float, int], ...]
    cases: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Both events, and the three words that follow from them.

    Attributes:
        exact: the first hit is the very product.
        present: the product is in the gallery.
        confusion: truth -> word said -> cases, on the half that was not fitted.
        accuracy: share of words that were true.
        by_slice: slice -> expected calibration error of `exact` on its cases.
    """

    exact: Reliability
    present: Reliability
    confusion: dict[str, dict[str, int]]
    accuracy: float
    by_slice: dict[str, float]


def calibrate(
    suite: Suite, vectors: Vectors, gallery: Vectors, starts: npt.NDArray[np.int64], *, seed: int = 0
) -> Calibration | str:
    """Fit and judge the confidence in the first hit, over all queries of one picture and one right product.

    Args:
        suite: with its queries.
        vectors: [Q, D], the queries.
        gallery: [N, D], the gallery's pictures, those of an item next to each other.
        starts: [P], first row of each item.
        seed: decides which families are absent and which half fits.

    Returns:
        The calibration, or a sentence that says why there is none.
    """
    families = [item.family for item in suite.items]
    absent_family = {name: _place(name, "absent", seed) < ABSENT for name in set(families)}
    here = np.array([not absent_family[family] for family in families])
    rows = [n for n, q in enumerate(suite.queries) if _asks_for_one(q)]
    if not rows:
        return "no query is one picture of one product"
    if not here.any() or here.all():
        return "no family could be taken out of the gallery, so nothing asks for what is not there"
    score, exact = _first_hits(suite, rows, vectors[rows], gallery, starts, here)
    subjects = [suite.queries[row].subject for row in rows]
    present = here[subjects]
    fitting = np.array([_place(families[subject], "half", seed) < _EVEN for subject in subjects])
    for half in (fitting, ~fitting):
        for event in (exact, present):
            if min(int(event[half].sum()), int((~event[half]).sum())) < _LEAST:
                return f"fewer than {_LEAST} cases of a kind on one half: too small a gallery, or too bad an encoder"
    says_exact, says_present = fit(score[fitting], exact[fitting]), fit(score[fitting], present[fitting])
    held = ~fitting
    said = words(says_exact(score[held]), says_present(score[held]))
    true = np.where(exact[held], "exact", np.where(present[held], "similar", "none"))
    kinds = ("exact", "similar", "none")
    labels = np.array([suite.queries[row].slice for row in rows])[held]
    return Calibration(
        exact=judge("exact", says_exact, score[held], exact[held]),
        present=judge("present", says_present, score[held], present[held]),
        confusion={t: {s: int(((true == t) & (said == s)).sum()) for s in kinds} for t in kinds},
        accuracy=float((said == true).mean()),
        by_slice={
            str(label): expected_error(says_exact(score[held][labels == label]), exact[held][labels == label])
            for label in dict.fromkeys(labels)
        },
    )


def fit(scores: Floats, happened: Bools) -> Sigmoid:
    """Platt's sigmoid by Newton's method, with his softened targets (Platt 1999; Lin, Lin and Weng 2007)."""
    yes, no = int(happened.sum()), int((~happened).sum())
    target = np.where(happened, (yes + 1) / (yes + 2), 1 / (no + 2))
    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    x = np.stack([(scores - centre) / scale, np.ones(len(scores))], axis=1)
    weights = np.array([0.0, np.log((yes + 1) / (no + 1))])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -50, 50)))
        gradient = x.T @ (p - target)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # Newton can leap out of the bowl where classes part cleanly; a bounded step cannot.
        weights = weights - step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    slope = float(weights[0]) / scale
    return Sigmoid(slope, float(weights[1]) - slope * centre)


def words(exact: Floats, present: Floats) -> npt.NDArray[np.str_]:
    """What is said at these probabilities: whatever is likelier than not, the stronger word first."""
    return np.where(exact >= _EVEN, "exact", np.where(present >= _EVEN, "similar", "none"))


def judge(event: str, sigmoid: Sigmoid, scores: Floats, happened: Bools) -> Reliability:
    """Compare what a sigmoid promises with what happened."""
    promised = sigmoid(scores)
    bins = [
        (float(promised[rows].mean()), float(happened[rows].mean()), int(rows.sum()))
        for rows in _bins(promised)
        if rows.any()
    ]
    return Reliability(
        event=event,
        sigmoid=sigmoid,
        ece=expected_error(promised, happened),
        brier=float(np.square(promised - happened).mean()),
        bins=tuple(bins),
        cases=len(scores),
    )


def expected_error(promised: Floats, happened: Bools) -> float:
    """Expected calibration error of probabilities [N] against outcomes [N]."""
    return sum(
        abs(float(promised[rows].mean() - happened[rows].mean())) * float(rows.mean())
        for rows in _bins(promised)
        if rows.any()
    )


def _bins(promised: Floats) -> list[Bools]:
    place = np.minimum((promised * BINS).astype(np.int64), BINS - 1)
    return [place == number for number in range(BINS)]


def _first_hits(
    suite: Suite,
    rows: Sequence[int],
    vectors: Vectors,
    gallery: Vectors,
    starts: npt.NDArray[np.int64],
    here: Bools,
) -> tuple[Floats, Bools]:
    """Score of each query's first hit among the items that are here, and whether that is the right one."""
    score = np.empty(len(rows))
    exact = np.zeros(len(rows), dtype=bool)
    for start, _, items in item_scores(vectors, gallery, starts):
        seen = np.where(here, items, -np.inf)
        for place, scores in enumerate(seen):
            query = suite.queries[rows[start + place]]
            first = float(scores.max())
            ties = np.flatnonzero(scores == first)
            score[start + place] = first
            exact[start + place] = len(ties) == 1 and int(ties[0]) in query.right
    return score, exact


def _asks_for_one(query: Query) -> bool:
    """Whether it is the picture of one product, sought in the whole gallery."""
    whole = query.left_out < 0 and query.pool is None
    return query.look is not None and not query.text and len(query.right) == 1 and whole


def _place(name: str, purpose: str, seed: int) -> float:
    """A number in 0..1 that belongs to a name, the same in every run."""
    return int.from_bytes(sha256(f"{purpose}\0{seed}\0{name}".encode()).digest()[:8]) / 2**64
