"""Purposes, goods, places, remarks: what the stories are told with."""

from portal.demo import Paper

IBANS = (
    "CH93 0076 2011 6238 5295 7",
    "CH56 0483 5012 3456 7800 9",
    "CH31 8123 9000 0012 4568 9",
    "DE89 3704 0044 0532 0130 00",
)
BAD_IBAN = "CH93 0076 2011 6238 5295 8"

#: a purpose, and lines with the least and the most of each
EXPENSES = (
    (
        "Visit to a customer in Bern",
        (("Train to Bern and back", 98, 104), ("Lunch with the customer", 45, 92)),
    ),
    ("Trade fair in Basel", (("Train to Basel", 62, 68), ("Hotel, one night", 148, 195), ("Dinner", 32, 58))),
    ("Train tickets of last month", (("Half-fare tickets", 44, 128),)),
    ("Course on negotiation", (("Fee", 420, 480), ("Lunch", 24, 29))),
    ("Visit to the warehouse in Chur", (("Car, 242 km", 169, 170), ("Parking", 8, 14))),
    ("Hotel in Lausanne", (("Hotel, one night", 142, 168), ("Breakfast", 18, 22))),
    ("Reading for the team", (("Two books on queues", 74, 82),)),
    ("Team lunch after the release", (("Lunch for seven", 168, 214),)),
    ("Telephone costs abroad", (("Roaming", 27, 61),)),
    (
        "Customer visit in Milan",
        (("Train to Milan", 86, 118), ("Hotel, two nights", 260, 318), ("Taxi", 24, 41)),
    ),
    ("Parking in Zurich", (("Parking", 21, 46),)),
    ("Flowers for the reception", (("Flowers", 38, 52),)),
    ("Safety shoes", (("Shoes, size 43", 118, 149),)),
    ("Postage for the mailing", (("Stamps", 86, 240),)),
)
CLAIM_REFUSALS = (
    "The receipt of the hotel is missing.",
    "This was paid with the company card.",
    "Please claim the lunch with the customer's name.",
    "We do not pay for parking fines.",
)
CLAIM_REMARKS = (
    ("Was the dinner with a customer?", "Yes, with two people of **Baker & Sons**."),
    ("The second receipt is hard to read. Can you scan it again?", "I have asked for a copy."),
    ("Which cost centre?", "4200, as last time."),
)
RECEIPTS = (
    Paper("receipts.pdf", ("Receipts", "Train, 2nd class, half fare", "Paid by card")),
    Paper("hotel-invoice.pdf", ("Hotel Alpenblick", "One night, breakfast included", "Paid")),
    Paper("scan.pdf", ("Restaurant Krone", "2 menus, 1 water, 2 coffees")),
)

#: a supplier, what is bought, and the least and the most that it costs
PURCHASES = (
    ("Paper & Co", "Printer paper, 20 boxes", 58, 72),
    ("Paper & Co", "Toner for floor 2", 88, 99),
    ("Laptops Ltd", "Laptop for a new colleague", 1380, 1540),
    ("Laptops Ltd", "Two screens, 27 inch", 520, 640),
    ("Laptops Ltd", "Headsets, 12 pieces", 740, 900),
    ("Alpine Furniture", "Standing desk", 840, 960),
    ("Alpine Furniture", "Shelves for the archive", 1200, 1850),
    ("Coffee Service", "Coffee machine, service contract", 990, 1240),
    ("Coffee Service", "Coffee beans, 6 kg", 76, 96),
    ("Machine Works", "Milling machine", 42_000, 49_500),
    ("Machine Works", "Spare parts for the press", 2300, 4100),
    ("Velo Kurier", "Courier, December", 310, 420),
    ("Sign & Print", "Flyers for the trade fair", 480, 720),
    ("Lift Services", "Yearly check of the lift", 1150, 1300),
    ("Green Power", "Solar panels for the roof", 18_400, 26_000),
    ("Helvetia Office", "Whiteboards, 3 pieces", 380, 460),
)
PURCHASE_REFUSALS = (
    "Please ask again in January, with the new budget.",
    "We still have two of these in the store.",
    "Three quotes are needed for this sum.",
)
PURCHASE_REMARKS = (
    ("Is this in the budget of this year?", "Yes, position 3.4."),
    ("Can we lease it instead?", "They offer it, but it costs **a third more** over four years."),
    ("When do you need it?", "By the end of the month."),
)
QUOTES = (
    Paper("quote.pdf", ("Quote", "Valid for 30 days", "Delivery within two weeks")),
    Paper("quote-2.pdf", ("Quote 2024-118", "Including installation")),
)

