"""The catalog's own tests, on PostgreSQL, and what only several writers show."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from catalog.changes import upsert
from catalog.database import Catalog
from catalog.drafts import Draft

ROOT = Path(__file__).parents[3]


def test_the_tests_of_the_database_and_the_import_pass_on_postgresql(postgres: str) -> None:
    tests = [
        ROOT / "tests/unit/catalog" / name
        for name in ("test_database.py", "test_importing.py", "test_single.py")
    ]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *map(str, tests)],
        env=os.environ | {"CATALOG_TEST_DATABASE": postgres, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3_000:]
    assert " passed" in run.stdout
    assert "skipped" not in run.stdout


def test_a_reader_of_the_outbox_misses_nothing_while_several_write(postgres: str) -> None:
    catalog = Catalog.open(postgres)
    start = max((change.seq for change in catalog.changes(limit=100_000)), default=0)

    def write(name: str) -> None:
        for number in range(40):
            with catalog.writing() as connection:
                upsert(connection, [Draft(f"{name}-{number}", "Ring"), Draft(f"{name}-{number}b", "Ring")])

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for writer in writers:
        writer.start()
    seen: list[str] = []
    last = start
    while any(writer.is_alive() for writer in writers) or catalog.changes(after=last):
        for change in catalog.changes(after=last):
            seen.append(change.product_id)
            last = change.seq
    catalog.close()
    assert len(seen) == len(set(seen)) == 4 * 40 * 2
