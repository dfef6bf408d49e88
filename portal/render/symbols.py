"""The drawings inside of shapes: path data on a square of 16 by 16, drawn with a stroke."""

from __future__ import annotations

SYMBOLS: dict[str, str] = {
    # tasks
    "user": "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 14.5c0-3 2.2-5 5.5-5s5.5 2 5.5 5Z",
    "manual": "M3 13V6.5L7.2 2.6c.9-.7 1.8.2 1.2 1.1L7 6h6.2a1 1 0 0 1 0 2H9.5h4.2a1 1 0 0 1 0 2H9.5h3.6a1 1 0 0 1 "
    "0 2H9.5h2.3a1 1 0 0 1 0 2H5Z",
    "service": "M8 5.6a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8ZM6.9 1.5h2.2l.4 1.9 1.3.6 1.7-1 1.5 1.5-1 1.7.6 1.3 "
    "1.9.4v2.2l-1.9.4-.6 1.3 1 1.7-1.5 1.5-1.7-1-1.3.6-.4 1.9H6.9l-.4-1.9-1.3-.6-1.7 1L2 13.5l1-1.7-.6-1.3L.5 "
    "10.1V7.9l1.9-.4L3 6.2l-1-1.7L3.500 3l1.700 1 1.300-.600Z",
    "script": "M5 1.500h9c-3.500 3 2 6 0 9.500-.600 1.500-1.200 2.500-2.500 3.500H2.500c3.500-3-2-6 0-9.500.500-1.500 1.200-2.500 "
    "2.500-3.500ZM6 5h5M6 8h5.500M5.500 11H11",
    "send": "M1 3h14v10H1ZM1 3l7 6 7-6",
    "receive": "M1 3h14v10H1ZM1 3l7 6 7-6",
    "rule": "M1 2.500h14v11H1ZM1 6h14M1 9.750h14M5.500 6v7.500",
    # events
    "message": "M1.500 3.500h13v9h-13ZM1.500 3.500 8 9l6.500-5.500",
    "timer": "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM8 3.800V8l3 2",
    "signal": "M8 1.500 15 13.500H1Z",
    "error": "M2 14 6 2.500l4 6.500 4-6.500-3.600 11.500L6.400 8Z",
    "escalation": "M8 1 13 14 8 9.200 3 14Z",
    "conditional": "M3 1.500h10v13H3ZM5 4.500h6M5 8h6M5 11.500h6",
    "compensation": "M8 3v10L1.500 8ZM14.500 3v10L8 8Z",
    "terminate": "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11Z",
    # gateways
    "exclusive": "M3.500 3.500l9 9M12.500 3.500l-9 9",
    "parallel": "M8 1.500v13M1.500 8h13",
    "inclusive": "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11Z",
    "complex": "M8 1.500v13M1.500 8h13M3.400 3.400l9.200 9.200M12.600 3.400l-9.200 9.200",
    "event": "M8 .5a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15ZM8 3.500l4.400 3.200-1.700 5.100H5.300L3.600 6.700Z",
    # markers at the bottom of a task
    "marker-subprocess": "M1.500 1.500h13v13h-13ZM8 4.500v7M4.500 8h7",
    "marker-parallel": "M4 2v12M8 2v12M12 2v12",
    "marker-sequential": "M2 4h12M2 8h12M2 12h12",
    "marker-compensation": "M8 3v10L1.500 8ZM14.500 3v10L8 8Z",
    # states
    "done": "M4 8.500l2.700 2.700L12 5.500",
    "current": "M6 4.500 11.500 8 6 11.500Z",
    "failed": "M8 3.500v5.500M8 11.600v.8",
    "canceled": "M5 5l6 6M11 5l-6 6",
}
