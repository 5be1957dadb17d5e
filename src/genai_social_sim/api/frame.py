"""A run on the page within a notebook: the page served by this process, shown in a frame."""

from __future__ import annotations

import socket
import threading
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote

from genai_social_sim.api.page import page
from genai_social_sim.errors import RequestError

_LOCAL: Final = "http://localhost:* http://127.0.0.1:*"  # notebooks of this machine, whatever their port
_UNTIL_IT_ENDS_S: Final = 5.0


class Frame:
    """A run, served on this machine until `close` or the end of the process; in a notebook it shows itself.

    `url` is its address.
    """

    def __init__(self, path: Path, *, height: int, embed: str) -> None:
        from genai_social_sim.web.guard import Terms

        if any(char in embed for char in ";,'\""):
            raise RequestError(f"{embed!r} is no origin", remedy="Give it as http://HOST:PORT.")
        app = page(path, Terms(embed=f"{_LOCAL} {embed}".strip()))
        import uvicorn

        self._height = height
        self._listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True, name="gss-page"
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/runs/{quote(path.stem, safe='')}"

    def close(self) -> None:
        """Serve it no longer."""
        self._server.should_exit = True
        self._thread.join(timeout=_UNTIL_IT_ENDS_S)
        self._listener.close()

    def _repr_html_(self) -> str:
        address, style = escape(self.url), f"border:0;width:100%;height:{self._height}px"
        return f'<iframe src="{address}" title="The run on its page" style="{style}"></iframe>'

    def __repr__(self) -> str:
        return f"<Frame {self.url}>"
