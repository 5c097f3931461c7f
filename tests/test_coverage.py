"""Coverage is pure: intervals, gaps, and what a report is worth."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from lms.learning import coverage
from lms.learning.coverage import SKIPPED, TOO_FAST, Credit, Ledger

MINUTE = 60_000
milliseconds = st.integers(0, 5 * MINUTE)
segment = st.tuples(milliseconds, milliseconds)


@pytest.mark.parametrize(
    ("intervals", "merged"),
    [
        ([], []),
        ([(5, 5), (9, 3)], []),
        ([(10, 20), (0, 10)], [(0, 20)]),
        ([(0, 10), (11, 20)], [(0, 10), (11, 20)]),
        ([(0, 100), (10, 20)], [(0, 100)]),
        ([[3, 8], [1, 4], [20, 30]], [(1, 8), (20, 30)]),
    ],
)
def test_merges(intervals, merged):
    assert coverage.merge(intervals) == merged


@given(st.lists(segment, max_size=12))
def test_merging_keeps_exactly_the_same_milliseconds(intervals):
    merged = coverage.merge(intervals)
    assert merged == sorted(merged)
    assert all(a[1] < b[0] for a, b in pairwise(merged))
    assert coverage.merge(merged) == merged
    edges = {edge for one in intervals for edge in one}
    for at in edges | {edge - 1 for edge in edges}:
        inside = any(start <= at < until for start, until in intervals)
        assert inside == any(start <= at < until for start, until in merged)


@pytest.mark.parametrize(
    ("intervals", "found"),
    [
        ([], [(0, MINUTE)]),
        ([(0, MINUTE)], []),
        ([(0, MINUTE - 1000)], []),
        ([(0, MINUTE - 1001)], [(MINUTE - 1001, MINUTE)]),
        ([(499, MINUTE)], []),
        ([(500, MINUTE)], [(0, 500)]),
        ([(0, 1000), (1499, 2000), (2500, MINUTE)], [(2000, 2500)]),
    ],
)
def test_gaps(intervals, found):
    assert coverage.gaps(intervals, MINUTE) == found


def test_progress_is_never_rounded_up_and_forgives_the_last_second():
    told = {0: 0, 59: 0, 60: 1, 53_999: 899, 54_000: 900, 58_999: 983, 59_000: 1000}
    assert {ms: coverage.permille(ms, MINUTE) for ms in told} == told
    assert coverage.end_tolerance(4_000) == 200


@given(st.integers(1000, 4 * 3600 * 1000), st.integers(1, 1000))
def test_reach_is_the_least_that_is_enough(duration, threshold):
    least = coverage.reach_ms(threshold, duration)
    assert coverage.permille(least, duration) >= threshold
    assert least == 0 or coverage.permille(least - 1, duration) < threshold


def test_what_was_really_played_is_credited_once():
    first = coverage.credit([(0, 10_000)], [], allowed_ms=15_000, duration_ms=MINUTE)
    assert first == Credit(
        intervals=[(0, 10_000)], claimed_ms=10_000, spent_ms=10_000, credited_ms=10_000
    )
    again = coverage.credit(
        [(5_000, 12_000)], first.intervals, allowed_ms=15_000, duration_ms=MINUTE
    )
    assert again == Credit(
        intervals=[(0, 12_000)], claimed_ms=7_000, spent_ms=7_000, credited_ms=2_000
    )


def test_the_same_part_twice_in_one_report_costs_time_twice():
    found = coverage.credit([(0, 6_000), (0, 6_000)], [], allowed_ms=9_000, duration_ms=MINUTE)
    assert found.refusal == TOO_FAST
    found = coverage.credit([(0, 6_000), (0, 6_000)], [], allowed_ms=12_000, duration_ms=MINUTE)
    assert (found.spent_ms, found.credited_ms) == (12_000, 6_000)


def test_a_claim_of_everything_at_once_is_worth_nothing():
    forged = coverage.credit([(0, MINUTE)], [(0, 100)], allowed_ms=450, duration_ms=MINUTE)
    assert forged == Credit(
        intervals=[(0, 100)],
        claimed_ms=MINUTE,
        spent_ms=0,
        credited_ms=0,
        refusal=TOO_FAST,
    )


def test_within_the_grace_the_end_of_the_claim_is_cut():
    found = coverage.credit(
        [(20_000, 25_000), (0, 6_000)], [], allowed_ms=10_000, duration_ms=MINUTE
    )
    assert found == Credit(
        intervals=[(0, 5_000), (20_000, 25_000)],
        claimed_ms=11_000,
        spent_ms=10_000,
        credited_ms=10_000,
    )


def test_what_lies_outside_the_video_is_not_played():
    found = coverage.credit(
        [(-5_000, 1_000), (59_000, 90_000), (7, 7), (9, 8)],
        [],
        allowed_ms=MINUTE,
        duration_ms=MINUTE,
    )
    assert found.intervals == [(0, 1_000), (59_000, 60_000)]
    assert found.claimed_ms == 2_000


@pytest.mark.parametrize(
    ("segments", "covered", "refusal"),
    [
        ([(0, 5_000)], [], None),
        ([(12_001, 15_000)], [], SKIPPED),
        ([(12_000, 15_000)], [], None),  # what came before it is on its way
        ([(32_001, 33_000)], [(0, 20_000)], SKIPPED),
        ([(4_000, 6_000)], [(0, 1_000), (30_000, 40_000)], None),  # a gap, gone back to
        ([(0, 4_000), (17_000, 18_000)], [], SKIPPED),
    ],
)
def test_jumping_ahead_is_not_credited_where_skipping_is_closed(segments, covered, refusal):
    given_by = {"allowed_ms": 10_000, "duration_ms": MINUTE}
    found = coverage.credit(segments, covered, free_skip=False, **given_by)
    assert found.refusal == refusal
    assert (found.spent_ms == 0) == (refusal is not None)
    assert coverage.credit(segments, covered, free_skip=True, **given_by).refusal is None


def test_a_wall_clock_that_was_set_gives_nothing_and_takes_nothing():
    hour = 3_600_000
    ledger = Ledger(at_ms=10 * hour, mono_ms=5_000, boot="a")
    for jump in (-hour, 0, hour):
        now_ms = 10 * hour + 10_000 + jump
        assert coverage.unspent_ms(ledger, now_ms=now_ms, mono_ms=15_000, boot="a") == 10_000


def test_between_two_machines_little_is_believed():
    ledger = Ledger(at_ms=1_000_000, mono_ms=5_000, boot="a")
    readings = {1_010_000: 10_000, 4_600_000: coverage.UNSURE_MS, 990_000: 0}
    for now_ms, believed in readings.items():
        assert coverage.unspent_ms(ledger, now_ms=now_ms, mono_ms=7, boot="b") == believed


def test_time_left_unspent_ends_after_two_hours():
    ledger = Ledger(at_ms=0, mono_ms=0, boot="a")
    found = coverage.unspent_ms(ledger, now_ms=0, mono_ms=9 * 3_600_000, boot="a")
    assert found == coverage.LONGEST_MS


class Player(RuleBasedStateMachine):
    """Whatever is sent, whenever: never more is credited than time × speed allows.

    Time passes on the machine's monotonic clock; the wall clock may be set at will; the server may
    move to another machine, whose monotonic clock has another zero.
    """

    reports = Bundle("reports")

    @initialize(speed=st.sampled_from([100, 125, 150, 200, 300]))
    def begin(self, speed):
        self.speed = speed
        self.duration = 5 * MINUTE
        self.passed = 0
        self.wall = 10**12
        self.zero = 77
        self.boot = 0
        self.unsure = 0
        self.covered = []
        self.spent = 0
        self.ledger = Ledger(at_ms=self.wall, mono_ms=self.mono, boot="0")

    @property
    def mono(self):
        return self.zero + self.passed

    @rule(elapsed=st.integers(0, 2 * MINUTE))
    def time_passes(self, elapsed):
        self.passed += elapsed
        self.wall += elapsed

    @rule(jump=st.integers(-3_600_000, 3_600_000))
    def clock_is_set(self, jump):
        self.wall += jump

    @rule(zero=st.integers(0, 10**9))
    def server_moves(self, zero):
        self.zero = zero
        self.boot += 1

    @rule(target=reports, segments=st.lists(segment, max_size=5))
    def client_makes_up(self, segments):
        return segments

    @rule(target=reports, start=milliseconds)
    def client_plays(self, start):
        left = coverage.unspent_ms(
            self.ledger, now_ms=self.wall, mono_ms=self.mono, boot=str(self.boot)
        )
        return [(start, start + left * self.speed // 100)]

    @rule(target=reports, start=milliseconds)
    def client_farms_the_grace(self, start):
        return [(start, start + coverage.GRACE_MS)]

    @rule(segments=reports)
    def report(self, segments):
        here = {"now_ms": self.wall, "mono_ms": self.mono, "boot": str(self.boot)}
        left = coverage.unspent_ms(self.ledger, **here)
        if self.ledger.boot != str(self.boot):
            self.unsure += left
        found = coverage.credit(
            segments,
            self.covered,
            allowed_ms=left * self.speed // 100,
            duration_ms=self.duration,
        )
        assert 0 <= found.credited_ms <= found.spent_ms <= found.claimed_ms
        assert coverage.total(found.intervals) == coverage.total(self.covered) + found.credited_ms
        assert found.refusal is None or found.spent_ms == 0
        self.covered = found.intervals
        self.spent += found.spent_ms
        left -= coverage.wall_ms(found.spent_ms, self.speed)
        assert left >= 0
        self.ledger = coverage.settled(left_ms=left, **here)

    @invariant()
    def never_more_than_time_allows(self):
        if not hasattr(self, "speed"):
            return
        # On one machine nothing but its own clock counts; each move to another is believed for
        # at most UNSURE_MS, which is what `unsure` has gathered.
        assert self.spent * 100 <= (self.passed + self.unsure) * self.speed
        assert coverage.total(self.covered) <= self.spent


TestPlayer = Player.TestCase
