"""Who works at the company, and what their roles permit. Managers stand above those whom they manage."""

from portal.demo import Person

ROLES = {
    "Employees": ["hello_world.can_start"],
    "Managers": [
        "leave_request.can_approve",
        "expense_claim.can_approve",
        "purchase_order.can_approve",
        "hello_world.can_approve",
    ],
    "Head office": ["leave_request.head_of_staff", "purchase_order.can_approve_large"],
    "Finance": [
        "expense_claim.can_countersign",
        "expense_claim.can_mend",
        "expense_claim.view",
        "purchase_order.can_check_budget",
        "purchase_order.view",
    ],
    "Finance managers": ["expense_claim.manage", "purchase_order.manage", "leave_request.manage"],
    "Purchasing": ["purchase_order.can_check_supplier", "purchase_order.view"],
    "IT support": [
        "incident.can_take_up",
        "incident.can_help_out",
        "repair.can_mend",
        "checklist_item.can_prepare:it",
        "incident.view",
    ],
    "IT managers": [
        "incident.manage",
        "repair.manage",
        "callback.manage",
        "booking.manage",
        "web_order.manage",
    ],
    "Facilities": ["checklist_item.can_prepare:facilities", "stocktaking.can_count"],
    "People office": [
        "onboarding.can_start",
        "onboarding.can_plan",
        "checklist_item.can_prepare:people",
        "onboarding.view",
        "leave_request.view",
    ],
    "Sales": ["shipment.can_start", "shipment.clerk"],
    "Warehouse": ["shipment.warehouse", "stocktaking.can_count"],
    "Logistics managers": ["shipment.manage", "stocktaking.manage"],
}

_EVERYBODY = ("Employees",)


def _person(
    username: str, name: str, department: str, manager: str | None, *roles: str, **more: object
) -> Person:
    return Person(username, name, department, manager, (*_EVERYBODY, *roles), **more)  # type: ignore[arg-type]


PEOPLE = [
    _person("ruth", "Ruth Brunner", "Management", None, "Managers", "Head office"),
    _person(
        "bob", "Bob Steiner", "Finance", "ruth", "Managers", "Head office", "Finance", "Finance managers"
    ),
    _person(
        "carol",
        "Carol Meier",
        "IT",
        "ruth",
        "Managers",
        "IT support",
        "IT managers",
        skills=("networks", "databases"),
        is_superuser=True,
    ),
    _person("peter", "Peter Hofer", "Sales", "ruth", "Managers", "Sales", skills=("french",)),
    _person("sandra", "Sandra Frei", "Logistics", "ruth", "Managers", "Warehouse", "Logistics managers"),
    _person("urs", "Urs Baumann", "People office", "ruth", "Managers", "People office"),
    _person("alice", "Alice Keller", "Sales", "bob", skills=("french", "italian")),
    _person("nina", "Nina Graf", "Finance", "bob", "Finance"),
    _person("marco", "Marco Bianchi", "Finance", "bob", "Finance", skills=("italian",)),
    _person("dora", "Dora Lehmann", "Finance", "bob", "Finance", "Purchasing"),
    _person("felix", "Felix Widmer", "Purchasing", "bob", "Purchasing"),
    _person("priya", "Priya Nair", "Purchasing", "bob", "Purchasing", skills=("english",)),
    _person("tim", "Tim Zürcher", "IT", "carol", "IT support", skills=("networks",), capacity=8),
    _person("yasmin", "Yasmin Demir", "IT", "carol", "IT support", skills=("networks", "databases")),
    _person("jonas", "Jonas Kunz", "IT", "carol", "IT support", skills=("networks",), left=True),
    _person("elena", "Elena Rossi", "IT", "carol", skills=("databases",)),
    _person("leila", "Leila Haddad", "People office", "urs", "People office", skills=("french", "arabic")),
    _person("stefan", "Stefan Moser", "People office", "urs", "People office"),
    _person("hans", "Hans Gerber", "Facilities", "sandra", "Facilities"),
    _person("vera", "Vera Novak", "Facilities", "sandra", "Facilities"),
    _person("omar", "Omar Saleh", "Logistics", "sandra", "Warehouse"),
    _person("ivan", "Ivan Petrov", "Logistics", "sandra", "Warehouse"),
    _person("lukas", "Lukas Ammann", "Logistics", "sandra", "Warehouse"),
    _person("claire", "Claire Favre", "Sales", "peter", "Sales", skills=("french",)),
    _person("david", "David Schmid", "Sales", "peter", "Sales"),
    _person("monika", "Monika Huber", "Sales", "peter", "Sales"),
    _person("ana", "Ana Pereira", "Sales", "peter", "Sales", skills=("portuguese", "spanish")),
    _person("thomas", "Thomas Egli", "Sales", "peter", "Sales"),
    _person("julia", "Julia Wenger", "Management", "ruth"),
    _person("kofi", "Kofi Mensah", "Management", "ruth", skills=("english", "french")),
]
