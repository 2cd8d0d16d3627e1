"""Sends a message to wherever the operator wants it: mail, chat, a webhook; one URL each, by Apprise.

An address may hold a password anywhere: it is named by its place in RENEWABLE_ALERT_URLS, and never shown.
"""

import hashlib
import logging
from typing import Any, Literal

from renewable.errors import RenewableError, SettingsError


class NotifyError(RenewableError):
    """A message did not reach an address."""


def fingerprint_of_address(url: str) -> str:
    """What tells an address from others without showing it."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def named_addresses(urls: str) -> list[tuple[str, str]]:
    """What RENEWABLE_ALERT_URLS holds: each address with the name by which messages call it."""
    found = urls.split()
    return [(f"address {number} of {len(found)}", url) for number, url in enumerate(found, 1)]


def check_addresses(urls: str) -> None:
    """Raises SettingsError for each address of RENEWABLE_ALERT_URLS that Apprise cannot read; sends nothing."""
    faults = [_unknown(name) for name, url in named_addresses(urls) if _service(url) is None]
    if faults:
        raise SettingsError("\n".join(faults))


def notify(
    url: str, title: str, body: str, *, name: str, kind: Literal["failure", "info"] = "failure"
) -> str:
    """Send to the address `url` (https://appriseit.com) and return the service's name.

    Raises NotifyError, which calls the address `name`.
    """
    from apprise import NotifyType

    service = _service(url)
    if service is None:
        raise NotifyError(_unknown(name))
    said = str(service.service_name)
    if not service.notify(title=title, body=body, notify_type=NotifyType(kind)):
        raise NotifyError(
            f"{name} in RENEWABLE_ALERT_URLS ({said}) did not take the message: check the service"
        )
    return said


def _service(url: str) -> Any:
    import apprise

    # It logs addresses that it cannot read as they are.
    logging.getLogger("apprise").disabled = True
    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def _unknown(name: str) -> str:
    return (
        f"{name} in RENEWABLE_ALERT_URLS: Apprise knows no service of this form. Addresses begin like mailto:// or"
        " json:// (https://appriseit.com), with blanks between them"
    )
