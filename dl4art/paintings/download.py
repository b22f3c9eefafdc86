"""Downloads that spare the server: one at a time, with pauses, within limits, and only where robots may go."""

from __future__ import annotations

import email.utils
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
import urllib.robotparser
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from dl4art import __version__
from dl4art.utils.errors import InputError

AGENT = f"dl4art/{__version__}"
_LATER = {408, 425, 429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}
NO_CONNECTION = "no connection"
"""How it begins what it says of a server that cannot be reached."""
_MOST_REDIRECTS = 5
_LONGEST_PAUSE = 120.0
_GIVE_UP = 5
"""Pictures in a row that a server does not answer for, after which it is left alone."""
_CHUNK = 1 << 16
_TEXT_BYTES = 500_000
_SAFE = "/%:@!$&'()*+,;=~-._"


@dataclass(frozen=True)
class Manners:
    """How a server is treated.

    Attributes
    ----------
    pause : float
        Seconds between two requests to the same server, at least; its robots.txt may ask for more.
    tries : int
        How often a request is made that fails for reasons which may pass; the pause doubles each time.
    timeout : float
        Seconds that the server may be silent.
    deadline : float
        Seconds that an answer may take in all.
    largest : int
        Bytes of an answer, at most.
    """

    pause: float = 1.0
    tries: int = 4
    timeout: float = 30.0
    deadline: float = 300.0
    largest: int = 50_000_000


@dataclass(frozen=True)
class Answer:
    """What a server sent: the bytes, what it calls them (``image/jpeg``, may be empty), and where they were at last."""

    data: bytes = field(repr=False)
    kind: str
    address: str


class _LaterError(Exception):
    """A failure that may pass, and the seconds after which the server wants to be asked again."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: each step is checked first."""

    def redirect_request(self, *_: Any) -> None:
        return None


def clean_address(address: str) -> str:
    """Give an address as it can be asked for: signs outside ASCII escaped.

    Raises
    ------
    InputError
        If it is not of the kinds http and https, is malformed, or holds a user's name.
    """
    text = address.strip()
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError as error:  # UnicodeError is one
        raise InputError(f"{address!r}: no valid address ({error}). Correct it in the table.") from error
    if parts.scheme not in ("http", "https") or not host or not text.isprintable():
        raise InputError(f"{address!r}: not an address that begins with http:// or https://. Correct it in the table.")
    if parts.username is not None or parts.password is not None:
        # it would be written beside the pictures
        raise InputError("an address with a user's name or password in it. Take that out of the table.")
    place = f"[{host}]" if ":" in host else host
    place = place if port is None else f"{place}:{port}"
    return urlunsplit((parts.scheme, place, quote(parts.path, _SAFE), quote(parts.query, _SAFE + "?"), ""))


