"""Flows for Viewflow, and what drives them: written from its public documentation."""
