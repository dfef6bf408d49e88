"""A flow whose forms have all that a form can have: pages, sections, rows, answers on which others hang, files."""

from portal import flow, jsonstore, this, views
from portal.models import Process, User


class Ticket(jsonstore.Schema):
    day = jsonstore.DateField("Day", required=True)
    where = jsonstore.StringField("Where to", required=True)
    price = jsonstore.DecimalField("Price", decimal_places=2)


class TripProcess(Process):
    purpose = jsonstore.StringField("Purpose", required=True, max_length=80)
    kind = jsonstore.ChoiceField(
        "Kind of trip",
        choices=[("customer", "Customer"), ("fair", "Trade fair"), ("other", "Another")],
        required=True,
    )
    reason = jsonstore.StringField("Which one", required=True)
    first_day = jsonstore.DateField("First day")
    last_day = jsonstore.DateField("Last day")
    companion = jsonstore.ReferenceField(User, "Who comes along")
    tickets = jsonstore.EmbeddedListField(Ticket, "Tickets")
    papers = jsonstore.FileField(
        "Papers",
        types=("application/pdf", "image/*"),
        max_size="1 MB",
        multiple=True,
        help_text="Offers, maps.",
    )
    approved = jsonstore.BooleanField("Trip approved", labels=("Approve", "Decline"))
    remark = jsonstore.TextField("Remark", help_text="The traveller can read it.")
    booked = jsonstore.BooleanField("Booked", labels=("Book", "Cancel trip"))
    note = jsonstore.TextField("Note")


class TripFlow(flow.Flow):
    """Business trip"""

    process_class = TripProcess
    process_summary_template = "Trip: {{ process.purpose }}"

    start = (
        flow.Start(
            views.CreateProcessView.as_view(
                fields=[
                    views.Page(
                        "Trip",
                        "purpose",
                        "kind",
                        views.When("kind", "other", "reason"),
                        views.Section("When and with whom", views.Row("first_day", "last_day"), "companion"),
                    ),
                    views.Page("Costs", "tickets", "papers", help_text="What you know so far."),
                ]
            )
        )
        .Annotation(title="Plan a trip")
        .Next(this.approve)
    )
    approve = (
        flow.View(
            views.UpdateProcessView.as_view(fields=["remark"], decide="approved", require={False: ["remark"]})
        )
        .Annotation(title="Approve trip")
        .Permission(auto_create=True)
        .Next(this.book)
    )
    book = (
        flow.View(
            views.UpdateProcessView.as_view(fields=["note"], decide="booked", require={False: ["note"]})
        )
        .Annotation(title="Book trip")
        .Permission(auto_create=True)
        .Next(this.end)
    )
    end = flow.End()
