"""A company that works with the example flows, for `portal run --demo`."""

from portal.demo import Away, Company

from .people import PEOPLE, ROLES
from .stories import STORIES, stock_shelves

COMPANY = Company(
    people=PEOPLE,
    roles=ROLES,
    stories=STORIES,
    away=[
        Away("nina", -3, 11, substitute="marco"),
        Away("urs", 6, 20, substitute="leila"),
        Away("peter", -40, -26, substitute="ruth"),
    ],
    drafts=[
        (
            "/flows/purchase_order/start/start",
            "alice",
            {"supplier": "Alpine Furniture", "item": "Chairs for the meeting room, 8 pieces"},
        )
    ],
    prepare=stock_shelves,
)