COVERS = ("Claire Favre", "David Schmid", "Nina Graf", "Marco Bianchi", "Ivan Petrov", "")
REASONS = ("", "", "", "My sister's wedding.", "School holidays.", "We are moving house.")
LEAVE_REFUSALS = ("Three of your team are away that week.", "That is the week of the stocktaking.")
LEAVE_REMARKS = (
    ("Can you move it by one week?", "I would rather not, the flights are booked."),
    ("Who looks after the key customers?", "Claire does, we have talked about it."),
)

#: a service, how bad it is, what one sees, what it was, and what is done so that it does not come again
INCIDENTS = (
    ("Mail", "critical", "No mail has come in since nine o'clock.", "The disk of the mail server was full.",
     "An alarm at 80 % of the disk."),
    ("Printer on floor 2", "minor", "It prints everything in green.", "The magenta cartridge was empty.",
     "A spare set of cartridges lies beside it."),
    ("VPN", "major", "Nobody can connect from home.", "The certificate had expired.",
     "Certificates are renewed by a timer, and watched."),
    ("Scanner in the warehouse", "major", "Labels are not read any more.", "An update had reset the character set.",
     "Updates go to one device first."),
    ("Web shop", "critical", "Orders end with an error page.", "The payment service had changed its address.",
     "We subscribe to their notices."),
    ("Meeting room Säntis", "minor", "The screen stays black.", "A cable was broken.",
     "Cables are checked each quarter."),
    ("Time recording", "major", "Yesterday's times are missing.", "The nightly job had stopped.",
     "Its failure is told to the team at once."),
    ("Wireless network, floor 3", "minor", "Calls break off every few minutes.", "Two access points shared a channel.",
     "Channels are planned when a room is rebuilt."),
)  # fmt: skip
INCIDENT_REMARKS = (
    ("Since when do you see it?", "Since this morning, about half past eight."),
    ("Does it happen to others too?", "The whole floor has it."),
)

NEWS = (
    "The canteen opens at eleven",
    "Fire drill on Thursday at ten",
    "New opening hours of the reception",
    "The lift is checked on Monday",
    "Flu vaccination: sign up by Friday",
    "Our numbers of the third quarter",
    "Parking is closed on Saturday",
    "Welcome to three new colleagues",
    "The Christmas dinner is on 11 December",
    "Bicycle storage has a new code",
    "Summer timetable of the shuttle",
)
TOWNS = ("Chur", "Genoa", "Lugano", "Lyon", "Innsbruck", "Freiburg", "Sion", "Turin", "Munich", "Geneva")
ARTICLES = ("Wool blanket", "Thermos bottle", "Hiking map, Engadin", "Head torch")
#: a name, a telephone number, and an address
CUSTOMERS = (
    ("Baker & Sons", "+41 31 300 00 00", "orders@baker.example"),
    ("Hotel Alpenblick", "+41 81 555 01 20", "office@alpenblick.example"),
    ("Garage Rossi", "+41 91 555 32 10", "rossi@garage.example"),
    ("Praxis Dr. Lang", "+41 44 555 87 65", "praxis@lang.example"),
    ("Weber Treuhand", "+41 52 555 11 42", "info@weber.example"),
)
NEWCOMERS = (
    ("Dora Diaz", "Engineer"),
    ("Noah Berger", "Accountant"),
    ("Mia Castelli", "Account manager"),
    ("Samuel Okafor", "Buyer"),
    ("Lea Zimmermann", "Apprentice"),
    ("Viktor Lund", "Warehouse clerk"),
)
READY = ("", "It lies at the reception.", "Serial number CH-20417.", "Signed and filed.")
MISSING = ("", "Two head torches.", "One box of blankets was counted twice in October.")
