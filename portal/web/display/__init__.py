"""How pages say things: values, moments, spans of time, states and icons."""
