"""A booking in steps that are taken back, last things first, when a later one fails: a saga."""

import datetime as dt
from decimal import Decimal

from portal import act, flow, jsonstore, this, views
from portal.models import Process

CITIES = [("lisbon", "Lisbon"), ("oslo", "Oslo"), ("vienna", "Vienna")]
#: a night in a hotel, and a flight there and back
PRICES = {
    "lisbon": (Decimal("95.00"), Decimal("240.00")),
    "oslo": (Decimal("140.00"), Decimal("310.00")),
    "vienna": (Decimal("120.00"), Decimal("180.00")),
}


class CardDeclined(Exception):
    """The price is over the limit of the card."""


class BookingProcess(Process):
    city = jsonstore.ChoiceField("Where to?", choices=CITIES, default="lisbon", required=True)
    first_night = jsonstore.DateField("First night", required=True)
    nights = jsonstore.IntegerField("Nights", default=2, min_value=1, max_value=30, required=True)
    card_limit = jsonstore.DecimalField(
        "Limit of the card", decimal_places=2, required=True, help_text="We never charge more than this."
    )
    hotel = jsonstore.StringField("Reservation of the hotel")
    flight = jsonstore.StringField("Ticket")
    agreed = jsonstore.BooleanField("Agreed to the price", labels=("Book", "Decline"), default=False)

    @property
    def price(self) -> Decimal:
        """Of what is reserved now."""
        night, seat = PRICES[self.city]
        return (self.nights * night if self.hotel else Decimal()) + (seat if self.flight else Decimal())


class BookingFlow(flow.Flow):
    """Booking

    Book a trip: hotel, flight and payment, all of them or none."""

    process_class = BookingProcess
    category = "Travel"
    keywords = ("trip", "hotel", "flight", "business travel")
    milestones = {"Reserved": this.reserve_flight, "Price confirmed": this.confirm, "Booked": this.booked}
    process_summary_template = (
        "{{ process.nights }} {{ 'night' if process.nights == 1 else 'nights' }} "
        "in {{ process.city | title }}"
    )
    process_result_template = (
        "{% if process.flight %}Booked for {{ process.price }}{% else %}Nothing was booked{% endif %}"
    )

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["city", "first_night", "nights", "card_limit"]))
        .Annotation(title="Ask for a trip")
        .Next(this.reserve_hotel)
    )
    reserve_hotel = (
        flow.Job(this.take_room, retries=2)
        .Annotation(title="Reserve hotel")
        .CompensateWith(this.cancel_hotel)
        .Next(this.reserve_flight)
    )
    cancel_hotel = flow.Job(this.free_room, retries=5).Annotation(title="Cancel hotel")
    reserve_flight = (
        flow.Job(this.take_seat, retries=2)
        .Annotation(title="Reserve flight")
        .CompensateWith(this.cancel_flight)
        .OnError(this.take_back)
        .Next(this.confirm)
    )
    cancel_flight = flow.Job(this.free_seat, retries=5).Annotation(title="Cancel flight")
    confirm = (
        flow.View(views.UpdateProcessView.as_view(fields=[], decide="agreed"))
        .Annotation(
            title="Confirm price",
            description="We hold room and seat for a day.",
            summary_template="{{ process.city | title }} for {{ process.price }}",
        )
        .Assign(this.start.owner)
        .Due(dt.timedelta(days=1))
        .OnTimeout(dt.timedelta(days=1), this.take_back)
        .Next(this.agreed)
    )
    agreed = (
        flow.If(act.process.agreed)
        .Then(this.charge, label="Agreed")
        .Else(this.take_back, label="Declined")
        .Annotation(title="Agreed?")
    )
    charge = (
        flow.Job(this.charge_card)
        .Annotation(title="Charge card")
        .OnError(this.take_back, CardDeclined)
        .Next(this.booked)
    )
    booked = flow.End()
    take_back = flow.CompensateThrow().Annotation(title="Take back").Next(this.not_booked)
    not_booked = flow.End()

    def take_room(self, activation: flow.Activation[BookingProcess]) -> None:
        activation.process.hotel = f"H-{activation.process.id:05}"

    def free_room(self, activation: flow.Activation[BookingProcess]) -> None:
        activation.process.hotel = None

    def take_seat(self, activation: flow.Activation[BookingProcess]) -> None:
        activation.process.flight = f"F-{activation.process.id:05}"

    def free_seat(self, activation: flow.Activation[BookingProcess]) -> None:
        activation.process.flight = None

    def charge_card(self, activation: flow.Activation[BookingProcess]) -> None:
        process = activation.process
        if process.price > process.card_limit:
            raise CardDeclined(f"{process.price} is over the limit of {process.card_limit}")
