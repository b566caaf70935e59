"""Sends a market's events from many clients, some twice, and kills workers on the way."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any

from dev.load.market import Event
from dev.load.outcome import Load, Outcome
from dev.own_stack import DeployedStack
from ops.errors import OpsError

_BATCH_SIZES = 1, 7, 40, 100, 100
_MOST_TRIES = 50
_PASSES_BY_ITSELF = 502, 503, 504
_SAYS_WHAT_BECAME = 202, 207, 422
_COUNTING = "CountFunction"
_WORKER_PATIENCE_S = 60

type Say = Callable[[str], None]


@dataclass(slots=True)
class Sending:
    """Sends phase by phase, and kills workers at even intervals."""

    stack: DeployedStack
    key: str
    load: Load
    random: Random
    say: Say
    outcome: Outcome = field(default_factory=Outcome)
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    _known: list[Event] = field(default_factory=list)
    _answered: int = 0
    _said_at: float = field(default_factory=time.monotonic)

    def send(self, phase: str, events: Sequence[Event]) -> None:
        """Send the events and their duplicates; returns when all are answered."""
        self._known += events
        self.answers |= {event["id"]: Counter() for event in events}
        batches = list(self._batches(events))
        with ThreadPoolExecutor(self.load.clients) as clients:
            for results, in_vain in clients.map(self._post, batches):
                self._answered += len(results)
                self.outcome.sent += len(results) * (1 + len(in_vain))
                self.outcome.again.update(in_vain)
                for result in results:
                    self._take(result)
                self._kill()
                if time.monotonic() > self._said_at + 5:
                    self._said_at = time.monotonic()
                    kills = self.outcome.kills
                    self.say(f"{phase}: {self._answered:,} answered, {kills} workers killed")

    def wrong_answers(self) -> Iterator[str]:
        """Events that were not accepted, or accepted twice."""
        for event_id, answers in self.answers.items():
            # The first answer to a repeated request may have been lost.
            accepted = answers["accepted"] or bool(self.outcome.again and answers["duplicate"])
            if accepted != 1 or answers.keys() - {"accepted", "duplicate"}:
                yield f"event {event_id} is not accepted once, its answers are {dict(answers)}"

    def _batches(self, events: Sequence[Event]) -> Iterator[Sequence[Event]]:
        """Every event, and some twice: half of the duplicates one by one, also from earlier
        phases, and half as a repeated batch."""
        twice = round(len(events) * self.load.duplicates / 100)
        queue = [*events, *self.random.sample(self._known, twice // 2)]
        self.random.shuffle(queue)
        batches = []
        while queue:
            size = self.random.choice(_BATCH_SIZES)
            batches.append(queue[:size])
            del queue[:size]
        left = twice - twice // 2
        repeated: dict[int, Sequence[Event]] = {}
        for place in self.random.sample(range(len(batches)), len(batches)):
            repeated[place] = batches[place][:left]
            left -= len(repeated[place])
        for place, batch in enumerate(batches):
            yield batch
            if repeated[place]:  # while another client is at the same batch
                yield repeated[place]

    def _post(self, batch: Sequence[Event]) -> tuple[Sequence[Mapping[str, Any]], Sequence[str]]:
        """The result of each event, and the reasons why the request was repeated: it is sent again
        as a whole until there is an answer."""
        in_vain: list[str] = []
        while len(in_vain) < _MOST_TRIES:
            try:
                answer = self.stack.request(
                    "POST", "/v1/events", headers={"X-API-Key": self.key}, json=batch
                )
            except (OSError, http.client.HTTPException) as error:
                why = type(error).__name__
            else:
                if answer.status in _SAYS_WHAT_BECAME:
                    results: Sequence[Mapping[str, Any]] = answer.json()["data"]["results"]
                    return results, in_vain
                why = str(answer.status)
                if answer.status not in _PASSES_BY_ITSELF:
                    raise OpsError(f"POST /v1/events answered {why}: {answer.body.decode()}")
            in_vain.append(why)
            time.sleep(min(2, 0.1 * 2 ** len(in_vain)))
        raise OpsError(f"A request was sent {_MOST_TRIES} times in vain: {in_vain[-1]}.")

    def _take(self, result: Mapping[str, Any]) -> None:
        answers, status = self.answers[result["id"]], result["status"]
        if status == "rejected":
            status = f"rejected: {result['error']}"
        elif not answers:
            self.outcome.accepted += 1
        self.outcome.duplicates += status == "duplicate"
        answers[status] += 1

    def _kill(self) -> None:
        """Kill a worker in the middle of each part, of as many equal parts as there are kills."""
        whole = self.load.events * (1 + self.load.duplicates / 100)
        while self.outcome.kills < self._answered / whole * self.load.kills - 0.5:
            deadline = time.monotonic() + _WORKER_PATIENCE_S
            # The last one killed may not have been replaced yet.
            while not self.stack.kill_workers(_COUNTING):
                if time.monotonic() > deadline:
                    raise OpsError("No worker that counts came up, so none could be killed.")
                time.sleep(0.05)
            self.outcome.kills += 1
