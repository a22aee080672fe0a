"""A process that writes a journal until it is killed: `python killed.py FOLDER RUN`.

It prints the positions of durable events as soon as they are committed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.plugins.journal.samples import Traded, append, envelope, opened


async def main(folder: Path, run: str) -> None:
    """Append and record for ever."""
    async with opened(folder, run=run) as session:
        sequence = 0
        while True:
            some = [envelope(Traded(), sequence + n) for n in range(1, 11)]
            sequence += 10
            for one in some[5:]:
                session.recorder.keep(one)
            for position in await append(session, *some[:5]):
                sys.stdout.write(f"{position}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
