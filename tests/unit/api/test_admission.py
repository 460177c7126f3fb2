"""How many queries may come in follows how fast they are answered."""

import pytest

from api.admission import Admission
from api.limits import Permits

DEADLINE_S = 2.0


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def simulate(permits: Permits, admission: Admission, clock: Clock, *, rate: float, clients: int) -> int:
    """A round of `clients` queries at once on models that do `rate` a second; how many missed their deadline."""
    admitted = min(clients, permits.capacity)
    missed = 0
    with permits.lease() as lease:
        lease.take(admitted)
        for number in range(1, admitted + 1):
            took = number / rate
            clock.now += 1 / rate
            if took > DEADLINE_S:
                missed += 1
                admission.missed()
            else:
                admission.answered(took)
    return missed


@pytest.mark.parametrize(("rate", "low", "high"), [(2_000, 64, 64), (20, 10, 22), (6, 4, 8), (3, 4, 4)])
def test_the_bound_settles_where_the_deadline_is_kept(rate: float, low: int, high: int) -> None:
    permits, clock = Permits(64, "queries"), Clock()
    admission = Admission(permits, DEADLINE_S, clock)
    missed = [simulate(permits, admission, clock, rate=rate, clients=100) for _ in range(60)]
    assert sum(missed[20:]) == 0
    assert low <= permits.capacity <= high


def test_few_queries_prove_nothing_and_one_late_round_lowers_it_once() -> None:
    permits, clock = Permits(64, "queries"), Clock()
    admission = Admission(permits, DEADLINE_S, clock)
    for _ in range(50):
        simulate(permits, admission, clock, rate=1_000, clients=1)
    assert permits.capacity == 8
    with permits.lease() as lease:
        lease.take(8)
        for _ in range(8):
            admission.missed()
    assert permits.capacity == 5
    clock.now += DEADLINE_S
    for _ in range(80):
        simulate(permits, admission, clock, rate=1_000, clients=64)
    assert permits.capacity == 64


def test_a_bound_of_one_stays_one() -> None:
    permits = Permits(1, "queries")
    admission = Admission(permits, DEADLINE_S)
    admission.missed()
    assert permits.capacity == 1