class Fetcher:
    """Asks servers for files, one after the other.

    Parameters
    ----------
    manners : Manners
        How they are treated.
    sleep, clock : callable
        Wait some seconds; tell the seconds.
    """

    def __init__(
        self,
        manners: Manners = Manners(),
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.manners = manners
        self._sleep, self._clock = sleep, clock
        self._next: dict[str, float] = {}
        self._rules: dict[str, urllib.robotparser.RobotFileParser] = {}
        self._silent: Counter[str] = Counter()
        # put together by hand: the usual one would open files and FTP as well
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.UnknownHandler(),
            _Stay(),
        ):
            self._opener.add_handler(handler)

    def fetch(self, address: str, accept: str, largest: int | None = None) -> Answer:
        """Ask for a file.

        Parameters
        ----------
        address : str
            Of the kind http or https.
        accept : str
            What is wanted, as the header ``Accept`` has it: ``image/*``.
        largest : int, optional
            Bytes that it may have, if fewer than usual.

        Raises
        ------
        InputError
            If the address is none, the server refuses, does not answer in time or sends too much, or robots may not
            go there.
        """
        address = clean_address(address)
        server = _server(address)
        if self._silent[server] >= _GIVE_UP:
            raise InputError(f"{server} did not answer {_GIVE_UP} times in a row and is left alone. Try again later.")
        for number in range(self.manners.tries):
            try:
                answer = self._follow(address, accept, largest or self.manners.largest)
            except _LaterError as later:
                if number + 1 == self.manners.tries or later.after > _LONGEST_PAUSE:
                    self._silent[server] += 1
                    often = f"tried {number + 1} times" if number else "tried once"
                    raise InputError(f"{later}; {often}. Try again later.") from later
                self._sleep(max(later.after, max(self.manners.pause, 1.0) * 2**number))
            except InputError:
                self._silent[server] = 0
                raise
            else:
                self._silent[server] = 0
                return answer
        raise InputError(f"{address}: tried no time. Allow at least one try.")

    def _follow(self, address: str, accept: str, largest: int) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            self._check_rules(address)
            answer = self._ask(address, accept, largest)
            if isinstance(answer, Answer):
                return answer
            onward = urljoin(address, answer)
            # never from https to what others can read and change
            allowed = ("https",) if address.startswith("https:") else ("http", "https")
            if urlsplit(onward).scheme not in allowed:
                raise InputError(f"the server sends on to {onward!r}, which is not followed from {address}.")
            address = clean_address(onward)
        raise InputError(f"the server sends on more than {_MOST_REDIRECTS} times.")

    def _check_rules(self, address: str) -> None:
        """Raise InputError if the server's robots.txt keeps programs from an address."""
        server = _server(address)
        if server not in self._rules:
            rules = urllib.robotparser.RobotFileParser()
            try:
                text = self._ask(f"{server}/robots.txt", "text/plain", _TEXT_BYTES)
                lines = text.data.decode("utf-8", "replace").splitlines() if isinstance(text, Answer) else []
            except InputError:  # it has none, or none that can be read
                lines = []
            rules.parse(lines)
            self._rules[server] = rules
        if not self._rules[server].can_fetch(AGENT, address):
            raise InputError(f"{server}/robots.txt does not allow programs to fetch {address}. Ask the owner.")

    def _wait(self, server: str) -> None:
        asked = self._rules[server].crawl_delay(AGENT) if server in self._rules else None
        pause = max(self.manners.pause, min(float(asked or 0), _LONGEST_PAUSE))
        if (left := self._next.get(server, 0.0) - self._clock()) > 0:
            self._sleep(left)
        self._next[server] = self._clock() + pause

    def _ask(self, address: str, accept: str, largest: int) -> Answer | str:
        """Ask once; gives where the server sends on to, if it does."""
        self._wait(_server(address))
        end = self._clock() + self.manners.deadline
        headers = {"User-Agent": AGENT, "Accept": accept, "Accept-Encoding": "identity"}
        request = urllib.request.Request(address, headers=headers)
        try:
            with self._opener.open(request, timeout=self.manners.timeout) as answer:
                kind = answer.headers.get_content_type() if answer.headers.get("Content-Type") else ""
                return Answer(self._body(answer, largest, end), kind, address)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in _REDIRECTS and (onward := error.headers.get("Location")):
                    return str(onward)
                message = f"the server answers {error.code} {error.reason}"
                if error.code in _LATER:
                    raise _LaterError(message, _seconds(error.headers.get("Retry-After"))) from error
                raise InputError(f"{message}. Check the address.") from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise InputError(f"the server cannot prove who it is ({error.reason.verify_message}).") from error
            raise _LaterError(f"{NO_CONNECTION} ({error.reason})") from error
        except (OSError, http.client.HTTPException) as error:
            what = "the server is silent" if isinstance(error, socket.timeout) else f"connection broken ({error!r})"
            raise _LaterError(what) from error

    def _body(self, answer: Any, largest: int, end: float) -> bytes:
        stated = answer.headers.get("Content-Length", "")
        length = int(stated) if stated.isascii() and stated.isdigit() else None
        data = bytearray()
        if length is None or length <= largest:
            while len(data) <= largest and (piece := answer.read1(_CHUNK)):
                data += piece
                if self._clock() > end:
                    raise InputError(f"not complete after {self.manners.deadline:g} s. Try again later.")
        if max(len(data), length or 0) > largest:
            raise InputError(f"larger than the limit of {largest / 1e6:g} MB.")
        if length is not None and len(data) < length:
            raise _LaterError(f"the connection ended after {len(data)} of {length} bytes")
        return bytes(data)


def _server(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _seconds(text: str | None) -> float:
    """Seconds that ``Retry-After`` asks for; it holds a number or a date."""
    if not text:
        return 0.0
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
