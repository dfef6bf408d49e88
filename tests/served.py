"""An application on loopback, by waitress in a thread of its own."""

import threading
from contextlib import contextmanager

from waitress.server import create_server


@contextmanager
def served(app, port=0, threads=4):
    """Its address; at the end of the block its workers stop, too."""
    server = create_server(app, host="127.0.0.1", port=port, threads=threads)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        if (scheduler := app.extensions.get("portal_scheduler")) is not None:
            scheduler.stop()
        thread.join(timeout=10)
