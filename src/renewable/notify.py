"""Sends a message to wherever the operator wants it: mail, chat, a webhook; one URL each, by Apprise.

An address may hold a password anywhere: it is named by its place in RENEWABLE_ALERT_URLS, and never shown.
"""

import hashlib
import logging

from renewable.errors import RenewableError


class NotifyError(RenewableError):
    """A message did not reach an address."""


def fingerprint_of_address(url: str) -> str:
    """What tells an address from others without showing it."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def notify(url: str, title: str, body: str, *, name: str) -> None:
    """Send to the address `url` (https://appriseit.com). Raises NotifyError, which calls it `name`."""
    import apprise

    # It logs addresses that it cannot read as they are.
    logging.getLogger("apprise").disabled = True
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise NotifyError(
            f"{name} in RENEWABLE_ALERT_URLS: Apprise knows no service of this form. Addresses begin like mailto:// or"
            " json:// (https://appriseit.com), with blanks between them"
        )
    if not service.notify(title=title, body=body, notify_type=apprise.NotifyType.FAILURE):
        raise NotifyError(
            f"{name} in RENEWABLE_ALERT_URLS ({service.service_name}) did not take the message: check the service"
        )
