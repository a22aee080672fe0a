"""Jobs and their settings: what is refused, and how the refusal helps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hookbus.errors import ConfigurationError, ExpressionError, UsageError
from hookbus.events import Event
from hookbus.scheduler.jobs import Job, JobError, JobRun, JobSettings, preview
from hookbus.scheduler.scheduler import standing
from pydantic import Field, ValidationError


class Filled(Event, type="test.filled"):
    """A fill."""

    price: float = Field(description="at how much")


def work() -> None:
    """The run of a job that does nothing."""


@pytest.mark.parametrize(
    ("arguments", "key", "words"),
    [
        ({"name": "Two Words", "every": 1}, "name", "lower case"),
        ({}, "every", "nothing triggers it"),
        ({"every": 0}, "every", "no such duration"),
        ({"every": float("nan")}, "every", "no such duration"),
        ({"every": "1"}, "every", "no such duration"),
        ({"every": True}, "every", "no such duration"),
        ({"every": 1, "cron": "* * * * *"}, "cron", "'every' is set as well"),
        ({"cron": "61 * * * *"}, "cron", "minute field takes 0-59"),
        ({"cron": "* * * * *", "timezone": "Europe/Berln"}, "timezone", "'Europe/Berlin'"),
        ({"every": 1, "timezone": "Mars"}, "timezone", "no such time zone"),
        ({"at": "noon"}, "at", "no date and time"),
        ({"every": 1, "trigger": "event"}, "trigger", "no event trigger"),
        ({"on": "test.*", "trigger": "shadow"}, "trigger", "no timer"),
        ({"every": 1, "trigger": "both"}, "trigger", "'timer', 'event', 'shadow'"),
        ({"every": 1, "overlap": "wait"}, "overlap", "'skip', 'queue', 'coalesce'"),
        ({"every": 1, "misfire": None}, "misfire", "'run_once', 'skip', 'run_all'"),
        ({"every": 1, "jitter": 1}, "jitter", "longer than the interval"),
        ({"every": 1, "grace": -1}, "grace", "0 or more"),
        ({"every": 1, "timeout": 0}, "timeout", "no such duration"),
        ({"every": 1, "backlog": 0}, "backlog", "1 or more"),
        ({"every": 1, "batch_window": 1}, "batch_window", "no events"),
        ({"every": 1, "where": "x > 1"}, "where", "no events"),
        ({"on": Filled, "batch_key": "prize"}, "batch_key", "It has: price"),
        ({"on": Filled, "persistent": True}, "persistent", "no timer"),
        ({"every": 1, "run": "work"}, "run", "cannot be called"),
        ({"every": 1, "run": lambda one, two: None}, "run", "JobRun, or nothing"),
    ],
)
def test_a_job_that_makes_no_sense_names_job_key_value_and_mend(
    arguments: dict[str, Any], key: str, words: str
) -> None:
    """Whatever is wrong is said where the job is built, not when it first runs."""
    arguments = {"name": "job", "run": work, **arguments}
    with pytest.raises(JobError) as caught:
        Job(arguments.pop("name"), arguments.pop("run"), **arguments)
    assert caught.value.key == key
    assert words in str(caught.value)
    assert f"{key} = {caught.value.value!r}" in str(caught.value)
    assert isinstance(caught.value, UsageError)


def test_a_bad_condition_names_the_job() -> None:
    """An expression that does not fit the event is an ExpressionError as anywhere else."""
    with pytest.raises(ExpressionError, match="job 'job': "):
        Job("job", work, on=Filled, where="prize > 1")


def test_a_bad_filter_names_the_job() -> None:
    """A filter that is neither a class nor a pattern is a usage error."""
    with pytest.raises(UsageError, match=r"job 'job': .* is no filter"):
        Job("job", work, on=int)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "run", [work, lambda: None, lambda run: None, lambda *runs: None, lambda a=1: None, [].append]
)
def test_what_can_be_called_with_a_run_or_nothing_is_accepted(run: Callable[..., Any]) -> None:
    """Functions, lambdas and bound methods of built-in types all make jobs."""
    assert Job("job", run, every=1).choice == "timer"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cron": "* 24 * * *"}, "The hour field takes 0-23"),
        ({"timezone": "Europe/Berln"}, "Did you mean 'Europe/Berlin'"),
        ({"every": 1, "cron": "* * * * *"}, "Keep one of them"),
        ({"every": 0}, "greater than or equal"),
        ({"evry": 5}, "evry"),
    ],
)
def test_bad_settings_are_refused_when_the_file_is_read(
    settings: dict[str, Any], words: str
) -> None:
    """Mistakes in [jobs] surface with the other mistakes of the configuration."""
    with pytest.raises(ValidationError) as caught:
        JobSettings.model_validate(settings)
    assert words in str(caught.value)


def test_settings_override_what_the_plugin_asked_for() -> None:
    """A timer in the settings replaces the job's timer of any kind; the rest stays."""
    job = Job("job", work, cron="0 9 * * *", timezone="Europe/Berlin", grace=5, on=Filled)
    stands = standing(job, "p.job", JobSettings(every=60, trigger="shadow", overlap="queue"))
    assert stands.mode == "shadow"
    assert (stands.job.every, stands.job.cron, stands.job.grace) == (60, None, 5)
    assert stands.job.overlap_for("timer") == "queue"


def test_settings_that_do_not_fit_the_job_say_so() -> None:
    """What is right by itself but not for this job names the job's table and key."""
    with pytest.raises(ConfigurationError, match=r'jobs\."p\.job"\.jitter = 90\.0: longer than'):
        standing(Job("job", work, every=60), "p.job", JobSettings(jitter=90))


def test_the_schedule_in_words() -> None:
    """The text that lists of jobs show."""
    job = Job("job", work, cron="0 9 * * *", timezone="Europe/Berlin", on=Filled, batch_window=5)
    assert job.schedule == "cron 0 9 * * * Europe/Berlin, on test.filled within 5 s"
    assert Job("job", work, every=0.5).schedule == "every 0.5 s"
    assert Job("job", work, at="2026-01-01").schedule == "at 2026-01-01"


def test_preview_shows_local_times_across_the_change() -> None:
    """The next runs in the job's zone, as `hookbus jobs preview` prints them."""
    job = Job("job", work, cron="30 2 * * *", timezone="Europe/Berlin")
    shown = preview(job, 3, datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert [time.isoformat() for time in shown] == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
        "2026-10-27T02:30:00+01:00",
    ]


def test_preview_of_intervals_instants_and_events() -> None:
    """Intervals count from the start; an instant shows once; events have no times."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert preview(Job("job", work, every=90), 2, start) == [
        start + timedelta(seconds=90),
        start + timedelta(seconds=180),
    ]
    assert len(preview(Job("job", work, at="2026-05-05T05:05"), 9, start)) == 1
    assert preview(Job("job", work, on=Filled), 9, start) == []
    with pytest.raises(ValueError, match="has no time zone"):
        preview(Job("job", work, every=90), 2, datetime(2026, 1, 1))


def test_a_run_shows_its_times_in_the_zone_of_the_job() -> None:
    """Due and fired are aware datetimes in the job's time zone."""
    zone = Job("job", work, every=1, timezone="Asia/Tokyo").zone
    run = JobRun("p.job", "timer", 0, 10**9, zone)
    assert run.due.isoformat() == "1970-01-01T09:00:00+09:00"
    assert run.fired - run.due == timedelta(seconds=1)
