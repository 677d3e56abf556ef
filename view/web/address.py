"""Where a page is served: a port that is free, and a guard against pages of strangers."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from scenegrad.view.errors import ViewError

__all__ = ["LOOPBACK", "USUAL_PORT", "free_port", "is_loopback", "may_ask", "warning"]

LOOPBACK = "127.0.0.1"
USUAL_PORT = 8642


def free_port(host: str, port: int | None) -> int:
    """The port asked for, or else the usual one, or where that is taken any other; ViewError where it cannot be had."""
    for wanted in (USUAL_PORT, 0) if port is None else (port,):
        if not 0 <= wanted < 65536:
            raise ViewError(f"port={port} is no port; it is a number from 1 to 65535, or 0 for any that is free.")
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, wanted))
                return int(probe.getsockname()[1])
        except OSError as error:
            trouble = error
    raise ViewError(
        f"{f'Port {port} of {host}' if port else f'host={host!r}'} cannot be used: {trouble.strerror}. The host is an "
        f"address of this machine, such as 127.0.0.1{'; leave the port out to take any that is free' if port else ''}."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can come in."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def may_ask(bound: str, host: str, origin: str | None) -> bool:
    """Whether a request comes from the page itself, and not from another page in the same browser.

    bound: the address that is served. host, origin: what the browser says it has asked for, and for which page."""
    name = urlsplit(f"//{host}").hostname or ""
    if is_loopback(bound) and not is_loopback(name):
        return False  # a name that somebody has made to point here
    return origin is None or urlsplit(origin).netloc == host


def warning(host: str) -> str:
    return (
        f"warning: {host} can be reached from other machines, and nothing asks who they are: everybody who finds the "
        "port sees the run and can turn it. An encrypted way for yourself alone: ssh -L 8642:127.0.0.1:8642 MACHINE."
    )
