"""What happens in a market, seed by seed: scenes on the way through a year, each to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random, choice
from random import seed as seed_jitter
from unittest.mock import patch

from tally.access.model.tenants import Tenant
from tally.access.tenants import create_tenant
from tally.audit.model import SCHEDULE
from tally.aws.moments import start_series
from tally.aws.table import Table
from tally.counting.parts import Parts
from tally.counting.switch import share_markers
from tally.kernel.counters import Totals
from tally.kernel.instants import Instant, to_instant
from tally.kernel.keys import Key
from tally.kernel.periods import Period
from tally.payouts.runs import list_runs
from tests.operators import OPERATOR
from tests.simulation import actors
from tests.simulation.actors import Stream
from tests.simulation.erasures import erase
from tests.simulation.histories import (
    CATALOG,
    OBJECTS,
    TENANTS,
    Historian,
    Sent,
    Subjects,
    minutes_before,
)
from tests.simulation.invariants import LinesWatch, Watch, check
from tests.simulation.market import Market, new_market
from tests.simulation.payouts import Payouts, change_statuses
from tests.simulation.tenants import change_rates, check_tenants
from tests.spending import BUYERS, OWNERS

MARCH, APRIL = "2026-03", "2026-04"


@dataclass(slots=True)
class Scene:
    """It begins at `at`; events happened up to `back_min` minutes before. `pay`: months to pay.
    `speak`: what is said beside random events."""

    at: datetime
    events: int
    back_min: int = 9
    pay: Sequence[Period] = ()
    imports: Sequence[Period] = ()
    speak: Callable[[Historian], list[list[Sent]]] = lambda _: []


@dataclass(slots=True)
class Story:
    """`repairs`, `keys`, ...: how many actors do that."""

    subjects: Subjects
    scenes: Sequence[Scene]
    senders: int = 3
    repairs: int = 0
    keys: int = 0
    lookers: int = 0
    statuses: int = 0
    erasers: int = 0
    deals: int = 0
    slowest_s: float | None = None
    lag: float = 0.03
    stalls: float = 0
    releases: tuple[datetime, datetime] | None = None
    """When this release begins to count and when the one before it is gone, if there is one."""


def catalog_story(random: Random) -> Story:
    """Datasets and objects come and go, late and at once."""
    return Story(
        Subjects({"catalog": 1}, catalog=random.choice([("c1",), tuple(CATALOG)])),
        [Scene(datetime(2026, 4, 5, 10, tzinfo=UTC), random.randint(20, 60))],
        senders=random.randint(2, 5),
        repairs=random.choice([0, 0, 1, 2]),
    )


def survivors_story(random: Random) -> Story:
    """A dataset is deleted late, while its newer objects are being indexed."""
    begin = datetime(2026, 4, 5, 10, tzinfo=UTC)
    scenes = []
    for n in range(random.randint(1, 4)):
        uploaded, deleted, indexed = (_minutes(begin, 10 * n + m) for m in (4, 2, 8))
        uploads = partial(Historian.uploads, dataset="c1", time=uploaded)
        late = partial(Historian.late_deletion, dataset="c1", deleted=deleted, time=indexed)
        scenes += [
            Scene(begin + timedelta(minutes=10 * n + m), 0, speak=speak)
            for m, speak in ((5, uploads), (9, late))
        ]
    subjects = Subjects({"catalog": 1}, objects=OBJECTS)
    return Story(
        subjects,
        scenes,
        senders=len(OBJECTS),
        slowest_s=random.choice([1.0, 3.0]),
        stalls=random.choice([0, 0.6, 0.6]),
    )


def _minutes(begin: datetime, minutes: int) -> Instant:
    return to_instant(begin + timedelta(minutes=minutes))


def repair_story(random: Random) -> Story:
    """Counters are repaired while the changes of a busy minute are on their way."""
    return Story(
        Subjects({"charges": 3, "catalog": 2, "portfolio": 2}),
        [Scene(datetime(2026, 4, 5, 10, tzinfo=UTC), random.randint(20, 50))],
        senders=random.randint(2, 5),
        repairs=random.randint(2, 6),
    )


def lag_story(random: Random) -> Story:
    """Providers are repaired while most of their changes are still on their way."""
    return Story(
        Subjects({"catalog": 1}),
        [Scene(datetime(2026, 4, 5, 10, tzinfo=UTC), random.randint(10, 30))],
        repairs=random.randint(3, 6),
        lag=0.7,
    )


def trade_story(random: Random) -> Story:
    """Charges and refunds, over the end of a month and its close."""
    return Story(
        Subjects({"charges": 3, "refunds": 3, "catalog": 1}),
        [
            Scene(datetime(2026, 3, 31, 23, 59, tzinfo=UTC), random.randint(10, 30)),
            Scene(
                datetime(2026, 4, 1, 4, 59, 58, tzinfo=UTC), random.randint(10, 30), back_min=400
            ),
        ],
        repairs=random.choice([0, 1]),
        lookers=random.choice([0, 1]),
    )


def portfolio_story(random: Random) -> Story:
    return Story(
        Subjects({"portfolio": 1}),
        [Scene(datetime(2026, 4, 1, 0, 3, tzinfo=UTC), random.randint(20, 60))],
        senders=random.randint(2, 5),
        repairs=random.choice([0, 1, 2]),
    )


def payout_story(random: Random) -> Story:
    """Months are paid, twice and two at once, while history is imported."""
    may, july = datetime(2026, 5, 1, 6, tzinfo=UTC), datetime(2026, 8, 1, 6, tzinfo=UTC)
    return Story(
        Subjects({"charges": 3, "refunds": 5}),
        [
            Scene(datetime(2026, 3, 31, 23, 59, tzinfo=UTC), random.randint(5, 15)),
            Scene(
                datetime(2026, 4, 1, 5, 6, tzinfo=UTC),
                random.randint(5, 15),
                pay=random.choice([(), (MARCH,), (MARCH, MARCH), ("2026-02", MARCH)]),
                imports=random.choice([(), ("2026-02", MARCH), (MARCH,)]),
            ),
            Scene(
                may,
                random.randint(5, 15),
                back_min=2_000,
                pay=random.choice([(MARCH, APRIL), (APRIL, MARCH, "2026-02"), (APRIL, APRIL)]),
                imports=random.choice([(), (MARCH, APRIL)]),
            ),
            Scene(july, random.randint(0, 5), pay=(MARCH, APRIL, "2026-05", "2026-06", "2026-07")),
        ],
        statuses=random.choice([0, 1, 2]),
        deals=random.choice([0, 1, 3]),
        lookers=random.choice([0, 1, 2]),
        repairs=random.choice([0, 0, 1]),
    )


def erasure_story(random: Random) -> Story:
    """Buyers erase what they searched for while searches, also late ones, are on their way."""
    return Story(
        Subjects({"charges": 9, "refunds": 1}),
        [Scene(datetime(2026, 4, 5, 10, tzinfo=UTC), random.randint(20, 50))],
        senders=random.randint(2, 5),
        erasers=random.randint(2, 5),
        repairs=random.choice([0, 1]),
        slowest_s=random.choice([0.05, 0.5]),
    )


def whole_story(random: Random) -> Story:
    """Some of everything."""
    return Story(
        Subjects({"charges": 2, "refunds": 2, "catalog": 3, "portfolio": 2}),
        [
            Scene(datetime(2026, 3, 31, 23, 59, tzinfo=UTC), random.randint(10, 30)),
            Scene(
                datetime(2026, 4, 1, 5, 6, tzinfo=UTC),
                random.randint(10, 30),
                back_min=600,
                pay=(MARCH,),
                imports=random.choice([(), (MARCH,)]),
            ),
        ],
        repairs=1,
        keys=1,
        lookers=1,
        erasers=1,
        statuses=1,
        deals=2,
    )


def migration_story(random: Random) -> Story:
    """A release that shares markers takes over from one that does not, under traffic."""
    begin = datetime(2026, 4, 5, 10, tzinfo=UTC)
    later = (timedelta(), timedelta(seconds=12), timedelta(seconds=30), timedelta(minutes=10))
    release = begin + timedelta(seconds=random.uniform(0, 5))
    return Story(
        Subjects({"charges": 2, "catalog": 3, "portfolio": 2}),
        [Scene(begin + after, random.randint(5, 20)) for after in later],
        senders=random.randint(2, 5),
        repairs=random.choice([0, 0, 1]),
        releases=(release, release + timedelta(seconds=8)),
    )


STORIES: Sequence[Callable[[Random], Story]] = (
    catalog_story,
    trade_story,
    portfolio_story,
    payout_story,
    whole_story,
    survivors_story,
    repair_story,
    erasure_story,
    migration_story,
    lag_story,
)

# The earlier release is gone after 8 seconds; its last write may come 2 seconds later, and is
# stamped by a clock that is up to 4 seconds ahead.
_SHARED_AFTER = timedelta(seconds=15)
# As few as it takes for slices to have several pages.
_DIGESTS_A_PAGE = 3


def _any_part(self: Parts, _: Table, totals: Totals) -> Key:
    """Processes that met others all the time, and have moved from part to part."""
    return totals.part_key(choice(range(totals.PARTS)) if self.spread else 0)


class _InTurn(AbstractContextManager["_InTurn"]):
    """Instead of threads, of which the timeline knows nothing."""

    def __init__(self, _: int) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    map = staticmethod(map)


@dataclass(slots=True)
class Telling:
    """A story as it is told in a market."""

    market: Market
    story: Story
    historian: Historian
    stream: Stream
    payouts: Payouts = field(init=False)

    def __post_init__(self) -> None:
        self.payouts = Payouts(self.market)

    def begin(self) -> None:
        """Tenants and their datasets, without any fault."""
        market, luck = self.market, self.market.network.luck
        market.network.luck = 0
        rates = [(Decimal("0.30"), Decimal("0.10")), (Decimal("0.5"), Decimal("0.5"))]
        for tenant_id in TENANTS:
            fee, reserve = market.random.choice(rates)
            currency = BUYERS.get(tenant_id, "USD")
            made_at: Instant = "2026-01-01T00:00:00.000000000Z"
            tenant = Tenant(tenant_id, tenant_id.title(), currency, fee, reserve, made_at)
            create_tenant(market.table, tenant, OPERATOR)
        if self.story.releases:
            release, gone = self.story.releases
            self.stream.releases = (release.timestamp(), gone.timestamp())
        else:
            share_markers(market.table, 0)
            start_series(market.table)
        owners = {**OWNERS, **{each: CATALOG[each] for each in self.story.subjects.catalog}}
        created = self.historian.created(owners, "2026-01-01T00:00:00Z")
        organized = self.historian.organized("2024-02-29T12:00:00Z")
        market.start("platform", partial(actors.send, market, [created, organized]))
        self.stream.start()
        market.timeline.run()
        market.network.luck = luck
        market.network.stalls = self.story.stalls

    def play(self, scene: Scene) -> None:
        market, random = self.market, self.market.random
        market.timeline.now = max(market.timeline.now, scene.at.timestamp())
        back = [random.randint(0, scene.back_min) for _ in range(20)]
        times = minutes_before(to_instant(scene.at), back)
        said = scene.speak(self.historian)
        self._send([*said, *self.historian.requests(scene.events, times)])
        if scene.imports:
            imported = self.historian.imports(random.randint(2, 8), scene.imports)
            size = random.randint(1, 3)
            parts = [imported[n : n + size] for n in range(0, len(imported), size)]
            market.start("import", partial(actors.send, market, parts), within_s=3)
        for n, period in enumerate(scene.pay):
            by = SCHEDULE if random.random() < 0.5 else OPERATOR
            run_id = f"run_{period}" if by is SCHEDULE else f"run_{scene.at:%m%d}_{n}"
            run = partial(self.payouts.run, run_id, period, by)
            market.start(f"run {n}", run, within_s=random.choice([0, 5]))
        if scene.pay:
            self.payouts.start(random.randint(1, 3))
        self._start_others()
        self.stream.start()
        market.timeline.run()
        self._clear_up()

    def end(self) -> None:
        """History may have come after a month was paid: it is paid once more, in peace."""
        market = self.market
        for n in range(market.random.randint(1, 2)):
            market.start(f"backfill {n}", partial(actors.backfill_series, market))
        market.timeline.run()
        market.network.luck = 0
        for period in sorted({run.period for run in list_runs(market.table)}):
            run = partial(self.payouts.run, f"run_again_{period}", period, OPERATOR)
            market.start("run again", run)
        self.payouts.start(1)
        market.timeline.run()

    def _send(self, requests: Sequence[Sequence[Sent]]) -> None:
        """Some of the same requests are sent by two, and each sends in an order of its own."""
        market, random = self.market, self.market.random
        shares: list[list[Sequence[Sent]]] = [[] for _ in range(self.story.senders)]
        for request in requests:
            random.choice(shares).append(request)
            if random.random() < 0.1:
                random.choice(shares).append(request)
        for n, share in enumerate(shares):
            if random.random() < 0.3:
                random.shuffle(share)
            market.start(f"sender {n}", partial(actors.send, market, share))

    def _start_others(self) -> None:
        market, story = self.market, self.story
        for n in range(story.repairs):
            repair = partial(actors.repair_counters, market)
            market.start(f"repair {n}", repair, within_s=5)
            market.start(
                f"replay {n}",
                partial(actors.replay_parked, market, self.stream.rescues),
                within_s=10,
            )
        for n in range(story.keys):
            market.start(f"keys {n}", partial(actors.keep_keys, market, 3))
        for n in range(story.lookers):
            market.start(f"looker {n}", partial(actors.look_around, market, 2))
        for n in range(story.statuses):
            market.start(f"statuses {n}", partial(change_statuses, market, 4))
        for n in range(story.erasers):
            market.start(f"eraser {n}", partial(erase, market, 3))
        for n in range(story.deals):
            market.start(f"deals {n}", partial(change_rates, market, 4))

    def _clear_up(self) -> None:
        """What an operator does after bad days: nothing is refused any more, all is sent again."""
        market = self.market
        if self.story.repairs and market.random.random() < 0.5:
            for tenant in TENANTS:  # with changes that are parked, or given up
                market.start("repair", partial(actors.repair_counters, market, tenant))
            market.timeline.run()
        market.network.cursed.clear()
        market.start("operator", partial(actors.replay_parked, market, self.stream.rescues))
        if self.payouts.given_up:
            self.payouts.redrive()
            self.payouts.start(1)
        market.timeline.run()
        luck, market.network.luck = market.network.luck, 0
        for batch in self.stream.bucket:
            market.start("operator", partial(self.stream.deliver, batch))
        self.stream.bucket.clear()
        self.stream.rescues.redrive()
        if self.payouts.given_up:
            self.payouts.redrive()
            self.payouts.start(1)
        self.stream.start()
        market.timeline.run()
        market.start("operator", partial(actors.replay_parked, market, self.stream.rescues))
        self.stream.start()
        market.timeline.run()
        market.network.luck = luck


def tell(seed: int, *, story: Callable[[Random], Story] | None = None) -> Market:
    """A whole history, checked. AssertionError names what did not hold."""
    random = Random(f"story {seed}")
    told = (story or STORIES[seed % len(STORIES)])(random)
    market = new_market(seed, told.scenes[0].at - timedelta(hours=1), told.slowest_s)
    historian = Historian(Random(f"events {seed}"), told.subjects)
    seed_jitter(f"jitter {seed}")  # of Tally's own pauses
    stream = Stream(market, random.randint(1, 3), lag=told.lag)
    telling = Telling(market, told, historian, stream)
    secrets = Random(f"secrets {seed}")
    try:
        watches = Watch().of_commit, LinesWatch(market.did).of_commit
        market.database.listeners.extend(watches)
        with (
            patch("tally.access.model.key_hashing.secrets.token_bytes", secrets.randbytes),
            patch.multiple("tally.payouts.making", LINES_AN_ITEM=1, ITEMS_A_TRANSACTION=1),
            patch.multiple("tally.activity.erasing", _PAGE=2),
            patch("tally.counting.markers.DIGESTS_A_PAGE", _DIGESTS_A_PAGE),
            patch("tally.aws.moments.AHEAD", _SHARED_AFTER),
            patch("tally.aws.scanning.ThreadPoolExecutor", _InTurn),
            patch("tally.partners.backfill.scanned", actors.scanned_in_turn),
            patch("tally.counting.survivors.OBJECTS_A_PAGE", random.choice([1, 3, 100, 100])),
            patch.object(Parts, "key", random.choice([_any_part, Parts.key])),
        ):
            telling.begin()
            for scene in told.scenes:
                telling.play(scene)
            telling.end()
        check(market)
        check_tenants(market)
    except BaseException as error:
        error.add_note("\n".join(market.network.told()))
        raise
    return market
