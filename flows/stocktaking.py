"""Stocktaking: nobody starts it, the calendar does."""

import datetime as dt

from portal import flow, jsonstore, this, views
from portal.models import Process


class StocktakingProcess(Process):
    missing = jsonstore.TextField("What is missing", help_text="Nothing, if this is left empty.")
    entry = jsonstore.StringField("Entry in the stock ledger", max_length=40)


class StocktakingFlow(flow.Flow):
    """Stocktaking

    On the first day of each month the shelves are counted."""

    process_class = StocktakingProcess
    process_summary_template = "{{ process.created.strftime('%B %Y') }}"
    process_result_template = "{{ 'Something is missing' if process.missing else 'All is there' }}"

    first_day = (
        flow.StartTimer(cron="0 6 1 * *", timezone="Europe/Zurich")
        .Annotation(title="First day of the month")
        .Next(this.count)
    )
    count = (
        flow.View(views.UpdateProcessView.as_view(fields=["missing"]))
        .Annotation(title="Count the shelves")
        .Permission(auto_create=True)
        .Due(dt.timedelta(days=3))
        .Next(this.book)
    )
    book = (
        flow.ExternalTask("stock", retries=2)
        .Annotation(title="Book the stock", description="The warehouse system fetches it from the portal.")
        .Permission(auto_create=True)
        .Next(this.counted)
    )
    counted = flow.End()
