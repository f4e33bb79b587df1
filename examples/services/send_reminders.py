r"""A Django management command that cron starts on several hosts: for each day, one does the work.

The file is `management/commands/send_reminders.py` of an app; `LOCK_BUCKET` is in the settings. The
line of a crontab, in which a % must be escaped:

0 6 * * *  python manage.py send_reminders --tick "$(date -u +\%F)T00:00:00Z"
"""

import signal
import threading
from datetime import timedelta

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from s3leader import Election


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types
    """Sends the reminders of a day, once among all hosts."""

    help = "Send the reminders of a day, once among all hosts"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the day, which all hosts name alike."""
        parser.add_argument("--tick", required=True, help="the day, as 2026-01-31T00:00:00Z")

    def handle(self, *_: object, tick: str, **options: object) -> None:
        """Lead for the day, unless another host does, or has done so."""
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=stop.set).start())
        election = Election("reminders", bucket=settings.LOCK_BUCKET, max_attempts=3)
        if not (term := election.campaign(tick, wait=timedelta(minutes=10), stop=stop)):
            self.stdout.write(f"not elected: {term.reason}")
            return
        with term, term.keep_renewing():  # an error fails the term: another host may try again
            for person in ("ada", "grace"):
                term.ensure_held()
                if stop.is_set():
                    raise CommandError("stopped")
                self.stdout.write(f"{person} is reminded with fencing token {term.number}")
