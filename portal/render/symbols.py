"""The drawings inside of shapes: path data on a square of 16 by 16, drawn with a stroke."""

from __future__ import annotations

SYMBOLS: dict[str, str] = {
    # tasks
    "user": "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 14.5c0-3 2.2-5 5.5-5s5.5 2 5.5 5Z",
    "manual": "M3 13V6.5L7.2 2.6c.9-.7 1.8.2 1.2 1.1L7 6h6.2a1 1 0 0 1 0 2H9.5h4.2a1 1 0 0 1 0 "
    "2H9.5h3.6a1 1 0 0 1 0 2H9.5h2.3a1 1 0 0 1 0 2H5Z",
    "service": "M8 5.6a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8ZM6.9 1.5h2.2l.4 1.9 1.3.6 1.7-1 1.5 "
    "1.5-1 1.7.6 1.3 1.9.4v2.2l-1.9.4-.6 1.3 1 1.7-1.5 1.5-1.7-1-1.3.6-.4 "
    "1.9H6.9l-.4-1.9-1.3-.6-1.7 1L2 13.5l1-1.7-.6-1.3L.5 10.1V7.9l1.9-.4L3 6.2l-1-1.7L3.5 "
    "3l1.7 1 1.3-.6Z",
    "script": "M5 1.5h9c-3.5 3 2 6 0 9.5-.6 1.5-1.2 2.5-2.5 3.5H2.5c3.5-3-2-6 0-9.5.5-1.5 1.2-2.5 "
    "2.5-3.5ZM6 5h5M6 8h5.5M5.5 11H11",
    "send": "M1 3h14v10H1ZM1 3l7 6 7-6",
    "receive": "M1 3h14v10H1ZM1 3l7 6 7-6",
    "rule": "M1 2.5h14v11H1ZM1 6h14M1 9.75h14M5.5 6v7.5",
    # events
    "message": "M1.5 3.5h13v9h-13ZM1.5 3.5 8 9l6.5-5.5",
    "timer": "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM8 3.8V8l3 2",
    "signal": "M8 1.5 15 13.5H1Z",
    "error": "M2 14 6 2.5l4 6.5 4-6.5-3.6 11.5L6.4 8Z",
    "escalation": "M8 1 13 14 8 9.2 3 14Z",
    "conditional": "M3 1.5h10v13H3ZM5 4.5h6M5 8h6M5 11.5h6",
    "compensation": "M8 3v10L1.5 8ZM14.5 3v10L8 8Z",
    "terminate": "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Z",
    # gateways
    "exclusive": "M3.5 3.5l9 9M12.5 3.5l-9 9",
    "parallel": "M8 1.5v13M1.5 8h13",
    "inclusive": "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Z",
    "complex": "M8 1.5v13M1.5 8h13M3.4 3.4l9.2 9.2M12.6 3.4l-9.2 9.2",
    "event": "M8 .5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15ZM8 3.5l4.4 3.2-1.7 5.1H5.3L3.6 6.7Z",
    # markers at the bottom of a task
    "marker-subprocess": "M1.5 1.5h13v13h-13ZM8 4.5v7M4.5 8h7",
    "marker-parallel": "M4 2v12M8 2v12M12 2v12",
    "marker-sequential": "M2 4h12M2 8h12M2 12h12",
    "marker-compensation": "M8 3v10L1.5 8ZM14.5 3v10L8 8Z",
    # states
    "done": "M4 8.5l2.7 2.7L12 5.5",
    "current": "M6 4.5 11.5 8 6 11.5Z",
    "failed": "M8 3.5v5.5M8 11.6v.8",
    "canceled": "M5 5l6 6M11 5l-6 6",
}
