"""The interpreter: moves tokens from node to node until every branch waits; a rule of the language a module."""
