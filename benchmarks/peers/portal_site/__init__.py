"""The same flows for the portal, and what drives them."""
