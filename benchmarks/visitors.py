"""How soon a person who opens Classify has an answer, and thirty of them at once.

    python -m benchmarks.visitors [--check] [--people 30] [--model allnet]

Trains a model on a small drawn data set and starts a server of its own. Each person is a session of Streamlit's own protocol, without a
browser (`_session.py`): it opens Classify, sends one picture, of which no two are alike, and waits until the page stands with its answer.

- first: one person, after the server has come up and nobody has asked for anything yet;
- again: the same with a server that has answered before, so many people one after another (median);
- crowd: so many people, all with the page open, who send their pictures at the same moment: whether any failed, the median and the 95th
  percentile of the time from sending to the answer.

Bars: an answer of the first at most 1 s after it was sent; none of the crowd fails. The last line is JSON. With --check, exits 1 where
one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from allcore import worker
from allcore.base.paths import Artifacts
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.inference import sentence
from allcore.jobs import submit
from allcore.runs import status
from benchmarks._session import Answer, Session, Unanswered, in_loop
from benchmarks.serving import pictures
from tests.e2e import stage

FIRST_BAR = 1.0
ALONE = 10
"""People one after another."""


@dataclass(frozen=True)
class Visit:
    """Seconds: until the page stood, and from sending the picture until it stood again, with an answer."""

    opened: float
    answered: float


class Person:
    """A session on Classify."""

    def __init__(self, url: str, run: str) -> None:
        self._session, self._query = Session(url, self._told), f"?run={run}"
        self.headings: list[str] = []
        self.alerts: list[str] = []
        """What the page has said since something was sent."""

    def _told(self, message: ForwardMsg, at: float) -> None:
        element = message.delta.new_element
        if message.WhichOneof("type") == "delta" and element.HasField("heading"):
            self.headings.append(element.heading.body)
        elif message.WhichOneof("type") == "delta" and element.HasField("alert"):
            self.alerts.append(element.alert.body)

    async def opens(self) -> Answer:
        await self._session.open()
        return await self._session.ask("classify", self._query)

    async def sends(self, name: str, content: bytes) -> Answer:
        """Send a file. Raises Unanswered where the page stands with an error."""
        self.headings.clear()
        self.alerts.clear()
        answer = await self._session.upload(name, content)
        if self._session.errors:
            raise Unanswered(f"{name}: {self._session.errors}")
        return answer

    async def is_answered(self, name: str, content: bytes) -> Answer:
        """Send one picture. Raises Unanswered where the page then stands without an answer."""
        answer = await self.sends(name, content)
        if not any(one.startswith(("This model calls the cell", sentence.CANNOT[:-1])) for one in self.headings):
            raise Unanswered(f"{name}: no answer among {self.headings}")
        return answer

    async def leaves(self) -> None:
        await self._session.close()


async def visit(url: str, run: str, content: bytes) -> Visit:
    """One person, alone."""
    person = Person(url, run)
    try:
        opened = await person.opens()
        answered = await person.is_answered("cell.bmp", content)
    finally:
        await person.leaves()
    return Visit(opened.seconds, answered.seconds)


async def crowd(url: str, run: str, sent: list[bytes]) -> list[float | str]:
    """Of each person the seconds from sending to the answer, or why there was none."""
    people = [Person(url, run) for _ in sent]
    try:
        for person in people:
            await person.opens()
        told = await asyncio.gather(
            *(person.is_answered(f"{number}.bmp", content) for number, (person, content) in enumerate(zip(people, sent, strict=True))),
            return_exceptions=True,
        )
    finally:
        for person in people:
            await person.leaves()
    return [one.seconds if isinstance(one, Answer) else repr(one) for one in told]


def trained(artifacts: Artifacts, model: str) -> str:
    """A run's id; its weights do not matter here."""
    importing.make_phantom(artifacts, "drawn", PhantomSpec(images=300, patients=40))
    plan, _ = submit.planned(artifacts, data="drawn", model=model, preset="patient", changed={"epochs": 1} if model == "allnet" else {})
    paths = submit.training(artifacts, plan)
    if worker.work(artifacts, paths, status.change(paths, status.STARTING).attempt):
        raise SystemExit(status.read(paths).reason)
    return paths.id


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--model", default="allnet")
    asked = parser.parse_args()
    sent = pictures(1 + ALONE + asked.people)
    with tempfile.TemporaryDirectory() as folder:
        artifacts = Artifacts(Path(folder))
        run = trained(artifacts, asked.model)
        with stage.serving(artifacts) as server:
            first = in_loop(visit(server.url, run, sent[0]))
            print(f"first: page {first.opened:.2f} s, answer {first.answered:.2f} s", flush=True)
            alone = [in_loop(visit(server.url, run, content)) for content in sent[1 : 1 + ALONE]]
            again = Visit(statistics.median(one.opened for one in alone), statistics.median(one.answered for one in alone))
            print(f"again: page {again.opened:.2f} s, answer {again.answered:.2f} s", flush=True)
            told = in_loop(crowd(server.url, run, sent[1 + ALONE :]))
        if any(isinstance(one, str) for one in told):
            print((artifacts.root / "server.log").read_text()[-4000:], file=sys.stderr)
    seconds, failed = [one for one in told if isinstance(one, float)], [one for one in told if isinstance(one, str)]
    figures = {
        "model": asked.model,
        "first": {"page_s": round(first.opened, 3), "answer_s": round(first.answered, 3)},
        "again": {"page_s": round(again.opened, 3), "answer_s": round(again.answered, 3)},
        "people": asked.people,
        "failed": failed,
        "median_s": round(statistics.median(seconds), 3) if seconds else None,
        "p95_s": round(float(np.quantile(seconds, 0.95)), 3) if seconds else None,
    }
    missed = ["first answer"] * (first.answered > FIRST_BAR) + ["crowd"] * bool(failed)
    print(json.dumps({"benchmark": "visitors", **figures, "missed": missed}))
    return 1 if asked.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
